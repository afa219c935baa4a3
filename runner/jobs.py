"""The applier's job: make true whatever an app has queued. Nudged through `stratum.queue`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from runner import pace
from runner.apply import folders
from runner.apply.give_up import give_up, may_be_given_up
from runner.apply.lease import LeaseLost, held
from runner.apply.parts import Parts
from runner.apply.places import phases_at_once, say_waits
from runner.apply.rollout import roll_out
from stratum.model import Rollout, RolloutState
from stratum.ownership import exclusive, this_process
from stratum.queue import Nudges
from stratum.store import phases, rollouts

log = logging.getLogger(__name__)

# The reconciler holds an app's lock for moments only; another applier does what is queued itself.
PATIENCE_S = 1.0


@cache
def parts() -> Parts:
    """Return this process's parts; opened before the fork, so that jobs begin at once."""
    return Parts.open()


def run_rollouts(app_id: int) -> None:
    """Do an app's queued rollouts, oldest first, until none is left or it is the turn of other apps."""
    if not apply_queued(parts(), app_id):
        Nudges(parts().instance.redis_url).rollout(app_id)


def apply_queued(with_parts: Parts, app_id: int) -> bool:
    """Do an app's queued rollouts, oldest first; after the first one only while no other app waits.

    Asks again after the lock is free: what was queued meanwhile found it held.

    Returns:
        False when there are more, whose turn is after that of others.
    """
    has_applied = has_released = is_others_turn = False
    while has_queued(with_parts, app_id):
        if is_others_turn := has_applied and _others_wait(with_parts, app_id):
            break
        with _patiently(with_parts, app_id) as is_held:
            applied = _apply_next(with_parts, app_id) if is_held else None
        if applied is None:
            break
        has_applied = True
        has_released |= applied.release_id is not None
    if has_released:
        folders.erase(with_parts, app_id)
    return not is_others_turn


def _apply_next(with_parts: Parts, app_id: int) -> Rollout | None:
    """Do what can be claimed, and return it."""
    rollout = _claim(with_parts, app_id)
    if rollout is not None:
        _apply(with_parts, rollout)
    return rollout


def has_queued(with_parts: Parts, app_id: int) -> bool:
    """Whether an app has a rollout that waits."""
    with with_parts.database.read() as tx:
        queued = rollouts.in_state(tx, RolloutState.QUEUED)
    return any(rollout.app_id == app_id for rollout in queued)


def _others_wait(with_parts: Parts, app_id: int) -> bool:
    """Whether another app has a rollout that could begin: none of it runs, nor does it wait for a place."""
    with with_parts.database.read() as tx:
        queued = rollouts.in_state(tx, RolloutState.QUEUED)
        busy = rollouts.in_state(tx, RolloutState.RUNNING, RolloutState.LIVE)
        waits = phases.waiting(tx, phases_at_once(with_parts))
    passed_over = {app_id, *waits, *(rollout.app_id for rollout in busy)}
    return any(rollout.app_id not in passed_over for rollout in queued)


@contextmanager
def _patiently(with_parts: Parts, app_id: int) -> Iterator[bool]:
    for waited_s in pace.looks(PATIENCE_S):
        with exclusive(with_parts.apply_lock(app_id)) as is_held:
            if is_held or waited_s >= PATIENCE_S:
                yield is_held
                return


def _claim(with_parts: Parts, app_id: int) -> Rollout | None:
    """Take the app's next rollout; one that has to wait for a place is left to the reconciler."""
    # What is claimed when the power fails is queued again after it: no reason to wait for the disk.
    with with_parts.database.write(synced=False) as tx:
        waits = phases.waiting(tx, phases_at_once(with_parts))
        if app_id not in waits:
            return rollouts.claim_next(tx, app_id, this_process())
    say_waits(with_parts, waits[app_id])
    return None


def _apply(with_parts: Parts, rollout: Rollout) -> None:
    try:
        with held(with_parts.database, rollout) as lease:
            roll_out(with_parts, lease)
    except LeaseLost:
        log.warning("rollout %d of app %d was taken over", rollout.number, rollout.app_id)
        raise
    except Exception as error:
        log.exception("rollout %d of app %d broke off", rollout.number, rollout.app_id)
        if may_be_given_up(with_parts, rollout):
            give_up(with_parts, rollout, str(error))
        else:
            _queue_again(with_parts, rollout)
        raise


def _queue_again(with_parts: Parts, rollout: Rollout) -> None:
    """Leave it to the reconciler, which nudges again a little later."""
    with with_parts.database.write() as tx:
        rollouts.give_back(tx, rollout)
