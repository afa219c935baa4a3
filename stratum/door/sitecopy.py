"""Copies a site out of a slug: `python -I -m stratum.door.sitecopy GOAL`, as a uid of its own.

The slug is the working folder; GOAL is the number of an open one, empty, to fill. What the slug says of the
site goes to the standard output, what is wrong to the standard error. Only regular files are copied,
and links to such ones within the site, as files. The copy takes no more of the disk than the slug, which
the build's limit bounds: however many names a file has, it is copied once, and without its holes.
"""

import errno
import hashlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from stratum.errors import InvalidInput
from stratum.site import FILE, parse
from stratum.site.slugfile import MAX_BYTES

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe is not waited for
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_CHUNK = 1 << 20
_NS_PER_S = 1_000_000_000
MAX_DEPTH = 64
SHOWN = ".well-known"  # RFC 8615; every other name with a dot in front is hidden
# Beside a site that is all of its repository.
NOT_SERVED = frozenset({"static.json", "Staticfile", "Procfile", "node_modules"})


def main() -> int:
    """Copy; return the exit code."""
    slug = os.open(".", _FOLDER)
    try:
        sys.stdout.buffer.write(copy(slug, int(sys.argv[1])))
    except (InvalidInput, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def copy(slug: int, goal: int) -> bytes:
    """Copy the site of an open folder to another; return what the slug says of it.

    Raises:
        InvalidInput: it says nothing that can be used.
        OSError: the site is not there, or cannot be read or written.
    """
    handle = os.open(FILE, _FILE, dir_fd=slug)
    with os.fdopen(handle, "rb") as file:
        text = file.read(MAX_BYTES + 1)
    parts = PurePosixPath(parse(text).folder).parts
    root = _entered(slug, parts)
    try:
        _Copy(root, goal, omitted=frozenset() if parts else NOT_SERVED).folder(root, goal, ())
    finally:
        os.close(root)
    return text


def _entered(folder: int, parts: tuple[str, ...]) -> int:
    """Open a folder below an open one, through no link."""
    handle = os.dup(folder)
    for part in parts:
        try:
            inner = os.open(part, _FOLDER, dir_fd=handle)
        finally:
            os.close(handle)
        handle = inner
    return handle


class _Copy:
    def __init__(self, root: int, goal: int, omitted: frozenset[str]) -> None:
        self._root, self._goal, self._omitted = root, goal, omitted
        self._copied: dict[tuple[int, int], str] = {}  # device and inode → path of the copy

    def folder(self, source: int, goal: int, at: tuple[str, ...]) -> None:
        """Copy what an open folder holds.

        Args:
            at: names of the folders on the way to it, within the site.
        """
        if len(at) > MAX_DEPTH:
            message = f"the site has folders within folders, more than {MAX_DEPTH} deep"
            raise OSError(message)
        with os.scandir(source) as entries:
            names = sorted((one.name, one.stat(follow_symlinks=False).st_mode) for one in entries)
        for name, mode in names:
            if not self._is_served(name, at):
                continue
            if stat.S_ISDIR(mode):
                self._inner(name, source, goal, (*at, name))
            elif stat.S_ISREG(mode):
                self._file(os.open(name, _FILE, dir_fd=source), goal, (*at, name))
            elif stat.S_ISLNK(mode):
                self._linked(name, os.readlink(name, dir_fd=source), goal, at)

    def _is_served(self, name: str, at: tuple[str, ...]) -> bool:
        if at:
            return not name.startswith(".")
        return name == SHOWN or not (name.startswith((".", "Procfile_")) or name in self._omitted)

    def _inner(self, name: str, source: int, goal: int, at: tuple[str, ...]) -> None:
        os.mkdir(name, 0o755, dir_fd=goal)
        inner, made = os.open(name, _FOLDER, dir_fd=source), os.open(name, _FOLDER, dir_fd=goal)
        try:
            self.folder(inner, made, at)
        finally:
            os.close(inner)
            os.close(made)

    def _linked(self, name: str, target: str, goal: int, at: tuple[str, ...]) -> None:
        """Copy the file that a link leads to; what is no file of the site is left out."""
        parts = within(at, target)
        if not parts or not all(self._is_served(part, parts[:depth]) for depth, part in enumerate(parts)):
            return
        try:
            folder = _entered(self._root, parts[:-1])
            try:
                found = os.open(parts[-1], _FILE, dir_fd=folder)
            finally:
                os.close(folder)
        except OSError:
            return
        self._file(found, goal, (*at, name))

    def _file(self, handle: int, goal: int, place: tuple[str, ...]) -> None:
        """Copy an open file, if it is a regular one, or give the copy that there is one more name."""
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            os.close(handle)
            return
        key = (found.st_dev, found.st_ino)
        with os.fdopen(handle, "rb", buffering=0) as file:
            if key not in self._copied or not self._is_linked(self._copied[key], place[-1], goal):
                _copy_file(file, found, place[-1], goal)
                self._copied[key] = "/".join(place)

    def _is_linked(self, copy: str, name: str, goal: int) -> bool:
        """Give a copy one more name; False when it has as many as it can have."""
        try:
            os.link(copy, name, src_dir_fd=self._goal, dst_dir_fd=goal)
        except OSError as error:
            if error.errno == errno.EMLINK:
                return False
            raise
        return True


def within(at: tuple[str, ...], target: str) -> tuple[str, ...]:
    """Where a link leads, as names from the site's folder on; empty when it leads out of it. Pure."""
    if target.startswith("/"):
        return ()
    parts = list(at)
    for part in target.split("/"):
        if part == ".." and not parts:
            return ()
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def _copy_file(file: io.FileIO, found: os.stat_result, name: str, goal: int) -> None:
    """Copy an open file with its holes and its time.

    Nanoseconds are those of its contents' digest: the router takes time and size for the file's
    identity, and two commits of one second may differ in neither.
    """
    digest = hashlib.blake2b(digest_size=8)
    made = os.open(name, _NEW, 0o644, dir_fd=goal)
    with os.fdopen(made, "wb") as copied:
        for start, end in _written(file.fileno(), found.st_size):
            digest.update(start.to_bytes(8, "big"))
            file.seek(start)
            copied.seek(start)
            while chunk := file.read(min(_CHUNK, end - file.tell())):
                digest.update(chunk)
                copied.write(chunk)
        copied.flush()
        copied.truncate(found.st_size)
        seconds = found.st_mtime_ns // _NS_PER_S
        moment = seconds * _NS_PER_S + int.from_bytes(digest.digest(), "big") % _NS_PER_S
        os.utime(made, ns=(moment, moment))


def _written(handle: int, size: int) -> Iterator[tuple[int, int]]:
    """Find the parts of a file that are no holes. Source: lseek(2)."""
    end = 0
    while end < size:
        try:
            start = os.lseek(handle, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        end = os.lseek(handle, start, os.SEEK_HOLE)
        yield start, end


if __name__ == "__main__":
    sys.exit(main())
