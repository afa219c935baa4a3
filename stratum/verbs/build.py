"""What people do with a build that is there: give it up, or build its commit once more."""

from dataclasses import replace

from stratum.buildlog import follow_command
from stratum.errors import Conflict, NotFound
from stratum.model import App, Build, BuildState, PushState, ReleaseState
from stratum.scaling import absolute
from stratum.store import Transaction, builds, deliveries, phases, pushes, releases

MAX_QUEUED = 20  # of one app, by whoever asks for them one by one: a push takes the place of those that wait


def check_queue(tx: Transaction, app: App) -> None:
    """See that an app may have one build more in the queue.

    Raises:
        Conflict: as many as may wait do.
    """
    queued = builds.count_queued(tx, app.id)
    if queued >= MAX_QUEUED:
        message = f"{queued} builds of {app.label} wait already; {MAX_QUEUED} may."
        raise Conflict(message, "Wait for them, or give some up: stratum builds cancel NUMBER.")


def find(tx: Transaction, app: App, number: int) -> Build:
    """Find a build by the number people use.

    Raises:
        NotFound: there is no such build.
    """
    found = builds.find_build(tx, app.id, number)
    if found is None:
        raise NotFound("build", str(number), "stratum builds lists them.")
    return found


def cancel(tx: Transaction, app: App, number: int, *, who: str) -> Build:
    """Give a build up; one that runs is then still running, and ended by its builder at once.

    With one that is fetching ends its delivery, and the fetch.

    Of one that has succeeded release phase and startup checks are called off; its applier ends them at once.

    Raises:
        NotFound: there is no such build.
        Conflict: it has ended, and neither release phase nor checks of it are under way.
    """
    build = find(tx, app, number)
    if build.state is BuildState.SUCCEEDED:
        if phases.call_off(tx, build.id, f"canceled by {who}"):
            return build
        raise _past_calling_off(tx, app, build)
    if build.state.is_terminal:
        message = f"Build {number} has ended already: it {build.state.verb}."
        raise Conflict(message, "stratum builds lists those that have not.")
    builds.cancel(tx, build, f"{who} asked for it.")
    deliveries.end_of_build(tx, app.id, number, f"build {number} was canceled: {who} asked for it")
    return builds.get_build(tx, build.id)


def retry(tx: Transaction, app: App, number: int, *, who: str) -> Build:
    """Queue a new build of an ended one's commit, with the same options.

    What was to change a scale, and has, does not do so again: a release that was live, or the build that
    superseded this one, has seen to it.

    Raises:
        NotFound: there is no such build.
        Conflict: it has not ended, or what it has made is kept, or its commit was never taken; or too many
            wait.
    """
    build = find(tx, app, number)
    if not build.state.is_terminal:
        message = f"Build {number} has not ended yet: it {build.state.verb}."
        raise Conflict(message, f"See how far it is: {_follow(app, number)}.")
    if build.state is BuildState.SUCCEEDED and not _is_gone(tx, build):
        message = f"Build {number} has been released{_as(tx, build)}."
        raise Conflict(
            message, "stratum redeploy builds the current commit again; stratum rollback goes back."
        )
    if not build.commit:
        message = f"Build {number} has fetched nothing that could be built."
        delivery = deliveries.newest_of_build(tx, app.id, number)
        of = f" -A {app.review.parent_name}" if app.review else ""
        raise Conflict(message, f"Fetch it once more: stratum{of} webhooks replay {delivery or 'NUMBER'}.")
    if not _is_taken(tx, build):
        message = f"Build {number} was for a push that was not taken."
        raise Conflict(message, "Push again.")
    check_queue(tx, app)
    options = build.options
    if build.state is BuildState.SUPERSEDED or _was_live(tx, build):
        options = replace(options, scale=absolute(options.scale))
    return builds.add_build(tx, app.id, build.commit, source="retry", who=who, options=options)


def _past_calling_off(tx: Transaction, app: App, build: Build) -> Conflict:
    made = None if build.release_id is None else releases.get_release(tx, build.release_id)
    if made is not None and made.state is ReleaseState.PENDING:
        message = f"v{made.version} of build {build.number} is being rolled out."
        return Conflict(message, f"See what becomes of it: {_follow(app, build.number)}.")
    if made is not None and made.state is ReleaseState.FAILED:
        message = f"v{made.version} of build {build.number} has failed already."
        return Conflict(message, f"stratum builds retry {build.number} builds its commit again.")
    message = f"Build {build.number} has been released{_as(tx, build)}."
    return Conflict(message, "stratum rollback goes back to the release before.")


def _as(tx: Transaction, build: Build) -> str:
    return "" if build.release_id is None else f" as v{releases.get_release(tx, build.release_id).version}"


def _is_gone(tx: Transaction, build: Build) -> bool:
    """Whether nobody can go back to its release: it never came up, or is not kept any more."""
    if build.release_id is None:
        return False
    return releases.get_release(tx, build.release_id).state in (ReleaseState.PRUNED, ReleaseState.FAILED)


def _was_live(tx: Transaction, build: Build) -> bool:
    if build.release_id is None:
        return False
    return releases.get_release(tx, build.release_id).state is ReleaseState.PRUNED


def _is_taken(tx: Transaction, build: Build) -> bool:
    """Whether the repository has its commit."""
    if not build.gate:
        return True
    push = None if build.push_id is None else pushes.get_push(tx, build.push_id)
    return push is not None and push.state is PushState.ACCEPTED


def _follow(app: App, number: int) -> str:
    return follow_command(app.environment.name, app.name, number)
