"""Reading what is kept of one process's output: over rotations, from a place that can be found again."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, islice
from pathlib import Path
from typing import BinaryIO, Self
from zlib import crc32

from stratum.buildlog import harmless
from stratum.logtimes import offset_since, times_of

WINDOW = 256 * 1024
MAX_LINE = 64 * 1024
CHECKED = 64  # bytes
PLACE = r"[0-9a-f]{1,16}\.[0-9a-f]{1,12}\.[0-9a-f]{1,8}"  # as text
BACKUPS = 2  # supervisord keeps so many older files (runner/engines/supervisord/sections.py)


@dataclass(frozen=True, slots=True)
class Place:
    """A byte of the output: in which file, and where there.

    Attributes:
        check: of what stands before it, since a new file may get the inode of one that is gone.
    """

    inode: int
    offset: int
    check: int = 0

    def __str__(self) -> str:
        return f"{self.inode:x}.{self.offset:x}.{self.check:x}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what was written as text (`PLACE`)."""
        return cls(*(int(word, 16) for word in text.split(".")))

    @classmethod
    def of(cls, file: BinaryIO, offset: int) -> Self:
        """Name a byte of an open file."""
        number = file.fileno()
        begin, end = os.pread(number, min(CHECKED, offset), 0), max(0, offset - CHECKED)
        check = crc32(os.pread(number, offset - end, end), crc32(begin))
        return cls(os.fstat(number).st_ino, offset, check)


@dataclass(frozen=True, slots=True)
class Said:
    """One line, made harmless, and when its end was written, where that was asked for and is known."""

    text: str
    at: datetime | None = None


