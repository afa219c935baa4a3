"""What the launcher is told about one process: a NUL-separated file on tmpfs. Pure.

The applier writes it (`encode`), `launch.py` reads it, which sees nothing of the project; a test holds
the two together. Text that is no valid UTF-8 passes as surrogate escapes, so any bytes but NUL arrive
as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

HEADER = b"stratum process 1"

# Linux takes no single string of an argument list or environment above MAX_ARG_STRLEN, its NUL
# included (32 pages of 4 KiB; execve(2)). `stratum.variables` refuses longer values when they are set.
MAX_STRING_BYTES = 128 * 1024 - 1


@dataclass(frozen=True, slots=True)
class Description:
    """How to start one process.

    Attributes:
        command: the Procfile line, untouched; `bash -c` gets it as it is.
        directory: where it starts.
        home: its HOME, unless the environment has one.
        max_open_files: soft limit; the hard one stays.
        environment: all that it gets, but for HOME and STRATUM_PROCESS, which the launcher sets.
    """

    command: str
    directory: str
    home: str
    max_open_files: int
    environment: Mapping[str, str]


def encode(description: Description) -> bytes:
    """Write a description.

    Raises:
        ValueError: a string holds NUL or is too long for the kernel; says which variable, never its value.
    """
    head = {
        "command": description.command,
        "directory": description.directory,
        "home": description.home,
        "max_open_files": str(description.max_open_files),
    }
    strings = [HEADER]
    strings += [_checked(name, text) for name, text in head.items()]
    strings += [_assignment(name, value) for name, value in description.environment.items()]
    return b"".join(string + b"\0" for string in strings)


def _assignment(name: str, value: str) -> bytes:
    if not name or "=" in name:
        message = f"{name!r} cannot name a variable"
        raise ValueError(message)
    return _checked(name, f"{name}={value}")


def _checked(name: str, text: str) -> bytes:
    string = text.encode("utf-8", "surrogateescape")
    if b"\0" in string:
        message = f"{name!r} holds a NUL byte"
        raise ValueError(message)
    if len(string) > MAX_STRING_BYTES:
        message = f"{name!r} has {len(string)} bytes, at most {MAX_STRING_BYTES} fit"
        raise ValueError(message)
    return string
