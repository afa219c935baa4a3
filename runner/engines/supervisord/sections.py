"""Sections of supervisord's configuration: one per process, from one fixed template.

Pure. What arrives over XML-RPC becomes an `Entry` here or is refused; nothing else reaches the
template, so no user text ever stands in supervisord's configuration. Loaded into supervisord
itself, therefore standard library only and no dataclasses (they cost it 0.9 MB).
"""

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

MAX_VERSION = 999_999_999
MAX_INDEX = 99_999
MAX_APP_ID = 999_999_999

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_NAME = re.compile(rf"({_LABEL.pattern}\.){{2}}v[1-9][0-9]{{0,8}}\.{_LABEL.pattern}\.[1-9][0-9]{{0,4}}")

# The target that runs once for each release; `stratum.model` has the word for all who may import it.
ONCE = "release"

# startretries: supervisord gives up for good (FATAL) after that many; an app whose database is away
# for an hour must come back by itself, so the number is out of reach and `process.py` caps the pause.
_TEMPLATE = """\
[program:{name}]
command={command}
directory=/
umask=022
autostart=false
{restarts}stopsignal=TERM
stopwaitsecs={stop_grace_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


_RESTARTS = """\
autorestart=true
startsecs=1
startretries=1000000000
"""
_NO_RESTARTS = """\
autorestart=false
startsecs=0
startretries=0
"""


class Entry(NamedTuple):
    """One process as the applier wishes it; made only by `entry`."""

    environment: str
    app: str
    app_id: int
    version: int
    target: str
    nth: int  # from 1; `index` is a method of every tuple

    @property
    def once(self) -> bool:
        """Whether it is not started again when it has ended, by nobody."""
        return self.target == ONCE

    @property
    def name(self) -> str:
        """The section's name, and that of the process wherever a person reads it."""
        return f"{self.environment}.{self.app}.v{self.version}.{self.target}.{self.nth}"


class Launch(NamedTuple):
    """What a section's command line holds besides the process' own name and uid."""

    prefix: tuple[str, ...]  # `setpriv --no-new-privs --`, so that it is in force before user variables are
    interpreter: str
    launcher: str
    descriptions: str
    instance_id: str
    uid_low: int
    uid_high: int
    service_uid: int


def entry(given: object) -> Entry:
    """Check one entry of a call.

    Raises:
        ValueError: says which field is wrong; the message holds the offending value's repr only.
    """
    if not isinstance(given, Mapping):
        message = f"an entry is a struct, not {type(given).__name__}"
        raise ValueError(message)  # noqa: TRY004 - supervisord reports a TypeError as wrong parameters
    return Entry(
        environment=_label(given, "environment"),
        app=_label(given, "app"),
        app_id=_number(given, "app_id", MAX_APP_ID),
        version=_number(given, "version", MAX_VERSION),
        target=_label(given, "target"),
        nth=_number(given, "index", MAX_INDEX),
    )


def is_ours(name: object) -> bool:
    """Whether a name is one of an app's process; Stratum's own services (`_web`) never are."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def render(wished: Entry, uid: int, launch: Launch, log: str, stop_grace_s: int) -> str:
    """Write the section of one process."""
    argv = (
        *launch.prefix,
        *(launch.interpreter, "-IS", launch.launcher),
        *(f"{launch.descriptions}/{wished.name}", launch.instance_id),
        *map(str, (uid, launch.uid_low, launch.uid_high, launch.service_uid)),
    )
    command = " ".join(shlex.quote(word) for word in argv)
    return _TEMPLATE.format(
        name=wished.name,
        command=_escaped(command),
        restarts=_NO_RESTARTS if wished.once else _RESTARTS,
        stop_grace_s=stop_grace_s,
        log=_escaped(log),
    )


def _escaped(value: str) -> str:
    """Double what supervisord would expand (supervisor 4.3.0, options.expand)."""
    return value.replace("%", "%%")


def _label(given: Mapping[str, object], field: str) -> str:
    value = given.get(field)
    if isinstance(value, str) and _LABEL.fullmatch(value):
        return value
    message = f"{field} {value!r:.80} is no name of letters, digits, _ and -"
    raise ValueError(message)


def _number(given: Mapping[str, object], field: str, highest: int) -> int:
    value = given.get(field)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= highest:
        return value
    message = f"{field} {value!r:.80} is no whole number from 1 to {highest}"
    raise ValueError(message)
