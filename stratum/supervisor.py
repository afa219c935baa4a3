"""Talks to supervisord: the plugin's methods, and the few of supervisord's own that we use.

Used by appliers, by `stratum up`, and by the web process to read states; the plugin on the other side
is `runner/engines/supervisord/plugin.py`. One connection per call: supervisor's own transport is useless
after one failed connect (every later call raises CannotSendRequest), and has no timeout.
"""

import http.client
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stratum.errors import SupervisorUnavailable
from stratum.stopping import Step
from stratum.unixhttp import UnixConnection

DEFAULT_TIMEOUT_S = 10.0

# supervisor 4.3.0, xmlrpc.Faults: the wish is true already.
_ALREADY_STARTED = 60
_NOT_RUNNING = 70


@dataclass(frozen=True, slots=True)
class Wanted:
    """One process that should run; the plugin builds its section from this and nothing else."""

    environment: str
    app: str
    app_id: int
    version: int
    target: str
    index: int


@dataclass(frozen=True, slots=True)
class Started:
    """How one process of an `add` fared: it runs as `pid`, or did not start for `error`."""

    name: str
    pid: int | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How a process is.

    Attributes:
        pid: None when it has none.
        state: STOPPED, STARTING (its first second), RUNNING, BACKOFF (between failing starts), EXITED
            (about to restart), STOPPING (until the whole process group has ended), FATAL or UNKNOWN.
        started_at: of its last start; None before the first.
        restarts: starts after the first since it was added.
        exit_status: of its last end, negative for a signal; None when it never ended.
        crashes: ends in a row that nobody asked for, none of them after it had lived for a minute.
        crashing_since: the first of these; None when there are none.
    """

    name: str
    pid: int | None
    state: str
    started_at: datetime | None
    restarts: int
    exit_status: int | None
    crashes: int = 0
    crashing_since: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs and nothing will, unless somebody starts it."""
        return self.state in {"STOPPED", "FATAL", "UNKNOWN"}


@dataclass(frozen=True, slots=True)
class Supervisor:
    """A supervisord behind its unix socket.

    Attributes:
        timeout_s: for each step of a call on the socket.
    """

    socket_path: Path
    timeout_s: float = DEFAULT_TIMEOUT_S

    def add(self, wanted: Iterable[Wanted]) -> list[Started]:
        """Make sure that processes run; those that do keep their pids. One that fails stops no other."""
        answers = self._call("stratum.add", [asdict(entry) for entry in wanted])
        return [Started(a["name"], a.get("pid"), a.get("error", "")) for a in answers]

    def stop(self, names: Sequence[str], steps: Mapping[str, Sequence[Step]] | None = None) -> None:
        """Begin to stop processes; `status` tells when they have ended.

        Args:
            steps: name → signals with the seconds after each, before the kill; of others the usual grace.
        """
        known = steps or {}
        wanted = [{"name": name, "steps": list(known[name])} if name in known else name for name in names]
        self._call("stratum.stop", wanted)

    def remove(self, names: Sequence[str]) -> dict[str, str]:
        """Forget processes that have ended, and return why others were not: `{name: reason}`."""
        answers = self._call("stratum.remove", list(names))
        return {answer["name"]: answer["error"] for answer in answers if "error" in answer}

    def status(self, wanted: str | Sequence[str] = "") -> list[ProcessStatus]:
        """Tell how processes are: those whose names begin with a text, or the known ones of some names."""
        text: str = self._call("stratum.status", wanted if isinstance(wanted, str) else list(wanted))
        return [_status(line) for line in text.splitlines()]

    def state(self) -> str:
        """Return supervisord's own state: RUNNING, SHUTDOWN, RESTARTING or FATAL."""
        answer: Mapping[str, str] = self._call("supervisor.getState")
        return answer["statename"]

    def pid(self) -> int:
        """Return supervisord's pid."""
        answer: int = self._call("supervisor.getPID")
        return answer

    def shutdown(self) -> None:
        """Begin to end supervisord and all it runs: the apps at once, then the services in their order."""
        self._call("supervisor.shutdown")

    def service_state(self, name: str) -> str:
        """Return the state of one of Stratum's own services, as `ProcessStatus.state` has them."""
        answer: Mapping[str, str] = self._call("supervisor.getProcessInfo", name)
        return answer["statename"]

    def start_service(self, name: str) -> None:
        """Start one of Stratum's own services and wait until it is up; one that runs is fine."""
        self._unless(_ALREADY_STARTED, "supervisor.startProcess", name)

    def stop_service(self, name: str) -> None:
        """Stop one of Stratum's own services and wait for its end; one that does not run is fine."""
        self._unless(_NOT_RUNNING, "supervisor.stopProcess", name)

    def _unless(self, expected: int, method: str, name: str) -> None:
        try:
            self._raw(method, name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != expected:
                raise _refused(method, fault) from fault

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            return self._raw(method, *arguments)
        except xmlrpc.client.Fault as fault:
            raise _refused(method, fault) from fault

    def _raw(self, method: str, *arguments: object) -> Any:
        transport = _Transport(self.socket_path, self.timeout_s)
        try:
            with xmlrpc.client.ServerProxy("http://supervisord", transport=transport) as proxy:
                remote: Callable[..., Any] = getattr(proxy, method)
                return remote(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            message = f"supervisord does not answer on {self.socket_path}: {error}."
            raise SupervisorUnavailable(message, "Is Stratum up? stratum up starts it.") from error


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__()
        self._path, self._timeout_s = path, timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = UnixConnection(self._path, "supervisord", self._timeout_s)
        self._connection = host, connection  # what close() closes
        return connection


def _refused(method: str, fault: xmlrpc.client.Fault) -> SupervisorUnavailable:
    return SupervisorUnavailable(f"supervisord refused {method}: {fault.faultString}.")


def _status(line: str) -> ProcessStatus:
    name, pid, state, started, restarts, exit_status, crashes, since = line.split("\t")
    return ProcessStatus(
        name=name,
        pid=int(pid) or None,
        state=state,
        started_at=_moment(started),
        restarts=int(restarts),
        exit_status=int(exit_status) if exit_status else None,
        crashes=int(crashes),
        crashing_since=_moment(since),
    )


def _moment(epoch_s: str) -> datetime | None:
    return datetime.fromtimestamp(float(epoch_s), UTC) if float(epoch_s) else None
