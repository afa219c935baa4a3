"""Talks to supervisord: asks for states, and looks after Stratum's own services.

Used by `stratum up`, and by the web process to read states; what changes the apps' processes is the engine's
(`runner/engines/supervisord/rpc.py`). One connection per call: supervisor's own transport is useless after
one failed connect (every later call raises CannotSendRequest), and has no timeout.
"""

import http.client
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stratum.errors import SupervisorUnavailable
from stratum.states import ProcessStatus, State
from stratum.unixhttp import UnixConnection

DEFAULT_TIMEOUT_S = 10.0

# supervisor 4.3.0, xmlrpc.Faults: the wish is true already.
_ALREADY_STARTED = 60
_NOT_RUNNING = 70


@dataclass(frozen=True, slots=True)
class Supervisor:
    """A supervisord behind its unix socket.

    Attributes:
        timeout_s: for each step of a call on the socket.
    """

    socket_path: Path
    timeout_s: float = DEFAULT_TIMEOUT_S

    def status(self, wanted: str | Sequence[str] = "") -> list[ProcessStatus]:
        """Tell how processes are: those whose names begin with a text, or the known ones of some names."""
        text: str = self.call("stratum.status", wanted if isinstance(wanted, str) else list(wanted))
        return [_status(line) for line in text.splitlines()]

    def state(self) -> str:
        """Return supervisord's own state: RUNNING, SHUTDOWN, RESTARTING or FATAL."""
        answer: Mapping[str, str] = self.call("supervisor.getState")
        return answer["statename"]

    def pid(self) -> int:
        """Return supervisord's pid."""
        answer: int = self.call("supervisor.getPID")
        return answer

    def shutdown(self) -> None:
        """Begin to end supervisord and all it runs: the apps at once, then the services in their order."""
        self.call("supervisor.shutdown")

    def service_state(self, name: str) -> str:
        """Return the state of one of Stratum's own services, as `ProcessStatus.state` has them."""
        answer: Mapping[str, str] = self.call("supervisor.getProcessInfo", name)
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

    def call(self, method: str, *arguments: object) -> Any:
        """Call a method of supervisord's, or of the plugin's.

        Raises:
            SupervisorUnavailable: it does not answer, or refuses.
        """
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
        state=State(state),
        started_at=_moment(started),
        restarts=int(restarts),
        exit_status=int(exit_status) if exit_status else None,
        crashes=int(crashes),
        crashing_since=_moment(since),
    )


def _moment(epoch_s: str) -> datetime | None:
    return datetime.fromtimestamp(float(epoch_s), UTC) if float(epoch_s) else None
