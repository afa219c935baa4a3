"""Timed pushes by the real git client.

Credentials come from git's own `credential-store`, for whichever server: so each push makes the
same requests (one refused with 401, one that lists the references, one that sends the pack) and
starts the same helper programs.
"""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.errors import require
from tests.served import Served

USER = "stratum"


@dataclass(frozen=True, slots=True)
class Client:
    """A person with a repository and passwords."""

    served: Served
    repo: Path

    @property
    def _store(self) -> Path:
        return self.served.folder / "git-credentials"

    def knows(self, url: str, password: str) -> None:
        """Store the password for the server of a URL."""
        with self._store.open("a") as file:
            self._store.chmod(0o600)
            file.write(f"http://{USER}:{password}@{urlsplit(url).netloc}\n")

    def change(self) -> str:
        """Commit one more line of `text`; return it."""
        text = f"release {time.monotonic_ns()}"
        self.served.commit(self.repo, text=text)
        return text

    def push(self, url: str, branch: str, *, own_helper: bool = False) -> float:
        """Push HEAD to a branch; return the seconds it took.

        Args:
            url: or the name of a remote.
            own_helper: ask the credential helper that `stratum associate` has set.
        """
        helper = f"credential.helper=store --file={self._store}"
        options = [] if own_helper else ["-c", "credential.helper=", "-c", helper]
        argv = ["git", *options, "push", url, f"HEAD:refs/heads/{branch}"]
        environ = self.served.environ
        start = time.perf_counter()
        done = subprocess.run(argv, cwd=self.repo, env=environ, capture_output=True, text=True, check=False)
        took = time.perf_counter() - start
        require(done.returncode == 0, f"{' '.join(argv)} succeeds", done.stderr)
        return took


def git_url(served: Served, app: str) -> str:
    """Where an app of `Served.app` is pushed to."""
    return f"{served.url}/MyProdEnv/{app}.git"


def admin_token(served: Served) -> str:
    """The administrator's secret."""
    return (served.data / "admin.token").read_text().strip()
