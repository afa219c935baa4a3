"""Which processes are crash-looping, kept true in the database from what the engine tells."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from runner.apply.parts import Parts
from stratum.crashing import LOOPS_FROM, STABLE_S
from stratum.model import Crash
from stratum.processes import crash_text
from stratum.states import ProcessStatus
from stratum.store import crashes, environments, releases
from stratum.store.clock import now
from stratum.verbs.automatic import roll_back_by_itself

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written down and what removed, by name."""

    noted: tuple[Crash, ...]
    over: tuple[str, ...]


def note(parts: Parts, statuses: Mapping[str, ProcessStatus], owners: Mapping[str, int]) -> None:
    """Bring the database up to date; where nothing has changed nothing is written.

    Args:
        owners: `<env>.<app>` as names begin → app id.
    """
    with parts.database.read() as tx:
        known = {one.process: one for one in crashes.crashes(tx)}
    change = compared(known, statuses.values(), owners, now())
    if change.noted or change.over:
        with parts.database.write() as tx:
            crashes.note(tx, change.noted)
            crashes.forget(tx, change.over)
    for one in change.noted:
        if one.process not in known:
            log.warning("%s (%s)", crash_text(one), one.process)


def are_known(parts: Parts) -> bool:
    """Whether any process is written down as crash-looping."""
    with parts.database.read() as tx:
        return bool(crashes.crashes(tx))


def roll_back(parts: Parts) -> None:
    """Go back from new releases that crash-loop, of the apps that are to have that; it is told in the log."""
    with parts.database.read() as tx:
        looping = crashes.crashes(tx)
        apps = [environments.get_app(tx, app_id) for app_id in sorted({one.app_id for one in looping})]
    for app in apps:
        if app is None or app.roll_back_within_s is None:
            continue
        with parts.database.write() as tx:
            again = environments.get_app(tx, app.id)
            change = again and roll_back_by_itself(tx, again, crashes.crashes(tx, app.id))
            made = change and change.release and releases.find_release(tx, app.id, change.release)
        if made:
            log.warning("v%d of %s is an %s", made.version, app.label, made.cause)


def compared(
    known: Mapping[str, Crash], statuses: Iterable[ProcessStatus], owners: Mapping[str, int], at: datetime
) -> Change:
    """Compare what is written down with what is. Pure.

    The engine counts anew when it was started anew: what had crashed before it, and has not lived for
    long enough since, is crash-looping still.
    """
    found = {status.name: status for status in statuses}
    looping = {name: status for name, status in found.items() if status.crashes >= LOOPS_FROM}
    noted = tuple(
        _crash(status, owners[_owner(name)], known.get(name), at)
        for name, status in looping.items()
        if _owner(name) in owners and (name not in known or known[name].count != status.crashes)
    )
    over = tuple(name for name in known.keys() - looping.keys() if _is_over(found.get(name), at))
    return Change(noted, over)


def _crash(status: ProcessStatus, app_id: int, before: Crash | None, at: datetime) -> Crash:
    since = status.crashing_since or at
    since = min(since, before.since) if before else since
    return Crash(app_id, status.name, since, status.crashes, status.exit_status, at)


def _is_over(status: ProcessStatus | None, at: datetime) -> bool:
    if status is None or status.has_ended:
        return True
    began = status.started_at
    return status.pid is not None and began is not None and at - began >= timedelta(seconds=STABLE_S)


def _owner(name: str) -> str:
    return name.rsplit(".", 3)[0]
