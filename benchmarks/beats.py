"""An app to deploy whose worker tells, by UDP on loopback, that it runs."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.waiting import wait_until

EVERY_S = 0.02
_WORKER = """\
import os, pathlib, socket, time
text = pathlib.Path(__file__).with_name("text").read_text().strip()
beat = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    beat.sendto(f"{{time.monotonic()}} {{os.getpid()}} {{text}}".encode(), ("127.0.0.1", {port}))
    time.sleep({every})
"""
PLAIN = Path(__file__).parents[1] / "tests/apps/plain"


@dataclass(frozen=True, slots=True)
class Beat:
    """A worker ran at a moment (monotonic)."""

    at: float
    pid: int
    text: str


@dataclass
class Heard:
    """All beats so far."""

    port: int
    beats: list[Beat] = field(default_factory=list)

    @property
    def source(self) -> dict[str, str]:
        """The files of `tests/apps/plain`, with a worker that beats here."""
        return {
            "Procfile": "web: python3 web.py\nworker: python3 worker.py\n",
            "web.py": (PLAIN / "web.py").read_text(),
            "worker.py": _WORKER.format(port=self.port, every=EVERY_S),
            "text": "first",
        }

    def wait_for(self, text: str) -> float:
        """Return when a worker of a release, known by its text, beat for the first time."""
        return self._wait(lambda beat: beat.text == text)

    def wait_for_other(self, known: set[int]) -> float:
        """Return when a process beat for the first time that is none of the known."""
        return self._wait(lambda beat: beat.pid not in known)

    def _wait(self, is_meant: Callable[[Beat], bool]) -> float:
        found = wait_until(lambda: [beat.at for beat in list(self.beats) if is_meant(beat)])
        return min(found)

    def gap_before(self, text: str) -> float:
        """Seconds without any worker before that release's first beat; 0 when they overlapped."""
        start = self.wait_for(text)
        last = max(beat.at for beat in list(self.beats) if beat.text != text)
        return max(0.0, start - last)


@contextmanager
def listening() -> Iterator[Heard]:
    """Listen while the block runs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(0.2)
        heard, stop = Heard(ear.getsockname()[1]), threading.Event()
        thread = threading.Thread(target=_listen, args=(ear, heard, stop))
        thread.start()
        try:
            yield heard
        finally:
            stop.set()
            thread.join()


def _listen(ear: socket.socket, heard: Heard, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            at, pid, text = ear.recv(4096).decode().split(" ", 2)
        except TimeoutError:
            continue
        heard.beats.append(Beat(float(at), int(pid), text))
