"""How a verb ends: its change is committed, so tell an applier, then the caller."""

from gitserver.api.access import app_named
from gitserver.api.rows import Row
from gitserver.services import services
from stratum.verbs.change import Change


def done(change: Change) -> Row:
    """Nudge an applier if there is something to roll out; the nudge may fail, the reconciler repeats it."""
    if change.rollout is not None:
        services().nudges.rollout(app_named().id)
    return {
        "changed": change.changed,
        "rollout": change.rollout,
        "release": change.release,
        "message": change.message,
    }
