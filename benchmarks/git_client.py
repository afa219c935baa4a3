"""The real git client, timed.

Credentials come from git's own `credential-store`, for whichever server: so each push makes the
same requests (one refused with 401, one that lists the references, one that sends the pack) and
starts the same helper programs.
"""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.errors import require
from tests.served import Served

USER = "stratum"


@dataclass(frozen=True, slots=True)
class Call:
    """One git command in a folder."""

    folder: Path
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GitClient:
    """A person with passwords."""

    served: Served

    @property
    def _store(self) -> Path:
        return self.served.folder / "git-credentials"

    def knows(self, url: str, password: str) -> None:
        """Store the password for the server of a URL."""
        with self._store.open("a") as file:
            self._store.chmod(0o600)
            file.write(f"http://{USER}:{password}@{urlsplit(url).netloc}\n")

    def run(self, folder: Path, *words: str) -> float:
        """Run one command; return the seconds it took."""
        return self.run_all([Call(folder, words)])

    def run_all(self, calls: Sequence[Call], *, own_helper: bool = False) -> float:
        """Run commands side by side; return the seconds until the last has ended.

        Args:
            own_helper: ask the credential helper that `stratum associate` has set.
        """
        helper = f"credential.helper=store --file={self._store}"
        options = [] if own_helper else ["-c", "credential.helper=", "-c", helper]
        environ = self.served.environ
        start = time.perf_counter()
        running = [_started(call, options, environ) for call in calls]
        said = [process.communicate()[0] for process in running]
        took = time.perf_counter() - start
        for call, process, text in zip(calls, running, said, strict=True):
            require(process.returncode == 0, f"git {' '.join(call.words)} succeeds", text)
        return took


def _started(call: Call, options: list[str], environ: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["git", *options, *call.words],
        cwd=call.folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
