"""Rules for the apps' variables: what can be passed through execve, and what is ours."""

import re
from collections.abc import Mapping

from stratum.errors import InvalidVariable

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")

# Linux refuses one string of the environment above 128 KiB (MAX_ARG_STRLEN, execve(2)), name and
# `=` included; all of it together must fit a quarter of the 8 MiB stack (we stay well below).
MAX_VARIABLE_BYTES = 128 * 1024 - 1
MAX_TOTAL_BYTES = 1024 * 1024

OURS = frozenset({"PORT", "HOME", "TMPDIR"})
OUR_PREFIX = "STRATUM_"
# What every process is given (`runner.apply.descriptions`), or by the built-in buildpacks' `.profile.d`;
# PORT is for web alone.
GIVEN = frozenset(
    {
        *("PATH", "HOME", "TMPDIR", "LANG", "PYTHONUNBUFFERED", "DYNO", "VIRTUAL_ENV"),
        *("NODE_ENV", "NPM_CONFIG_UPDATE_NOTIFIER"),
        *(
            OUR_PREFIX + name
            for name in (
                *("APP", "ENVIRONMENT", "RELEASE", "TARGET", "INDEX", "COMMIT", "PROCESS"),
                *("PARENT_APP", "PULL_REQUEST"),
            )
        ),
    }
)


def checked_variables(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables if every process could be given all of them.

    Raises:
        InvalidVariable: the first that cannot.
    """
    for name, value in variables.items():
        _check(name, value)
    total = sum(len(f"{name}={value}".encode()) + 1 for name, value in variables.items())
    if total > MAX_TOTAL_BYTES:
        largest = max(variables, key=lambda name: len(variables[name]))
        raise InvalidVariable(
            largest, f"all variables together have {total} bytes, at most {MAX_TOTAL_BYTES} fit"
        )
    return variables


def _check(name: str, value: str) -> None:
    if not NAME.fullmatch(name):
        raise InvalidVariable(name, "a name has letters, digits and underscores, and starts with no digit")
    if name in OURS or name.startswith(OUR_PREFIX):
        raise InvalidVariable(name, "Stratum sets it itself")
    if "\0" in value:
        raise InvalidVariable(name, "a value cannot hold a NUL byte")
    try:
        size = len(f"{name}={value}".encode())
    except UnicodeEncodeError:
        raise InvalidVariable(name, "its value is no valid Unicode text") from None
    if size > MAX_VARIABLE_BYTES:
        raise InvalidVariable(name, f"it has {size} bytes, at most {MAX_VARIABLE_BYTES} fit one variable")
