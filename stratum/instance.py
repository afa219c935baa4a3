"""One Stratum as its own services see it: settings, folders, uids, and ways to the database and redis."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from stratum.domains import listed_hosts
from stratum.errors import Unavailable
from stratum.fence import Fence
from stratum.layout import Layout
from stratum.settings import Settings

_HTTPS = "443"


@dataclass(frozen=True, slots=True)
class Identity:
    """What `instance.json` holds; written at the first start and kept.

    Attributes:
        id: 12 hex digits that name the instance on its host.
        listen: `host:port` of the one public port, as given at the last start.
    """

    id: str
    fenced: bool
    uid_base: int
    listen: str

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """Read the file; None when the folder holds no instance."""
        try:
            return cls(**json.loads((data / "instance.json").read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            message = f"{data / 'instance.json'} cannot be read: {error.strerror}."
            raise Unavailable(message, "Run this as the account that Stratum was started as.") from error
        except (ValueError, TypeError) as error:
            message = f"{data / 'instance.json'} is damaged: {error}."
            raise Unavailable(message, "Restore it from a backup.") from error

    def write(self, data: Path) -> None:
        """Write the file, replacing it whole."""
        scratch = data / "instance.json.new"
        scratch.write_text(json.dumps(asdict(self), indent=2) + "\n")
        scratch.chmod(0o644)
        scratch.rename(data / "instance.json")


@dataclass(frozen=True, slots=True)
class Instance:
    """Everything a service needs to know; made once in each process."""

    settings: Settings
    layout: Layout
    fence: Fence
    listen: str

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Read where we are from STRATUM_DATA and `instance.json`.

        Raises:
            Unavailable: the data folder holds no instance yet.
        """
        chosen = settings or Settings.from_env()
        data = chosen.data.resolve()
        identity = Identity.read(data)
        if identity is None:
            message = f"{data} holds no Stratum."
            raise Unavailable(message, "Start one with: stratum up --data DIR.")
        fence = Fence(identity.fenced, identity.uid_base)
        return cls(chosen, Layout(data, identity.id), fence, identity.listen)

    @property
    def redis_url(self) -> str:
        """The redis given, or our own."""
        return self.settings.redis_url or f"unix://{self.layout.redis_socket}"

    @property
    def port(self) -> int:
        """The public port."""
        return int(self.listen.rpartition(":")[2])

    @property
    def own_url(self) -> str:
        """Where Stratum itself is reached from outside, without a slash at its end, for links."""
        if self.settings.public_url:
            return self.settings.public_url.rstrip("/")
        host = next(iter(listed_hosts(self.settings.control_hosts)), "")
        if not host or not self.settings.https_listen:
            return f"http://{host or 'localhost'}:{self.port}"
        port = self.settings.https_listen.rpartition(":")[2]
        return f"https://{host}" + ("" if port == _HTTPS else f":{port}")

    def app_url(self, host: str) -> str:
        """Address of an app by its host name (`App.host`)."""
        return f"http://{host}:{self.port}"
