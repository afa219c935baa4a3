"""What pushes, builds, releases and rollouts can be in."""

from enum import StrEnum


class PushState(StrEnum):
    """A push is journaled as pending before its ref moves."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class BuildState(StrEnum):
    """The last five are terminal. Waiting: built before its ref moved, and released once it has.

    Fetching: it has its number, and nothing to build yet. Skipped: there was nothing to build.
    """

    FETCHING = "fetching"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"

    @property
    def is_terminal(self) -> bool:
        """Whether the build will change no more."""
        return self not in _OPEN

    @property
    def verb(self) -> str:
        """What a sentence says of such a build: `it has failed`."""
        if self in (BuildState.SUCCEEDED, BuildState.FAILED):
            return f"has {self}"
        return f"was {self}" if self.is_terminal else f"is {self}"


_OPEN = (BuildState.FETCHING, BuildState.QUEUED, BuildState.RUNNING, BuildState.WAITING)


class ReleaseState(StrEnum):
    """Pending until its first rollout ends; one release of an app is live. Pruned: its slug is not kept."""

    PENDING = "pending"
    LIVE = "live"
    RETIRED = "retired"
    FAILED = "failed"
    PRUNED = "pruned"


class Phase(StrEnum):
    """How far the command of a release's `release` target is; it runs once, before anything of it starts."""

    NONE = ""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


RELEASE_PHASE = "release"  # the target whose command that is; never a process


class RolloutState(StrEnum):
    """Live: all new processes are up and the router has switched; only draining is left."""

    QUEUED = "queued"
    RUNNING = "running"
    LIVE = "live"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_settled(self) -> bool:
        """Whether the person who waits may be told the result."""
        return self not in (RolloutState.QUEUED, RolloutState.RUNNING)


class Outcome(StrEnum):
    """What a rollout did with one process."""

    KEPT = "kept"
    STARTED = "started"
    STOPPED = "stopped"
    RESTARTED = "restarted"  # of the old release, after a failure
    FAILED = "failed"
    RAN = "ran"  # once, and to its end: the release phase
