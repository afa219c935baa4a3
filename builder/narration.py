"""What a build says: to the log that the pusher sees, live, come what may.

A log that cannot be written (the disk is full) is no reason to stop reading what a step prints, and
must not hide why the build failed: the first mishap is kept for the pipeline to ask about.
"""

import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from stratum.buildlog import Log, harmless
from stratum.errors import BuildFailed
from stratum.masking import Mask, Stream

log = logging.getLogger(__name__)

TAIL_LINES = 20
_MAX_TAIL_LINE = 1000  # characters of a line that is told again, and recorded
MAX_OUTPUT_BYTES = 16 << 20  # of one build in its log; the rest is read and left out
_CHUNK = _MAX_LINE = 8 << 10
_POLL_S = 0.1


class Narration:
    """The log of one build, and the last lines its steps have printed."""

    def __init__(self, path: Path, *, color: bool = False) -> None:
        """Open the log.

        Args:
            color: keep the colours of what steps print; the last lines have none.
        """
        self._color = color
        self.mishap: OSError | None = None
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._mask = Mask({})
        self._room = MAX_OUTPUT_BYTES
        self._log: Log | None = None
        self._try(lambda: self._open(path))

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()

    def mask(self, variables: Mapping[str, str]) -> None:
        """From now on, have `[NAME]` stand in what steps print where a variable's value would."""
        self._mask = Mask(variables)

    def step(self, text: str) -> None:
        """Say what begins."""
        self._write(lambda log: log.step(text))

    def indent(self, text: str) -> None:
        """Add detail to the step."""
        self._write(lambda log: log.indent(text))

    def error(self, text: str) -> None:
        """Say what went wrong."""
        self._write(lambda log: log.error(text))

    def failure(self, failure: BuildFailed) -> None:
        """Say what failed, how it ended, its last lines and what to do."""
        self.error(failure.summary)
        if failure.detail:
            self.error(failure.detail)
        self._write(lambda log: log.last(failure.output))
        if failure.hint:
            self.error(failure.hint)

    def output(self, data: bytes) -> None:
        """Add whole lines that a step has printed, as long as there is room for them."""
        self._add(self._mask.whole(data))

    def _add(self, data: bytes) -> None:
        clean = harmless(data)
        masked = self._mask.whole(clean)
        if clean != masked:
            data = _without(data, clean, masked)
        self.tail.extend(map(_cut, masked.decode("utf-8", "replace").splitlines()))
        if self._room <= 0:
            return
        self._write(lambda log: self._spend(log.output(data, color=self._color)))
        if self._room <= 0:
            self.indent(f"… more than {MAX_OUTPUT_BYTES >> 20} MiB of output; the rest is left out")

    @contextmanager
    def live(self, mark: str = "", begun: Callable[[str], object] = str) -> Iterator[int]:
        """Give a descriptor to a step; what is written to it appears in the log line by line.

        Args:
            mark: where a program of ours writes this, the rest of the line is shown as a step of the
                build; after a `=` it is what begins now. No other program may know it.
            begun: told what begins.
        """
        readable, writable = os.pipe()
        ended = threading.Event()
        add = partial(self._add_marked, mark.encode(), begun) if mark else self._add
        arguments = (readable, ended, add, Stream(self._mask))
        pump = threading.Thread(target=_pump, args=arguments, name="pump")
        pump.start()
        try:
            yield writable
        finally:
            os.close(writable)
            ended.set()
            pump.join()
            os.close(readable)

    def _add_marked(self, mark: bytes, begun: Callable[[str], object], data: bytes) -> None:
        before, found, rest = data.partition(mark)
        if before:
            self._add(before)
        while found:
            line, _, rest = rest.partition(b"\n")
            text = line.decode("utf-8", "replace")
            self.tail.clear()
            if text.startswith("="):
                begun(text[1:])
            else:
                self.step(text)
            before, found, rest = rest.partition(mark)
            if before:
                self._add(before)

    def _spend(self, written: int) -> None:
        """Count what the log has grown by: an empty line is one byte of a step's, and eight of the log's."""
        self._room -= written

    def _open(self, path: Path) -> None:
        self._log = Log(path)

    def _write(self, write: Callable[[Log], None]) -> None:
        open_log = self._log
        if open_log is not None:
            self._try(lambda: write(open_log))

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as error:
            if self.mishap is None:
                log.warning("a build's log could not be written: %s", error)
                self.mishap = error


def _without(data: bytes, clean: bytes, masked: bytes) -> bytes:
    """Have lines lose their colours where these stood within a value and hid it from the mask."""
    lines = zip(data.split(b"\n"), clean.split(b"\n"), masked.split(b"\n"), strict=True)
    return b"\n".join(line if plain == hidden else hidden for line, plain, hidden in lines)


def _cut(line: str) -> str:
    return line if len(line) <= _MAX_TAIL_LINE else line[: _MAX_TAIL_LINE - 1] + "…"


def _pump(readable: int, ended: threading.Event, output: Callable[[bytes], None], mask: Stream) -> None:
    """Pass on whole lines until the other end is closed, or the step has ended and left it open."""
    rest = b""
    while data := _next(readable, ended):
        whole, newline, rest = (rest + mask.feed(data)).rpartition(b"\n")
        if newline:
            output(whole + newline)
        if len(rest) > _MAX_LINE:
            output(rest)
            rest = b""
    rest += mask.rest()
    if rest:
        output(rest)


def _next(readable: int, ended: threading.Event) -> bytes:
    while not select.select([readable], [], [], _POLL_S)[0]:
        if ended.is_set():
            return b""
    return os.read(readable, _CHUNK)
