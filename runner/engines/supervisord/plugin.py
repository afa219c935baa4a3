"""The XML-RPC namespace `stratum` inside supervisord: start, stop, forget and look at the apps' processes.

Loaded by `[rpcinterface:stratum]` with `supervisor.rpcinterface_factory` set to `make` here; `options.py` has
the other keys. Runs in supervisord's process, as root when fenced: it takes names and numbers only, and
touches no section whose name is not `<environment>.<app>.v<version>.<target>.<index>`. `rpc.py` and, for
states, `stratum.supervisor` are the other side.
"""

import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any

from supervisor.http import deferring_http_channel
from supervisor.states import ProcessStates, SupervisorStates, getProcessStateDescription
from supervisor.xmlrpc import Faults, RPCError

from runner.engines.supervisord import adopted, configs, journal, loop, options, sections, unlogged
from runner.engines.supervisord.process import AppProcess, mark, pipes
from runner.engines.supervisord.registry import Registry
from runner.engines.supervisord.wakeup import Wakeup
from stratum import stopping

_RUNNING = (ProcessStates.RUNNING, ProcessStates.STARTING, ProcessStates.STOPPING)
_GOOD_UMASK = 0o022
_PASS_BYTES = 256 * 1024
_MOST_FILES = 65_536  # three for each program, and two pipes' ends more while it starts

Answer = dict[str, str | int]


class Interface:
    """Methods without an underscore are what a client may call.

    Every list gives one answer per item, in order; an answer with `error` leaves the others alone.
    """

    def __init__(self, supervisord: Any, registry: Registry) -> None:
        self._supervisord = supervisord
        self._registry = registry

    def add(self, entries: list[object]) -> list[Answer]:
        """Make sure that processes run: `{name, pid}` or `{name, error}` each.

        One that runs keeps its pid; one that ended, or waits for its next try, is started at once. What
        runs once and has ended is left so, and has pid 0.
        """
        self._refuse_at_shutdown()
        declared = [self._declared(given) for given in entries]
        return [item if isinstance(item, dict) else _started(item) for item in declared]

    def stop(self, wanted: list[object]) -> list[Answer]:
        """Begin to stop processes: `{name, state}` or `{name, error}`; `status` tells when they have ended.

        Each is a name, or `{name, steps}`: signals of `stratum.stopping` with the seconds after each, and the
        kill at the end. Signals go to the process group, as does the kill. An unknown one is `STOPPED`.
        """
        answers = [self._stopped(one) for one in wanted]
        self._supervisord.reap()
        return answers

    def remove(self, names: list[object]) -> list[Answer]:
        """Forget processes that have ended: `{name}` or `{name, error}` each; an unknown one is forgotten."""
        answers = [self._removed(name) for name in names]
        self._registry.prune_logs()
        return answers

    def status(self, wanted: str | list[str]) -> str:
        """Tell how processes are: those whose names begin with a text, or those of a list that are known.

        One line each, of eight fields with tabs between: name, pid (0: none), state, start (epoch seconds,
        0: never), restarts, exit status of the last end (negative: signal; empty: none), ends in a row that
        nobody asked for, and since when (epoch seconds, 0: there are none). 1,000 of them are 69 KB; as
        structs they would be 600.
        """
        known = self._registry.processes
        if isinstance(wanted, str):
            found = self._registry.beginning_with(wanted)
        else:
            found = {name: known[name] for name in wanted if name in known}
        return "\n".join(_line(name, process) for name, process in found.items())

    def mark(self) -> str:
        """Return a word that is another one as soon as any process is, but for what time alone changes."""
        return str(mark)

    def _refuse_at_shutdown(self) -> None:
        if self._supervisord.options.mood < SupervisorStates.RUNNING:
            raise RPCError(Faults.SHUTDOWN_STATE)

    def _declared(self, given: object) -> AppProcess | Answer:
        name = ""
        try:
            entry = sections.entry(given)
            name = entry.name
            return self._registry.declare(entry)
        except (ValueError, OSError) as error:
            return {"name": name, "error": str(error)}

    def _stopped(self, wanted: object) -> Answer:
        given = wanted if isinstance(wanted, dict) else {"name": wanted}
        name = given.get("name")
        process = self._registry.processes.get(name) if isinstance(name, str) else None
        if process is None:
            return {"name": str(name), "state": "STOPPED"}
        try:
            process.end(stopping.checked(given["steps"]) if "steps" in given else None)
        except ValueError as error:
            return {"name": str(name), "error": str(error)}
        return {"name": process.config.name, "state": getProcessStateDescription(process.get_state())}

    def _removed(self, name: object) -> Answer:
        if not sections.is_ours(name):
            return {"name": str(name), "error": "is no process of an app"}
        try:
            self._registry.forget(str(name))
        except ValueError as error:
            return {"name": str(name), "error": str(error)}
        return {"name": str(name)}


