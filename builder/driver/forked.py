"""Running a part of a built-in buildpack that is Python, in a fork of the driver.

Its program in `bin/` would start Python once more, and import once more what is here already: 0.03 s of
the 0.3 that the buildpacks have when nothing is to be installed.
"""

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn


def run(folder: Path, name: str, arguments: tuple[str, ...], environ: Mapping[str, str], cwd: Path) -> int:
    """Run a part as its program would run, with nothing on its standard input.

    Args:
        folder: of the buildpack.
        name: of the part, such as `compile`.

    Returns:
        What `subprocess` would: a negative number for the signal that ended it.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _become(f"builder.buildpacks.{folder.name}.{name}", arguments, environ, cwd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def is_there(folder: Path, name: str) -> bool:
    """Whether the part is Python."""
    return (folder / f"{name}.py").is_file()


def _become(module: str, arguments: tuple[str, ...], environ: Mapping[str, str], cwd: Path) -> NoReturn:
    code = 1
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)  # in place of the driver's channel
        os.close(null)
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(cwd)
        code = importlib.import_module(module).main(*map(Path, arguments))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
