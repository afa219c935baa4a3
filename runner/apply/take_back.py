"""Undoing a failed rollout: the release that ran before runs again, with the scales it had."""

import logging

from runner.apply.converge import clear, converge
from runner.apply.lease import Lease, LeaseLost
from runner.apply.parts import Parts
from runner.apply.report import Report
from runner.plan import prefix
from stratum.errors import RouterUnavailable, StratumError
from stratum.model import App, Formation, Release, ReleaseState, Rollout, RolloutState
from stratum.store import Transaction, releases, rollouts
from stratum.store import formation as formation_store

log = logging.getLogger(__name__)


def take_back(
    parts: Parts,
    lease: Lease,
    report: Report,
    story: tuple[App, Release, Release | None],
    error: StratumError,
) -> None:
    """Stop what is new, start again what was replaced, and record the failure.

    Args:
        story: the app, the release that was to run, and the one that is current.
    """
    app, release, current = story
    rollout = lease.rollout
    with parts.database.read() as tx:
        formation = formation_store.get_formation(tx, app.id)
        restored = scales_before(tx, rollout)
    lease.check()
    report.failed(error, f"{prefix(app)}{release.version}")
    done = converge(parts, app, current, Formation({**formation.scales, **restored}))
    _route_back(parts, app, done.wish.routed())
    report.stopped(done.stopped)
    for process, started in done.started:
        report.restarted(process, started)
    report.left(current, runs=done.runs)
    clear(parts, done.wish)
    with parts.database.write() as tx:
        if not rollouts.record(tx, rollout, RolloutState.FAILED, report.lines, str(error)):
            raise LeaseLost(rollout)
        formation_store.set_scales(tx, app.id, restored)
        if current is None or release.id != current.id:
            releases.set_release_state(tx, release.id, ReleaseState.FAILED)


def scales_before(tx: Transaction, rollout: Rollout) -> dict[str, int]:
    """Return the scales to put back: those that no later rollout has changed again."""
    later = [
        other
        for other in rollouts.in_state(tx, RolloutState.QUEUED)
        if other.app_id == rollout.app_id and other.number > rollout.number
    ]
    changed = {target for other in later for target in other.formation_before}
    return {target: scale for target, scale in rollout.formation_before.items() if target not in changed}


def _route_back(parts: Parts, app: App, names: list[str]) -> None:
    try:
        parts.router.route(app, names)
    except RouterUnavailable as error:
        log.warning("routes of %s are put back by the reconciler: %s", app.label, error)
