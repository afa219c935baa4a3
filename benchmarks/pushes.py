"""Timed pushes to an app of `Served.app`."""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.git_client import GitClient
from tests.served import Served


@dataclass(frozen=True, slots=True)
class Client:
    """A person with a repository and passwords."""

    served: Served
    repo: Path

    def knows(self, url: str, password: str) -> None:
        """Store the password for the server of a URL."""
        GitClient(self.served).knows(url, password)

    def change(self) -> str:
        """Commit one more line of `text`; return it."""
        text = f"release {time.monotonic_ns()}"
        self.served.commit(self.repo, text=text)
        return text

    def push(self, url: str, branch: str) -> float:
        """Push HEAD to a branch; return the seconds it took."""
        return GitClient(self.served).run(self.repo, "push", url, f"HEAD:refs/heads/{branch}")


def git_url(served: Served, app: str) -> str:
    """Where an app of `Served.app` is pushed to."""
    return f"{served.url}/MyProdEnv/{app}.git"


def admin_token(served: Served) -> str:
    """The administrator's secret."""
    return (served.data / "admin.token").read_text().strip()
