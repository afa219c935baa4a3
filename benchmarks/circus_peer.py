"""The peer of `scale`: circus, with one watcher and a client that stays connected."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import require

VERSION = "0.19.0"
WATCHER = "worker"

_SETTINGS = """\
[circus]
endpoint = ipc://{folder}/c
pubsub_endpoint = ipc://{folder}/p
[watcher:{watcher}]
cmd = bash
args = -c "{program}"
numprocesses = {count}
copy_env = True
"""
# One line, one command: by how many.
_CLIENT = """\
import sys
from circus.client import CircusClient
client = CircusClient(endpoint=sys.argv[1], timeout=60)
for line in sys.stdin:
    by = int(line)
    name = "incr" if by > 0 else "decr"
    answer = client.send_message(name, name=sys.argv[2], nb=abs(by), waiting=True)
    print(answer["status"], flush=True)
"""


@dataclass(frozen=True, slots=True)
class Circus:
    """A running one."""

    folder: Path
    client: "subprocess.Popen[str]"

    def by(self, count: int) -> None:
        """Have so many processes more, or less, through the connected client; return when it has answered."""
        assert self.client.stdin is not None
        assert self.client.stdout is not None
        self.client.stdin.write(f"{count}\n")
        self.client.stdin.flush()
        said = self.client.stdout.readline().strip()
        require(said == "ok", f"circus answers ok, not {said!r}")

    def incr(self) -> None:
        """Have one process more, by circus's own command line."""
        argv = [str(self.folder / "v/bin/circusctl"), "--endpoint", f"ipc://{self.folder}/c", "incr", WATCHER]
        subprocess.run(argv, check=True, capture_output=True, timeout=60)


@contextmanager
def running(folder: Path, program: str, count: int) -> Iterator[Circus]:
    """Install and start it with so many processes; end it afterwards.

    Args:
        folder: for all that is its; there and empty, with a short path (unix sockets).
        program: what bash is to run.
    """
    _install(folder)
    settings = folder / "circus.ini"
    settings.write_text(_SETTINGS.format(folder=folder, watcher=WATCHER, program=program, count=count))
    log = (folder / "log").open("wb")
    python = str(folder / "v/bin/python")
    with log, subprocess.Popen([folder / "v/bin/circusd", settings], stdout=log, stderr=log) as daemon:
        argv = [python, "-c", _CLIENT, f"ipc://{folder}/c", WATCHER]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            try:
                yield Circus(folder, client)
            finally:
                client.terminate()
                daemon.terminate()
                daemon.wait(60)


def _install(folder: Path) -> None:
    for argv in (
        [sys.executable, "-m", "venv", str(folder / "v")],
        [str(folder / "v/bin/pip"), "install", "--quiet", f"circus=={VERSION}"],
    ):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        require(done.returncode == 0, f"circus {VERSION} can be installed", done.stdout + done.stderr)
