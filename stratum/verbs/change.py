"""What a verb did to the wished state."""

from dataclasses import dataclass


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
