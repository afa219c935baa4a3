"""The end of a rollout that breaks off, or loses its applier, whenever it is tried."""

from runner.apply.lease import LeaseLost
from runner.apply.parts import Parts
from runner.apply.report import opened
from runner.apply.take_back import put_back
from stratum.model import App, Rollout, RolloutState
from stratum.store import environments, releases, rollouts


def may_be_given_up(parts: Parts, rollout: Rollout) -> bool:
    """Whether a rollout was tried often enough; what destroys an app is tried for as long as it takes."""
    if rollout.attempt < rollouts.MAX_ATTEMPTS:
        return False
    app = _app(parts, rollout)
    return app is not None and not app.destroying


def give_up(parts: Parts, rollout: Rollout, error: str) -> None:
    """End a rollout; what runs is left to the reconciler. What has been live stays in force.

    Raises:
        LeaseLost: somebody else has taken it over.
    """
    app = _app(parts, rollout)
    assert app is not None
    with parts.database.read() as tx:
        now = rollouts.get_rollout(tx, rollout.id)
    is_current = rollout.release_id is not None and rollout.release_id == app.current_release_id
    if now.was_live or is_current:
        _end(parts, rollout, RolloutState.SUCCEEDED, now, error)
        return
    with opened(parts, app, rollout) as report:
        report.conclude(f"Given up after {rollout.attempt} attempts: {error}")
    _end(parts, rollout, RolloutState.FAILED, now, error)


def _end(parts: Parts, rollout: Rollout, state: RolloutState, now: Rollout, error: str) -> None:
    with parts.database.write() as tx:
        if not rollouts.record(tx, rollout, state, now.report, error):
            raise LeaseLost(rollout)
        if state is RolloutState.SUCCEEDED:
            return
        put_back(tx, rollout)
        if rollout.release_id is not None:
            releases.fail(tx, rollout.release_id)


def _app(parts: Parts, rollout: Rollout) -> App | None:
    with parts.database.read() as tx:
        return environments.get_app(tx, rollout.app_id)
