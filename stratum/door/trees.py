"""Trees that other uids own, made and removed so that nothing in them can lead root astray.

What lies inside a tree is touched only by a child that has become the uid that owns it; root touches
its name in a folder of ours.
"""

import os
import select
import signal
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from stratum.door import spawn
from stratum.door.steps import SYSTEM_PATH
from stratum.errors import DoorUnavailable
from stratum.fence import Fence

# What is closed to its own uid takes a second look.
_DELETE = "find . -mindepth 1 -delete"
_EMPTY = f"{_DELETE} 2>/dev/null || {{ chmod -R u+rwX .; exec {_DELETE}; }}"
_KILLED = 128 + signal.SIGKILL
TRIES = 20  # whoever has the uid can end its programs for ever, at the cost of its own folders
_REST_MS = 10


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it should be. Unfenced all are one account's."""

    path: Path
    uid: int
    gid: int
    mode: int


class Trees:
    """Hands of the uids of one instance."""

    def __init__(self, fence: Fence, limit_s: float, tries: int = TRIES) -> None:
        """Take the instance.

        Args:
            limit_s: for all that is done with these; what takes longer raises TimeoutError.
            tries: how often a program is run that something else kills.
        """
        self._fence, self._tries = fence, tries
        self._deadline = time.monotonic() + limit_s

    def make(self, folder: Folder) -> None:
        """Make a folder in a parent that is ours; an existing one gets owner and mode again."""
        folder.path.mkdir(mode=0o700, exist_ok=True)
        if not stat.S_ISDIR(folder.path.lstat().st_mode):
            message = f"{folder.path} is not a folder."
            raise DoorUnavailable(message, "Remove it; Stratum makes a folder there.")
        if self._fence.fenced:
            os.chown(folder.path, folder.uid, folder.gid, follow_symlinks=False)
        folder.path.chmod(folder.mode)

    def erase(self, path: Path, uid: int) -> None:
        """Remove an entry of a folder of ours, its contents by the hand of the uid that owns them."""
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            path.unlink()
            return
        if self._fence.fenced:  # it is root's still, where a kill came between its making and that
            os.chown(path, uid, uid, follow_symlinks=False)
        path.chmod(0o700)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            self.run_as(uid, ("/bin/sh", "-c", _EMPTY), handle)
        finally:
            os.close(handle)
        path.rmdir()

    def erase_parent(self, parent: Path, uid: int) -> None:
        """Remove a folder of ours; the folders in it are a uid's, the files are ours."""
        for entry in parent.iterdir() if parent.is_dir() else ():
            self.erase(entry, uid)
        if parent.is_dir():
            parent.rmdir()

    def run_as(self, uid: int, argv: tuple[str, ...], cwd: Path | int) -> str:
        """Run a program of the system as a uid, and return what it said.

        It is run again where something has killed it: what ends strays of the uid takes it for one. So
        it must be one that can begin anew.

        Raises:
            DoorUnavailable: it failed.
            InterruptedError: it was killed each time.
            TimeoutError: the time of all is over.
        """
        code, output = self.try_as(uid, argv, cwd)
        for _ in range(self._tries - 1):
            if code != _KILLED:
                break
            select.poll().poll(_REST_MS)
            code, output = self.try_as(uid, argv, cwd)
        if code == _KILLED:
            message = f"{' '.join(argv)} was killed"
            raise InterruptedError(message)
        if code:
            message = f"{' '.join(argv)} ended with {code}: {output.strip()[-500:]}"
            raise DoorUnavailable(message)
        return output

    def try_as(self, uid: int, argv: tuple[str, ...], cwd: Path | int) -> tuple[int, str]:
        """Run a program once, which may fail; return its exit code, too.

        Raises:
            TimeoutError: the time of all is over.
        """
        own = uid if self._fence.fenced else None
        program = spawn.Program(argv, {"PATH": SYSTEM_PATH}, cwd, own)
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            message = f"{argv[0]} was not begun: the time of all is over"
            raise TimeoutError(message)
        return spawn.capture(program, left_s)


def is_folder_of(path: Path, uid: int) -> bool:
    """Whether it is a folder, no link to one, that a uid has made."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid
