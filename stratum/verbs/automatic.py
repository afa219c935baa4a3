"""Going back by itself from a new release that keeps crashing, where the app is to have that."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from stratum.model import App, Crash, ReleaseState, RolloutState
from stratum.processes import label
from stratum.store import Transaction, catalogue, releases, rollouts
from stratum.store.catalogue import Outline
from stratum.verbs.change import Change
from stratum.verbs.release import release_again

BY_ITSELF = "automatic rollback"  # what the cause of such a release begins with
_ROLLBACK = "rollback"  # of one that a person wished
_RAN = (ReleaseState.RETIRED, ReleaseState.PRUNED)


def roll_back_by_itself(tx: Transaction, app: App, looping: Sequence[Crash]) -> Change | None:
    """Release again what ran well before, if the newest release crash-loops soon after it went live.

    Never from what was itself gone back to, by a person or by this: where that did not help a person is to
    look, not to see releases change places. Nor where anything newer was tried.

    Args:
        looping: the app's crash-looping processes.

    Returns:
        None where nothing is to be done.
    """
    if app.roll_back_within_s is None or app.current_release_id is None or app.destroying:
        return None
    current, *before = catalogue.outlines(tx, app.id)
    culprit = _culprit(tx, app, current, looping)
    if current.id != app.current_release_id or _is_rollback(current) or culprit is None:
        return None
    chosen = _well(current, before)
    if chosen is None:
        return None
    cause = f"{BY_ITSELF} to v{chosen.version}: {label(culprit.process)} of v{current.version} crash-looped"
    kept = replace(releases.get_release(tx, chosen.id), mounts=releases.mounts_in_force(tx, app.id))
    return release_again(tx, kept, cause=cause, who="")


def told(tx: Transaction, app: App) -> str:
    """Say that what runs was gone back to by itself, and why; empty where it was not."""
    if app.current_release_id is None:
        return ""
    current = releases.get_release(tx, app.current_release_id)
    is_told = current.cause.startswith(BY_ITSELF)
    return f"v{current.version} is an {current.cause}" if is_told else ""


def _culprit(tx: Transaction, app: App, current: Outline, looping: Sequence[Crash]) -> Crash | None:
    """What began to crash within the time; nothing before the release's rollout has come to its end."""
    rollout = rollouts.rollout_of_release(tx, current.id)
    if rollout is None or rollout.state is not RolloutState.SUCCEEDED or rollout.finished_at is None:
        return None
    until = rollout.finished_at + timedelta(seconds=app.roll_back_within_s or 0)
    own = (crash for crash in looping if crash.process.rsplit(".", 3)[1] == f"v{current.version}")
    return next((crash for crash in own if crash.since <= until), None)


def _is_rollback(release: Outline) -> bool:
    return release.cause.startswith((BY_ITSELF, _ROLLBACK))


def _well(current: Outline, before: Sequence[Outline]) -> Outline | None:
    """The newest that ran before, is not the same once more, and was never left in this way."""
    ran = [one for one in before if one.state in _RAN]
    left = [
        next((one for one in ran if one.version < after.version), after)
        for after in before
        if after.cause.startswith(BY_ITSELF)
    ]
    bad = {_what(current), *map(_what, left)}
    return next((one for one in ran if one.state is ReleaseState.RETIRED and _what(one) not in bad), None)


def _what(release: Outline) -> tuple[str, int]:
    return release.slug, release.config_version
