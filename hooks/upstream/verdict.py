"""What there is to say of a commit: how far its build, and what that released, has come. Pure."""

from dataclasses import dataclass

from stratum.model import Build, BuildState, RecordedDelivery, Rollout, RolloutState, Verdict

MAX_DESCRIPTION = 140  # characters; docs.github.com, "REST API endpoints for commit statuses"
_GIVEN_UP = (BuildState.CANCELED, BuildState.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is recorded of a commit, as it is now; None: nothing, or nothing any more.

    Attributes:
        build: the newest of the commit; else what was reserved for the delivery, and has no commit.
        rollout: that brings what it has made.
        version: of the release that this is.
        delivery: the newest that was of the commit.
    """

    build: Build | None
    rollout: Rollout | None
    version: int | None
    delivery: RecordedDelivery | None


def verdict(subject: Subject) -> tuple[Verdict, str]:
    """Say how it is, and in a line why: success only once a release of it has gone live."""
    build = subject.build
    if build is None or not (build.commit or build.state in _GIVEN_UP):
        found, said = _of_delivery(subject.delivery)
    else:
        found, said = _of_build(subject, build)
    return found, shortened(said)


def shortened(text: str) -> str:
    """Make a line of any text, short enough for all git servers; what is long goes on with dots."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= MAX_DESCRIPTION else f"{line[: MAX_DESCRIPTION - 1]}…"


def _of_delivery(delivery: RecordedDelivery | None) -> tuple[Verdict, str]:
    reason = f": {delivery.reason}" if delivery and delivery.reason else ""
    return Verdict.ERROR, f"Not deployed{reason}."


def _of_build(subject: Subject, build: Build) -> tuple[Verdict, str]:
    name = f"Build #{build.number}"
    if build.state is BuildState.SUCCEEDED:
        return _of_release(subject, name)
    if build.state is BuildState.FAILED:
        return Verdict.FAILURE, f"{name} failed: {build.error}"
    if build.state.is_terminal:
        return Verdict.CANCELED, f"{name} {build.state.verb}. {build.error}"
    return Verdict.PENDING, f"{name} is under way."


def _of_release(subject: Subject, name: str) -> tuple[Verdict, str]:
    rollout = subject.rollout
    if rollout is None:  # too long ago to be recorded
        return Verdict.SUCCESS, f"{name} succeeded."
    release = name if subject.version is None else f"v{subject.version}"
    if rollout.state is RolloutState.FAILED:
        return Verdict.FAILURE, f"{release} did not go live: {rollout.error}"
    if rollout.state.is_settled:
        return Verdict.SUCCESS, f"{release} is live."
    return Verdict.PENDING, f"{release} is being started."
