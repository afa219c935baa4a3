"""Keeping the values of an app's variables out of what is shown of its builds and processes that fail. Pure.

It is against accidents: a tool that shows its settings, a command that is echoed. A program that
means to tell a value can encode it. A value of several lines is looked for line by line, since a log
indents them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping

MIN_CHARACTERS = 6  # a shorter value would be found in words that have nothing to do with it
MAX_PIECE = 1024  # bytes; a longer line is looked for in parts, so that little has to be held back

# What stands in variables and is said for other reasons.
_COMMON = {
    *("always", "console", "default", "develop", "development", "disable", "disabled", "enable"),
    *("enabled", "english", "errors", "global", "google", "latest", "localhost", "logging", "master"),
    *("memory", "minimal", "module", "native", "normal", "notice", "package", "poetry", "postgres"),
    *("postgresql", "private", "production", "project", "public", "python", "python3", "release"),
    *("remote", "require", "required", "secret", "server", "service", "session", "shared", "sqlite"),
    *("sqlite3", "stable", "staging", "standard", "static", "status", "strict", "stderr", "stdout"),
    *("string", "system", "testing", "timeout", "update", "upgrade", "verbose", "version", "warning"),
    *("warnings", "worker", "c.utf-8", "en_us.utf-8", "europe/berlin", "node_modules"),
    "requirements.txt",
}
# A version, or the address of a host without a way in: told at every step that has to do with it.
_PLAIN = re.compile(r"v?\d+(?:\.\d+)+|https?://[\w.-]+(?::\d+)?/?")
_LINE_END = re.compile(r"[\r\n]+")


class Mask:
    """Puts `[NAME]` where the value of a variable stands."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._labels: dict[bytes, bytes] = {}
        for name, value in sorted(variables.items()):
            for piece in _pieces(value):
                self._labels.setdefault(piece, f"[{name}]".encode())
        self._sorted = sorted(self._labels)
        self._longest = max(map(len, self._sorted), default=0)

    def whole(self, data: bytes) -> bytes:
        """Mask data that is followed by nothing which belongs to it."""
        stream = Stream(self)
        return stream.feed(data) + stream.rest()

    def label(self, piece: bytes) -> bytes:
        """Return what stands for a piece that was found."""
        return self._labels[piece]

    def found_in(self, data: bytes) -> Iterator[re.Match[bytes]]:
        """Yield the pieces in data from left to right, the longest of those that begin at one place."""
        present = [piece for piece in self._sorted if piece in data]
        if present:
            longest_first = sorted(present, key=len, reverse=True)
            yield from re.finditer(b"|".join(map(re.escape, longest_first)), data)

    def open_from(self, data: bytes, start: int) -> int:
        """Return where the end of the data may begin a piece that goes on; its length when nowhere."""
        start = max(start, len(data) - self._longest + 1, data.rfind(b"\n") + 1)
        return next((at for at in range(start, len(data)) if self._begins(data[at:])), len(data))

    def _begins(self, tail: bytes) -> bool:
        after = bisect_left(self._sorted, tail + b"\0")
        return after < len(self._sorted) and self._sorted[after].startswith(tail)


class Stream:
    """Masks data that comes in parts; holds back what may be the beginning of a value."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next part; return what is sure."""
        data = self._held + data
        return self._masked(data, self._mask.open_from(data, 0))

    def rest(self) -> bytes:
        """Return what was held back, as nothing follows."""
        return self._masked(self._held, len(self._held))

    def _masked(self, data: bytes, sure: int) -> bytes:
        """Mask what begins before a place, and hold back what follows."""
        parts, done = [], 0
        for found in self._mask.found_in(data):
            if found.start() >= sure:
                break
            parts += [data[done : found.start()], self._mask.label(found[0])]
            done = found.end()
            if done > sure:
                sure = self._mask.open_from(data, done)
        self._held = data[sure:]
        return b"".join((*parts, data[done:sure]))


def _pieces(value: str) -> Iterator[bytes]:
    for line in map(str.strip, _LINE_END.split(value)):
        if len(line) < MIN_CHARACTERS or line.lower() in _COMMON or _PLAIN.fullmatch(line):
            continue
        data = line.encode("utf-8", "replace")
        count = -(-len(data) // MAX_PIECE)
        size = -(-len(data) // count)  # all alike, so that none is too short
        yield from (data[at : at + size] for at in range(0, len(data), size))
