"""What a verb did to the wished state, and how much of that may be under way."""

from dataclasses import dataclass

from stratum.errors import Conflict
from stratum.model import App
from stratum.store import Transaction, rollouts

# Of one app: whoever looks for work reads all that wait, and each is rolled out in its turn.
MAX_QUEUED = 100


@dataclass(frozen=True, slots=True)
class Change:
    """The outcome of a verb.

    Attributes:
        changed: whether anything is wished differently than before.
        rollout: number of the rollout that makes it true; None when none is needed.
        release: version of the release that was recorded for it.
        message: what there is to say where nothing is rolled out, a sentence.
    """

    changed: bool
    rollout: int | None = None
    release: int | None = None
    message: str = ""


def check_queue(tx: Transaction, app: App) -> None:
    """See that one more change of an app may wait; for what people wish, not for what follows from it.

    Raises:
        Conflict: as many as may wait do; the transaction must not commit.
    """
    queued = rollouts.count_queued(tx, app.id)
    if queued >= MAX_QUEUED:
        message = f"{queued} changes of {app.label} wait already; {MAX_QUEUED} may."
        raise Conflict(message, "Wait until some are made; what holds them up is told by stratum status.")