def make(supervisord: Any, **given: str) -> Interface:
    """Build the interface when supervisord starts, before it starts any program.

    Raises:
        ValueError: the configuration is unusable; supervisord says so and does not start.
    """
    settings = options.parse(given)
    _prepare(supervisord, settings)
    journal.go_on(settings.app_logs)
    mark.begin()
    registry = Registry(supervisord, settings)
    configs.install(supervisord.options, registry.mirror.catch_up)
    registry.forget_former_life()
    interface = Interface(supervisord, registry)
    loop.install(supervisord, registry.processes, registry.mirror)
    Wakeup(supervisord).install()
    pipes.install(supervisord)
    return interface


def _prepare(supervisord: Any, settings: options.Options) -> None:
    unlogged.install()
    # Supervisord hands its environment on: a service sees by this whether who has started it still lives.
    os.environ["SUPERVISORD_PID"] = str(os.getpid())  # noqa: TID251
    # A session for every child, not only a process group: what changes its group stays findable.
    supervisord.options.setpgrp = os.setsid
    # Supervisord in the foreground keeps its caller's; with 077 the service could not read the logs.
    os.umask(_GOOD_UMASK)
    _allow_files()
    for fd in [int(link.name) for link in Path("/proc/self/fd").iterdir()]:
        with suppress(OSError):  # the folder's own, closed meanwhile
            os.set_inheritable(fd, fd <= 2)  # noqa: PLR2004 - stdin, stdout, stderr
    # Its 4 KiB a pass of the loop made 15 passes of 1,000 programs' status: 110 ms instead of 25.
    deferring_http_channel.ac_in_buffer_size = deferring_http_channel.ac_out_buffer_size = _PASS_BYTES
    if settings.service_gid is None:
        adopted.adopt()
    else:
        _open_socket(supervisord.options.serverurl, settings.service_gid)


def _allow_files() -> None:
    """Open as many files as may be: the usual soft limit, 1,024, is reached with 330 programs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _open_socket(url: str, gid: int) -> None:
    """Let the service's group in; supervisord's own `chown=` takes only groups of the group file."""
    path = Path(url.removeprefix("unix://"))
    os.chown(path, 0, gid)
    path.chmod(0o770)


def _started(process: AppProcess) -> Answer:
    name: str = process.config.name
    if process.get_state() == ProcessStates.STOPPING:
        return {"name": name, "error": f"{name} is still stopping"}
    if process.starts and not process.config.autorestart:
        return {"name": name, "pid": process.pid}
    if process.get_state() not in _RUNNING:
        process.backoff = 0
        process.spawn()
    if process.pid:
        return {"name": name, "pid": process.pid}
    return {"name": name, "error": str(process.spawnerr)}


def _line(name: str, process: AppProcess) -> str:
    state = getProcessStateDescription(process.get_state())
    exit_status = "" if process.exit_status is None else process.exit_status
    restarts = max(process.starts - 1, 0)
    count, since = (0, 0.0) if process.is_stable else (process.crashes.count, process.crashes.since)
    life = f"{process.pid}\t{state}\t{process.laststart:.3f}"
    return f"{name}\t{life}\t{restarts}\t{exit_status}\t{count}\t{since:.3f}"
