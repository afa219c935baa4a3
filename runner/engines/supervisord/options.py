"""What the operator's configuration tells the plugin: the keys of `[rpcinterface:stratum]`.

Written by `stratum up`, read once when supervisord starts; a wrong one stops it there, with the reason.
"""

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from runner.engines.supervisord.sections import Launch

# A path with one of these could end a value early or start a comment (supervisor 4.3.0 strips ` ;` and ` #`).
_UNSAFE = re.compile(r"[\x00-\x1f\x7f;#]|%\(here\)s")
_NEEDED = {"instance_id", "descriptions", "app_logs", "apps_conf"}
_FENCED = {"uid_low", "uid_high", "service_gid"}
_OPTIONAL = {"interpreter", "launcher", "stop_grace_s"}
_PROGRAM_FOLDERS = ("/usr/bin", "/bin", "/usr/local/bin")


class Options(NamedTuple):
    """The plugin's settings, checked.

    Attributes:
        app_logs: holds one folder per app id.
        apps_conf: the file this plugin alone writes.
        stop_grace_s: from the stop signal to the kill.
        service_gid: may read the logs; None when unfenced.
    """

    launch: Launch
    app_logs: str
    apps_conf: str
    stop_grace_s: int
    service_gid: int | None

    @property
    def fenced(self) -> bool:
        """Whether each app has a uid of its own."""
        return self.service_gid is not None

    def uid(self, app_id: int) -> int:
        """Return the uid of an app's processes: `uid_low + 2 * app_id` (`stratum.fence`: the odd ones build).

        Raises:
            ValueError: it lies outside the instance's range.
        """
        if not self.fenced:
            return self.launch.service_uid
        uid = self.launch.uid_low + 2 * app_id
        if not self.launch.uid_low <= uid <= self.launch.uid_high:
            message = f"app_id {app_id} has no uid within {self.launch.uid_low}..{self.launch.uid_high}"
            raise ValueError(message)
        return uid

    def log(self, app_id: int, name: str) -> str:
        """Return the path of a process' output."""
        return f"{self.app_logs}/{app_id}/{name}.log"


def parse(given: dict[str, str]) -> Options:
    """Read the section's keys.

    Keys: `instance_id`, `descriptions`, `app_logs`, `apps_conf`; fenced also `uid_low`, `uid_high`,
    `service_gid` (the service's uid is the same number). With defaults: `interpreter`, `launcher`,
    `stop_grace_s`.

    Raises:
        ValueError: a key is unknown, missing or unusable.
    """
    unknown, missing = given.keys() - _NEEDED - _FENCED - _OPTIONAL, _NEEDED - given.keys()
    if unknown or missing:
        message = f"[rpcinterface:stratum] has unknown keys {sorted(unknown)}, lacks {sorted(missing)}"
        raise ValueError(message)
    service_gid = _fenced_gid(given)
    return Options(
        launch=_launch(given, service_gid),
        app_logs=_path(given, "app_logs"),
        apps_conf=_path(given, "apps_conf"),
        stop_grace_s=int(given.get("stop_grace_s", "30")),
        service_gid=service_gid,
    )


def _fenced_gid(given: dict[str, str]) -> int | None:
    present = _FENCED & given.keys()
    if present and present != _FENCED:
        message = f"[rpcinterface:stratum] needs all of {sorted(_FENCED)} or none"
        raise ValueError(message)
    if bool(present) != (os.getuid() == 0):
        message = "started as root, the plugin needs a uid range; as an ordinary user it can use none"
        raise ValueError(message)
    return int(given["service_gid"]) if present else None


def _launch(given: dict[str, str], service_gid: int | None) -> Launch:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", given["instance_id"]):
        message = f"instance_id {given['instance_id']!r} is no name of letters, digits, _ and -"
        raise ValueError(message)
    own_uid = os.getuid()
    interpreter = str(
        getattr(sys, "_base_executable", sys.executable)
    )  # not the venv's: it starts 6 ms sooner
    defaults = {"interpreter": interpreter, "launcher": str(Path(__file__).with_name("launch.py")), **given}
    return Launch(
        prefix=_no_new_privileges(),
        interpreter=_path(defaults, "interpreter"),
        launcher=_path(defaults, "launcher"),
        descriptions=_path(given, "descriptions"),
        instance_id=given["instance_id"],
        uid_low=int(given.get("uid_low", own_uid)),
        uid_high=int(given.get("uid_high", own_uid)),
        service_uid=own_uid if service_gid is None else service_gid,
    )


def _no_new_privileges() -> tuple[str, ...]:
    """Return the prefix; empty without setpriv, which the launcher then reports in the process' log."""
    for folder in _PROGRAM_FOLDERS:
        if os.access(f"{folder}/setpriv", os.X_OK):
            return (f"{folder}/setpriv", "--no-new-privs", "--")
    return ()


def _path(given: dict[str, str], key: str) -> str:
    path = given[key]
    if path.startswith("/") and not _UNSAFE.search(path) and path == path.strip():
        return path.rstrip("/")
    message = f"{key} {path!r} cannot stand in supervisord's file: use an absolute path without ; and #"
    raise ValueError(message)