class Trail:
    """Reads lines from a place on; the files may not exist yet, be rotated, or be cleared.

    Attributes:
        timed: whether to tell when lines were written.
        missed: some of it was rotated away before it could be read.
    """

    def __init__(self, path: Path, place: Place | None = None, read_at: float = 0.0) -> None:
        """Begin at a place; None: with the oldest that is kept.

        Args:
            read_at: when the place was the end (epoch seconds): of what was not touched since nothing is new.
        """
        self.path, self._read_at = path, read_at
        self.missed = self.timed = False
        self._file: BinaryIO | None = None
        self._begin = self._line = place
        self._partial = b""
        self._bytes = 0  # that were read

    @classmethod
    def after(cls, path: Path) -> "Trail":
        """Begin with what is written from now on."""
        return cls(path, place_in(path))

    @classmethod
    def since(cls, path: Path, at: datetime) -> "Trail":
        """Begin with what was written since a time, or a little before."""
        for file in _files(path):
            offset = offset_since(file, at)
            if offset is not None:
                return cls(path, place_in(file, offset))
        return cls.after(path)

    @classmethod
    def last(cls, path: Path, size: int) -> "Trail":
        """Begin with about the last bytes."""
        place = None
        for file in reversed(_files(path)):
            status = _status(file)
            if status is not None:
                place = place_in(file, max(0, status.st_size - size))
                size -= status.st_size
            if size <= 0:
                break
        return cls(path, place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def place(self) -> Place | None:
        """Where the first line begins that was not told yet; None where there is no file."""
        if self._partial:
            return self._line
        return self._begin if self._file is None else self._here()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def lines(self, most: int = sys.maxsize) -> Iterator[Said]:
        """Yield all lines there are by now.

        Args:
            most: bytes to read, or a little more: a process may write faster than anybody reads.
        """
        until = self._bytes + most
        while self._bytes < until and (found := self.fresh()):
            yield from found

    def rest(self) -> list[Said]:
        """Return what stands after the last whole line; more of it may come."""
        return self._said(self._partial, len(self._partial)) if self._partial else []

    def fresh(self) -> list[Said]:
        """Return some whole lines that were not told yet; none when there are none by now."""
        while self._opened() is not None:
            data = self._read()
            if not data and not self._goes_on():
                return []
            if found := self._taken(data):
                return found
        return []

    def _read(self) -> bytes:
        assert self._file is not None
        if not self._partial:
            self._line = self._here()
        self._read_at = time.time()
        data = self._file.read(WINDOW)
        self._bytes += len(data)
        return data

    def _taken(self, data: bytes) -> list[Said]:
        before = len(self._partial)
        whole, newline, rest = (self._partial + data).rpartition(b"\n")
        if len(rest) > MAX_LINE:
            whole, newline, rest = whole + newline + rest, b"\n", b""
        if newline and self._file is not None:
            self._line = Place.of(self._file, self._file.tell() - len(rest))
        self._partial = rest
        return self._said(whole, before + len(data)) if newline else []

    def _said(self, whole: bytes, read: int) -> list[Said]:
        texts = harmless(whole).decode("utf-8", "replace").split("\n")
        if not self.timed or self._file is None:
            return list(map(Said, texts))
        begin = self._file.tell() - read
        ends = accumulate((len(line) + 1 for line in whole.split(b"\n")), initial=begin)
        times = times_of(_name(self._file), (end - 1 for end in islice(ends, 1, None)))
        return list(map(Said, texts, times))

    def _here(self) -> Place:
        assert self._file is not None
        return Place.of(self._file, self._file.tell())

    def _opened(self) -> BinaryIO | None:
        if self._file is None:
            self._open(self._begin)
        return self._file

    def _open(self, place: Place | None) -> None:
        """Open the file of a place, or the oldest, which it is when that of the place is gone."""
        files = _files(self.path)
        for file in files[::-1] if place else ():  # as they are renamed, so that none is passed by
            if self._try(file, place):
                return
        for file in _touched(files, self._read_at):
            if self._try(file, None):
                if place is not None:
                    self.missed, self._partial = True, b""
                return

    def _try(self, file: Path, place: Place | None) -> bool:
        try:
            opened = file.open("rb")
        except FileNotFoundError:
            return False
        if place is not None and Place.of(opened, place.offset) != place:
            opened.close()
            return False
        opened.seek(0 if place is None else place.offset)
        self._file = opened
        return True

    def _goes_on(self) -> bool:
        """Go on with the file after this one, or from its beginning if it was cleared; False at the end."""
        here, file = self._here(), self._file
        assert file is not None
        inodes = _inodes(self.path)
        if here.inode not in inodes:
            self.close()
            self._begin = here  # which is gone
            return bool(inodes)
        if here.inode == inodes[-1]:
            return self._was_cleared(here)
        if os.fstat(file.fileno()).st_size > here.offset:
            return True  # written between the two looks
        after = Place(inodes[inodes.index(here.inode) + 1], 0)
        self.close()
        self._begin = after
        return True

    def _was_cleared(self, here: Place) -> bool:
        assert self._file is not None
        if os.fstat(self._file.fileno()).st_size >= here.offset:
            return False
        self._file.seek(0)
        self._partial += b"\n" if self._partial else b""
        return True


def place_in(path: Path, offset: int = sys.maxsize) -> Place | None:
    """Name where the line begins that a byte of a file is in, by default its end; None: no file."""
    try:
        with path.open("rb") as file:
            return Place.of(file, _line_start(file, min(offset, os.fstat(file.fileno()).st_size)))
    except OSError:
        return None


def _name(file: BinaryIO) -> Path:
    """What an open file is called by now."""
    return Path(f"/proc/self/fd/{file.fileno()}").readlink()


def _files(path: Path) -> list[Path]:
    """The files that there may be, oldest first."""
    return [*(path.with_name(f"{path.name}.{nth}") for nth in range(BACKUPS, 0, -1)), path]


def _inodes(path: Path) -> list[int]:
    """Those of the files, oldest first.

    The newest is looked at first: rotated between two looks, a file is met twice that way, and not missed.
    """
    newest_first = [status.st_ino for status in map(_status, reversed(_files(path))) if status is not None]
    return list(dict.fromkeys(newest_first))[::-1]


def _touched(files: list[Path], since: float) -> list[Path]:
    """Leave out what was written before, to the second that file systems are late by."""
    found = [(file, _status(file)) for file in files]
    return [file for file, status in found if status is not None and status.st_mtime >= since - 1]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _line_start(file: BinaryIO, offset: int) -> int:
    begin = max(0, offset - MAX_LINE)
    return begin + os.pread(file.fileno(), offset - begin, begin).rfind(b"\n") + 1
