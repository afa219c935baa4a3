"""What an app does around its buildpacks: `.stratum/pre-build` and `post-build`, or in `.catalyze/`."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from builder.driver.failed import Failed
from builder.driver.packs import exit_code
from builder.driver.room import Room

FOLDERS = (".stratum", ".catalyze")
NAMES = ("pre-build", "post-build")
FILES = tuple(f"{folder}/{name}" for folder in FOLDERS for name in NAMES)
BEFORE = tuple(f"{folder}/pre-build" for folder in FOLDERS)


def run(room: Room, name: str, say: Callable[[str], None]) -> None:
    """Run one of the two with the app's variables; nothing when there is none.

    Args:
        name: `pre-build` or `post-build`.

    Raises:
        Failed: it failed, is not executable, or is no file.
    """
    found = folder_of(room, name)
    if found is None:
        return
    shown = f"{found}/{name}"
    if not (room.build / shown).is_file():
        doing, detail = f"Running {shown}", "it is a folder, or a link to no file that is there."
        raise Failed(doing, detail, mend="Commit it as a file, and push again.")
    if not os.access(room.build / shown, os.X_OK):
        mend = f"git update-index --chmod=+x {shown}; commit, and push again."
        doing = f"Running {shown}"
        raise Failed(doing, "the file is not executable.", mend=mend)
    say(f"Running {shown}")
    _run(room, Path(found) / name)


def folder_of(room: Room, name: str) -> str | None:
    """Name the folder in which the app has one of the two, be it a file or not."""
    return next((folder for folder in FOLDERS if os.path.lexists(room.build / folder / name)), None)


def _run(room: Room, program: Path) -> None:
    doing = f"Running {program}"
    environ = {**room.variables, **room.environ}
    try:
        done = subprocess.run(
            (room.build / program,), env=environ, stdin=subprocess.DEVNULL, cwd=room.build, check=False
        )
    except OSError as error:
        detail = f"it could not be started: {error.strerror}."
        mend = "Its first line names the program that runs it, such as #!/bin/sh."
        raise Failed(doing, detail, mend=mend) from error
    if done.returncode:
        mend = "What runs now is left as it is. Correct it, commit, and push again."
        raise Failed(doing, "", exit_code(done.returncode), mend)
