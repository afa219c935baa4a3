"""What only the first start makes: the instance's name and uids, the administrator's token."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stratum.errors import InvalidInput, Unavailable
from stratum.fence import BASE_STEP, base_within, fits
from stratum.instance import Identity, Instance
from stratum.secrets import new_secret
from stratum.settings import Settings
from stratum.up import idmap


def identify(settings: Settings, listen: str) -> Instance:
    """Name the instance of a data folder, or recognise it.

    Raises:
        InvalidInput: the folder was made by another account, or as root and we are not; or as root, and
            this user namespace lacks the uids. Nothing has been written then.
    """
    fenced = os.geteuid() == 0
    found = Identity.read(settings.data)
    _check_account(settings.data, found, fenced=fenced)
    name = found.id if found else secrets.token_hex(6)
    base = _fenced_base(name, found) if fenced else os.geteuid()
    settings.data.chmod(0o711 if fenced else 0o700)
    Identity(name, fenced, base, listen).write(settings.data)
    return Instance.open(settings)


def _fenced_base(name: str, found: Identity | None) -> int:
    """Keep the base that the files' owners follow from, or choose one of what exists here."""
    mapped = idmap.mapped()
    if found is None:
        base = base_within(name, mapped)
    else:
        base = found.uid_base if fits(found.uid_base, mapped) else None
    if base is None:
        count = sum(map(len, mapped))
        wanted = f"uids {found.uid_base} and up" if found else f"{BASE_STEP:,} uids of its own"
        message = (
            f"As root, Stratum needs {wanted}, and this user namespace has {count:,} that do not hold them."
        )
        raise InvalidInput(message, "Run it as an ordinary user, or give the container 65,536 ids or more.")
    return base


def _check_account(data: Path, found: Identity | None, *, fenced: bool) -> None:
    if found is None:
        return
    if found.fenced != fenced:
        was, now = ("root", "an ordinary user") if found.fenced else ("an ordinary user", "root")
        message = f"{data} was made as {was} and cannot be used as {now}."
        raise InvalidInput(message, f"Run this as {was}, or choose another --data.")
    if not fenced and found.uid_base != os.geteuid():
        message = f"{data} belongs to uid {found.uid_base}."
        raise InvalidInput(message, "Run this as that account.")


@dataclass(frozen=True, slots=True)
class AdminToken:
    """The administrator's secret on its way into file and database.

    The file is written first: whatever dies in between, the next start finds the secret there.
    """

    path: Path
    secret: str
    is_new: bool

    @classmethod
    def prepare(cls, path: Path) -> "AdminToken":
        """Read the file, or write it with a new secret."""
        if path.exists():
            return cls(path, path.read_text().strip(), is_new=False)
        secret = new_secret()
        scratch = path.with_suffix(".new")
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(path)
        return cls(path, secret, is_new=True)

    def forget(self) -> None:
        """Remove a file that tells no token: an administrator was there already."""
        if self.is_new:
            self.path.unlink()


def boot(instance: Instance, environ: Mapping[str, str]) -> str | None:
    """Run `stratum.up.boot` as the services' account; return the administrator's secret if it is new.

    Raises:
        Unavailable: it failed; its last line says why.
    """
    token = AdminToken.prepare(instance.layout.admin_token)
    done = subprocess.run(
        [*_as_service(instance), sys.executable, "-P", "-m", "stratum.up.boot"],
        input=token.secret,
        capture_output=True,
        text=True,
        env=dict(environ),
        cwd=instance.layout.run,
        check=False,
    )
    if done.returncode:
        token.forget()
        raise Unavailable((done.stderr.strip().splitlines() or ["Preparing the services failed."])[-1])
    if done.stdout != "created":
        token.forget()
        return None
    return token.secret


def _as_service(instance: Instance) -> list[str]:
    if not instance.fence.fenced:
        return []
    uid = str(instance.fence.service_uid)
    return ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--no-new-privs", "--"]
