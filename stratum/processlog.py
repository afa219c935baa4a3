"""Reading the output of one process as it grows, over rotations and clearings of its file."""

import os
from pathlib import Path
from typing import BinaryIO, Self

from stratum.buildlog import harmless

WINDOW = 256 * 1024
MAX_PARTIAL = 64 * 1024


class Tail:
    """Follows one file that supervisord writes: it may not exist yet, be rotated, or be cleared."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self._offset = offset
        self._file: BinaryIO | None = None
        self._partial = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def last(self, count: int) -> list[str]:
        """Return the last lines there are now; `fresh` goes on after them."""
        size = self.path.stat().st_size if self.path.exists() else 0
        self._offset = max(0, size - WINDOW)
        lines = [line for chunk in iter(self.fresh, []) for line in chunk]
        return lines[-count:] if count else []

    def fresh(self) -> list[str]:
        """Return the whole lines written since the last call, made harmless."""
        file = self._opened()
        if file is None:
            return []
        data = file.read(WINDOW)
        if not data and self._was_rotated(file):
            data = file.read(WINDOW)  # what was written between the two looks
            if not data:
                self._begin_again(file)
                return self.fresh()  # where a line may go on
        if not data and self._was_cleared(file):
            return self._flushed()
        whole, newline, self._partial = (self._partial + data).rpartition(b"\n")
        if len(self._partial) > MAX_PARTIAL:
            whole, self._partial = whole + newline + self._partial, b""
        return _lines(whole + newline) if whole + newline else []

    def rest(self) -> list[str]:
        """Return the beginning of a line that nothing follows any more, as what was written has ended."""
        return self._flushed() if self._partial else []

    def _opened(self) -> BinaryIO | None:
        if self._file is None:
            try:
                self._file = self.path.open("rb")
            except FileNotFoundError:
                return None
            self._file.seek(self._offset)
        return self._file

    def _was_rotated(self, file: BinaryIO) -> bool:
        """Whether the name means another file by now."""
        try:
            return self.path.stat().st_ino != os.fstat(file.fileno()).st_ino
        except FileNotFoundError:
            return False

    def _was_cleared(self, file: BinaryIO) -> bool:
        """Whether it was cut short; go on in its beginning."""
        if os.fstat(file.fileno()).st_size >= file.tell():
            return False
        self._begin_again(file)
        return True

    def _begin_again(self, file: BinaryIO) -> None:
        file.close()
        self._file, self._offset = None, 0

    def _flushed(self) -> list[str]:
        rest, self._partial = self._partial, b""
        return _lines(rest) if rest else self.fresh()


def _lines(data: bytes) -> list[str]:
    return harmless(data).decode("utf-8", "replace").removesuffix("\n").split("\n")
