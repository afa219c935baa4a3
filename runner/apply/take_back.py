"""Undoing a failed rollout: the release that ran before runs again, with the scales it had."""

import logging
from dataclasses import replace

from runner.apply import folders, running, site
from runner.apply.converge import clear, converge
from runner.apply.lease import Lease, LeaseLost
from runner.apply.parts import Parts
from runner.apply.report import Report
from runner.apply.retreat import retreat
from runner.plan import port_names, prefix, process_name, wished_slots
from runner.wish import Wish
from stratum.errors import ReleaseUnusable, RolloutFailed, RouterUnavailable, StratumError
from stratum.model import App, Formation, Release, Rollout, RolloutState
from stratum.staying import in_place, staying
from stratum.store import Transaction, releases, rollouts
from stratum.store import formation as formation_store
from stratum.store.sites import Served

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
        formation = _formation_before(tx, rollout)
    lease.check()
    report.failed(error, prefix(app, release))
    report.left(current, runs=_bring_back(parts, lease, report, (app, current), formation))
    with parts.database.write() as tx:
        if not rollouts.record(tx, rollout, RolloutState.FAILED, report.lines, str(error)):
            raise LeaseLost(rollout)
        put_back(tx, rollout)
        if current is None or release.id != current.id:
            releases.fail(tx, release.id)
    folders.clear(parts, app)
    site.clear(parts, app)


def put_back(tx: Transaction, rollout: Rollout) -> None:
    """Wish again what was wished before a rollout that has failed.

    What a later rollout has changed again stays as that one wants it; should it fail as well, it
    puts back what this one would have, not a scale that never worked.
    """
    scales, resumed = dict(rollout.formation_before), set(rollout.resumed)
    for later in rollouts.queued_behind(tx, rollout):
        resumed -= set(later.resumed)
        shared = {target: scales.pop(target) for target in later.formation_before if target in scales}
        if shared:
            rollouts.set_formation_before(tx, later, {**later.formation_before, **shared})
    formation_store.set_scales(tx, rollout.app_id, scales)
    formation_store.set_paused(tx, rollout.app_id, resumed, paused=True)


def _formation_before(tx: Transaction, rollout: Rollout) -> Formation:
    """What was wished before this rollout; what later ones have changed has not proved itself either."""
    wished = formation_store.get_formation(tx, rollout.app_id)
    scales, paused = dict(wished.scales), wished.paused
    for one in (*reversed(rollouts.queued_behind(tx, rollout)), rollout):
        scales.update(one.formation_before)
        paused |= set(one.resumed)
    return replace(wished, scales=scales, paused=paused)


def _bring_back(
    parts: Parts, lease: Lease, report: Report, former: tuple[App, Release | None], formation: Formation
) -> bool:
    """Have the former release run, as far as it can still be used; whether anything runs then."""
    app, current = former
    try:
        if current is not None:
            retreat(parts, lease, report, (app, current), formation)
        done = converge(parts, app, current, formation)
    except (ReleaseUnusable, RolloutFailed) as error:
        assert current is not None
        log.warning("v%d of %s does not come back: %s", current.version, app.label, error)
        return _keep_alive(parts, report, app, current, formation)
    route_back(parts, done.wish)
    report.stopped(done.stopped)
    for process, started in done.started:
        report.restarted(process, started)
    there = running.look(parts, app)
    for process in done.wish.processes:
        if process.name in done.kept and process.name in there:
            report.left_alone(process, there[process.name])
    clear(parts, done.wish)
    return done.runs


def _keep_alive(parts: Parts, report: Report, app: App, current: Release, formation: Formation) -> bool:
    """Stop all but what runs still of a release of which nothing can be started."""
    there = running.look(parts, app)
    own = [process_name(app, current, slot) for slot in wished_slots(current, formation)]
    wished = in_place(own, running.living(there.values()), staying(current, formation))
    surplus = there.keys() - set(wished)
    report.stopped(parts.engine.stop(app, sorted(surplus, reverse=True)))
    alive = running.living(running.look(parts, app).values())
    try:
        served = site.published(parts, current)
    except ReleaseUnusable:
        served = None
    _route(parts, app, [name for name in port_names(app, current, formation) if name in alive], served)
    return bool(alive) or served is not None


def route_back(parts: Parts, goal: Wish) -> None:
    """Send requests to what is wished; what the router does not take now is the reconciler's to tell it."""
    _route(parts, goal.app, goal.routed(), goal.site)


def _route(parts: Parts, app: App, processes: list[str], served: Served | None) -> None:
    try:
        parts.router.route(app, running.reached(parts, app, processes), site=served, patience_s=0)
    except RouterUnavailable as error:
        log.warning("routes of %s are put back by the reconciler: %s", app.label, error)
