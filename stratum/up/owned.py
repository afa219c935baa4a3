"""One folder of ours at a path where another account may have put something else.

`/dev/shm` is everybody's, and parts of the data folder are the services': whoever is there first, root
follows no link and changes nothing but a folder that it, or the part it is for, has made.
"""

import os
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stratum.errors import InvalidInput


@contextmanager
def made(path: Path, owners: Collection[int]) -> Iterator[int]:
    """Open a folder, making it closed to all others if it is not there; yields its descriptor.

    Args:
        owners: the uids that may have made it.

    Raises:
        InvalidInput: something else is at its path, or it cannot be made.
    """
    try:
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        handle = _opened(path)
    except OSError as error:
        message = f"{path} is not a folder that Stratum can use: {error.strerror}."
        raise InvalidInput(message, _advice(path)) from error
    try:
        owner = os.fstat(handle).st_uid
        if owner not in owners:
            message = f"{path} belongs to uid {owner}, which is none of this Stratum's accounts."
            raise InvalidInput(message, _advice(path))
        yield handle
    finally:
        os.close(handle)


def empty(folder: int) -> None:
    """Remove whatever an open folder holds; of a link the link itself."""
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
                shutil.rmtree(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)


def remove(path: Path, owners: Collection[int]) -> None:
    """Remove a folder and what it holds; what is no folder of the owners' stays as it is."""
    try:
        handle = _opened(path)
    except OSError:
        return
    try:
        if os.fstat(handle).st_uid in owners:
            empty(handle)
            with suppress(OSError):  # filled or exchanged meanwhile; the next start looks again
                path.rmdir()
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _advice(path: Path) -> str:
    return f"Look at it with ls -ld {path} and remove it, as its owner or root; Stratum makes a folder there."
