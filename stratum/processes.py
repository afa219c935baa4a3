"""The processes an app has and should have, as a person lists them. Pure."""

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from stratum.model import RELEASE_PHASE, App, Crash, Formation, Release
from stratum.states import ProcessStatus, State

_WORDS = {
    State.STOPPED: "stopped",
    State.STARTING: "starting",
    State.RUNNING: "running",
    State.STOPPING: "stopping",
    State.BACKOFF: "waiting to restart",
    State.EXITED: "crashed",
    State.FATAL: "crashed",
}
_ENDED = frozenset({State.BACKOFF, State.EXITED, State.FATAL})


@dataclass(frozen=True, slots=True)
class Process:
    """One row of `stratum ps`.

    Attributes:
        name: as supervisord knows it, `<env>.<app>.v<release>.<target>.<index>`.
        port: None when it has none.
        release: version of the release it belongs to.
        since: start of the process that runs; None when none does.
        restarts: starts after the first.
        crash: None unless it is crash-looping.
    """

    name: str
    target: str
    index: int
    pid: int | None
    port: int | None
    release: int
    state: str
    since: datetime | None
    restarts: int
    crash: Crash | None = None


def prefixes(app: App, names: Iterable[str]) -> list[str]:
    """What the names of an app's processes, and of no other's, begin with.

    Args:
        names: what the app is and was called (`stratum.store.names`).
    """
    return [f"{app.environment.name}.{name}.v" for name in names]


def wished_names(app: App, release: Release, formation: Formation) -> list[str]:
    """Name the processes that an app should have, in the Procfile's order."""
    return [
        f"{app.environment.name}.{release.app_name}.v{release.version}.{target}.{index}"
        for target in release.process_names()
        for index in range(1, formation.scale(target) + 1)
    ]


def phase_name(app: App, release: Release) -> str:
    """Name what runs a release's phase, and its log."""
    return f"{app.environment.name}.{release.app_name}.v{release.version}.{RELEASE_PHASE}.1"


def listed(
    wished: Iterable[str],
    statuses: Iterable[ProcessStatus],
    ports: Mapping[str, int],
    up_since: datetime,
    crashes: Iterable[Crash] = (),
) -> list[Process]:
    """Join what should run with what does: wished ones first, then those that come and go.

    One that does not run and whose place another has taken already is left out: a rollout is under way.

    Args:
        up_since: a process that has lived since then counts as up, though supervisord calls it STARTING
            for a second.
    """
    actual = {status.name: _risen(status, up_since) for status in statuses if not _is_over(status)}
    taken = {label(name) for name, status in actual.items() if status.pid}
    there = [name for name in wished if name in actual or label(name) not in taken]
    names = [*dict.fromkeys([*there, *sorted(actual)])]
    looping = {crash.process: crash for crash in crashes}
    return [_shown(_process(name, actual.get(name), ports.get(name)), looping.get(name)) for name in names]


def served(app: App, release: Release) -> Process:
    """Show the site of a release, which the router serves, as what answers in place of a web process."""
    name = f"{app.environment.name}.{release.app_name}.v{release.version}.web.0"
    return Process(name, "web", 0, None, None, release.version, "served by the router", None, 0)


def crash_text(crash: Crash) -> str:
    """Say what keeps ending: `worker.1 of v3 is crash-looping since …: 5 crashes, the last with exit 1`."""
    version = crash.process.rsplit(".", 3)[1]
    status = crash.exit_status
    last = "it could not be started" if status is None else f"the last with {ended(status)}"
    advice = ", though a process has to keep running" if status == 0 else ""
    since = f"{crash.since:%Y-%m-%d %H:%M:%S} UTC"
    head = f"{label(crash.process)} of {version} is crash-looping since {since}"
    return f"{head}: {crash.count} crashes, {last}{advice}"


def label(name: str) -> str:
    """Shorten a process's name to `<target>.<index>`."""
    return ".".join(name.rsplit(".", 2)[1:])


def _is_over(status: ProcessStatus) -> bool:
    """Whether it is a release phase that has come to its end, which is what it is for."""
    return status.pid is None and status.name.rsplit(".", 2)[1] == RELEASE_PHASE


def _risen(status: ProcessStatus, up_since: datetime) -> ProcessStatus:
    lives = status.pid is not None and status.started_at is not None and status.started_at <= up_since
    return replace(status, state=State.RUNNING) if lives and status.state is State.STARTING else status


def _process(name: str, status: ProcessStatus | None, port: int | None) -> Process:
    version, target, index = name.rsplit(".", 3)[1:]
    release = int(version.removeprefix("v"))
    if status is None:
        return Process(name, target, int(index), None, port, release, "stopped", None, 0)
    since = status.started_at if status.pid else None
    return Process(
        name, target, int(index), status.pid, port, release, _state(status), since, status.restarts
    )


def _shown(process: Process, crash: Crash | None) -> Process:
    """Whatever supervisord calls it at this moment, between two crashes, it is crash-looping."""
    if crash is None:
        return process
    how = "" if crash.exit_status is None else f" ({ended(crash.exit_status)})"
    return replace(process, state=f"crash-looping{how}", crash=crash)


def _state(status: ProcessStatus) -> str:
    word = _WORDS.get(status.state, status.state.lower())
    if status.state not in _ENDED or status.exit_status is None:
        return word
    return f"{word} ({ended(status.exit_status)})"


def ended(exit_status: int) -> str:
    """Say how: `exit 1`, `SIGKILL`."""
    if exit_status >= 0:
        return f"exit {exit_status}"
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"


def ending(exit_status: int | None) -> str:
    """Say how a process ended: `exit status 1`, `ended by SIGTERM`."""
    if exit_status is None:
        return "it did not run"
    if exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return f"ended by {signal.Signals(-exit_status).name}"
    except ValueError:
        return f"ended by signal {-exit_status}"
