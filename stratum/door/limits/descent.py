"""Go through trees that hostile programs change meanwhile: by open folders, not by paths, and not by links.

Folders above the one looked at are held open as far down as trees ordinarily go. Those deeper are left by
`..`, and only into the folder that was come from: who moves folders about down there is not counted.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_HELD = 64
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NOCTTY


@dataclass(slots=True)
class _Level:
    """A folder on the way down, and those in it that are left to be looked at."""

    identity: tuple[int, int]
    handle: int | None  # None: let go of, to be come back to by `..`
    left: list[str] = field(default_factory=list)


class Descent:
    """Iterates over all that is below folders, as stat(2) tells it; what cannot be looked at is left out."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = list(folders)
        self._levels: list[_Level] = []

    def __iter__(self) -> Iterator[os.stat_result]:
        """Go through everything once; `close` when given up before the end."""
        while self._folders:
            if self._enter(str(self._folders.pop()), None):
                yield from self._below()

    def close(self) -> None:
        """Let go of what is held open."""
        for level in self._levels:
            if level.handle is not None:
                os.close(level.handle)
        self._levels.clear()

    def _below(self) -> Iterator[os.stat_result]:
        yield from self._list()
        while self._levels:
            level = self._levels[-1]
            if level.left and level.handle is not None:
                if self._enter(level.left.pop(), level.handle):
                    self._let_go()
                    yield from self._list()
            else:
                self._leave()

    def _enter(self, name: str, parent: int | None) -> bool:
        try:
            handle = os.open(name, _FLAGS, dir_fd=parent)
        except OSError:  # gone, a link by now, or closed
            return False
        self._levels.append(_Level(_identity(handle), handle))
        return True

    def _list(self) -> Iterator[os.stat_result]:
        level = self._levels[-1]
        if level.handle is None:
            return
        with suppress(OSError), os.scandir(level.handle) as entries:
            for entry in entries:
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        level.left.append(entry.name)

    def _let_go(self) -> None:
        """Hold no more than so many: of the deeper ones only the last two."""
        above = self._levels[-2]
        if len(self._levels) > _HELD and above.handle is not None:
            os.close(above.handle)
            above.handle = None

    def _leave(self) -> None:
        """Go back up to the next folder that is, or can be, open."""
        left = self._levels.pop()
        if self._levels and self._levels[-1].handle is None and left.handle is not None:
            self._come_back(left.handle)
        if left.handle is not None:
            os.close(left.handle)
        while self._levels and self._levels[-1].handle is None:
            self._levels.pop()

    def _come_back(self, handle: int) -> None:
        with suppress(OSError):
            above = os.open("..", _FLAGS, dir_fd=handle)
            if _identity(above) == self._levels[-1].identity:
                self._levels[-1].handle = above
            else:
                os.close(above)


def _identity(handle: int) -> tuple[int, int]:
    found = os.fstat(handle)
    return found.st_dev, found.st_ino
