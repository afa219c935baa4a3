"""The log of a build: a file that grows, followed live by byte offset.

The file is the truth and the live stream in one, so a wiped redis takes no line away. Several
processes may append (the builder, then the applier): each write is one `write(2)` with O_APPEND.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Self

ARROW = "-----> "
INDENT = "       "
BANG = " !     "

# Output of builds and apps is hostile: colours, cursor movement, other ends of lines and a change of
# the direction of reading could forge our own lines. Every sequence and character goes in one pass over
# text: what a second one, or one over bytes, took out could join what it parts to a new sequence.
_FORGING = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|(?:\x1b\]|\x9d)[^\x07\n\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
)
# The only sequence that a pusher may ask for: it changes how text looks, and never where it stands
# (ECMA-48, 8.3.117: SELECT GRAPHIC RENDITION).
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_RESET = "\x1b[0m"


def follow_command(environment: str, app: str, number: int) -> str:
    """Say how to follow a build, from any folder."""
    return f"stratum -E {environment} -A {app} builds follow {number}"


def superseded(environment: str, app: str, newer: int) -> str:
    """Say that a build has given way; the same to those who watch it wait as at the end of its log."""
    return f"Superseded by #{newer}, a newer push: {follow_command(environment, app, newer)}"


def harmless(data: bytes) -> bytes:
    """Remove escape sequences, control characters and bidirectional overrides, keeping tab and newline.

    What is not UTF-8 becomes U+FFFD, and other ends of lines than newline go, too. A carriage return
    within a line starts the line anew on a terminal: only what follows the last one is kept, as a
    person would see it.
    """
    return _shown(_FORGING.sub("", data.decode("utf-8", "replace"))).encode()


def colored(data: bytes) -> bytes:
    """Do as `harmless`, but keep colours; each line ends with the usual ones."""
    clean = _shown(_FORGING.sub(_if_color, data.decode("utf-8", "replace")))
    return "\n".join(map(_reset, clean.split("\n"))).encode()


def _shown(text: str) -> str:
    return "\n".join(line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n"))


def _if_color(found: re.Match[str]) -> str:
    return found[0] if _COLOR.fullmatch(found[0]) else ""


def _reset(line: str) -> str:
    return line if "\x1b" not in line or line.endswith(_RESET) else line + _RESET


class Log:
    """Appends to one log."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file: BinaryIO = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def step(self, text: str) -> None:
        """Say what begins: `-----> text`."""
        self._lines(ARROW, text)

    def indent(self, text: str) -> None:
        """Add detail to the step; each line is indented."""
        self._lines(INDENT, text)

    def error(self, text: str) -> None:
        """Say what went wrong: ` !     text`, each line."""
        self._lines(BANG, text)

    def last(self, lines: Sequence[str]) -> None:
        """Show again the last lines of a program that failed: who sees the end of the log sees all."""
        if lines:
            self.error("Its last line:" if len(lines) == 1 else f"Its last {len(lines)} lines:")
            self.indent("\n".join(lines))

    def output(self, data: bytes, *, color: bool = False) -> int:
        """Add whole lines of a program's own output, made harmless and indented; return the bytes added."""
        clean = (colored(data) if color else harmless(data)).removesuffix(b"\n")
        return self._file.write(b"".join(INDENT.encode() + line + b"\n" for line in clean.split(b"\n")))

    def _lines(self, prefix: str, text: str) -> None:
        clean = harmless(text.encode("utf-8", "replace"))
        first, *rest = clean.split(b"\n")
        follow = (BANG if prefix == BANG else INDENT).encode()
        lines = [prefix.encode() + first, *(follow + line for line in rest)]
        self._file.write(b"".join(line + b"\n" for line in lines))


def read_from(path: Path, offset: int, limit: int = 65536) -> bytes:
    """Return what the log holds from a byte offset on; nothing when it does not exist yet."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(limit)
    except FileNotFoundError:
        return b""


def last_lines(
    path: Path, count: int, mask: Callable[[bytes], bytes] = bytes, window: int = 65536
) -> list[str]:
    """Return the last lines of any log, made harmless; fewer when it is shorter.

    Args:
        mask: takes out what may not be shown (`stratum.masking.Mask.whole`); done before anything is removed
            of the lines, and again after, as a value may hold what is removed, or be hidden by it.
    """
    try:
        size = path.stat().st_size
    except OSError:
        return []
    data = mask(read_from(path, max(0, size - window), window))
    text = mask(harmless(data)).decode("utf-8", "replace")
    return text.splitlines()[-count:]
