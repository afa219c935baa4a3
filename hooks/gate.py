"""A build before the ref moves: what was sent is kept where a builder finds it, and the answer waits.

The build is held while its objects are put into the spool, so that no builder looks for them too
early. It is the request's that asks for it: one whose process is gone, or whose request has ended
without saying what becomes of it, is given up by `settler`.
"""

import logging
from dataclasses import dataclass

from hooks.failures import Failures
from hooks.parts import Parts
from stratum import spool
from stratum.model import App, Build, BuildOptions, BuildState
from stratum.ownership import is_alive, this_process
from stratum.store import Transaction, builds, reserved
from stratum.store.reserved import Reserved

log = logging.getLogger(__name__)

_asked_for: set[int] = set()  # ids of builds that requests of this process wait for


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be built.

    Attributes:
        quarantine: where its objects lie; empty when none were sent.
        reserved: number of the build that it is fetched for, if it is.
    """

    commit: str
    quarantine: str
    who: str
    options: BuildOptions
    reserved: int | None = None


def begin(parts: Parts, app: App, wanted: Wanted) -> Build:
    """Queue a build of what a push would deploy; to be ended by `leave`."""
    build = _held(parts, app, wanted)
    layout = parts.instance.layout
    try:
        spool.spool(layout.repo(app.id), wanted.quarantine, layout.spool(app.id, build.number))
        with parts.database.write() as tx:
            builds.enqueue(tx, build.id)
    except BaseException:
        leave(build)
        raise
    parts.nudges.build(app.id)
    return build


def leave(build: Build) -> None:
    """Wait no more: unless its push was taken, the build is for nobody."""
    _asked_for.discard(build.id)


def cancel(parts: Parts, build: Build, reason: str) -> None:
    """Give up a build whose push is not taken; one that runs is dropped when it ends."""
    with parts.database.write() as tx:
        is_over = builds.cancel_gated(tx, build, reason)
    if is_over:
        spool.remove(parts.instance.layout, build)
        parts.nudges.build(build.app_id)  # the builder removes what was built


def cancel_abandoned(parts: Parts, failures: Failures) -> None:
    """Give up the builds for which nobody waits, and remove the spools of all that have ended."""
    with parts.database.read() as tx:
        orphans = builds.orphans(tx)
    for build in filter(_is_abandoned, orphans):
        with failures.kept_from_others(f"giving up build {build.number} of app {build.app_id}"):
            log.info("build %d of app %d was for a push whose request is gone", build.number, build.app_id)
            cancel(parts, build, "The push that it was for was cut off.")
    with failures.kept_from_others("removing spools"):
        spool.sweep(parts.instance.layout, parts.database)


def _held(parts: Parts, app: App, wanted: Wanted) -> Build:
    with parts.database.write() as tx:
        build = _recorded(tx, app, wanted)
        _asked_for.add(build.id)  # before the settler can see it
    return build


def _recorded(tx: Transaction, app: App, wanted: Wanted) -> Build:
    options, process = wanted.options, this_process()
    if wanted.reserved is not None:
        one = Reserved(app.id, wanted.reserved)
        return reserved.gate(tx, one, wanted.commit, options=options, process=process)
    build = builds.add_build(
        tx, app.id, wanted.commit, source="push", who=wanted.who, options=options, gate=process
    )
    builds.hold(tx, build.id)
    return build


def _is_abandoned(build: Build) -> bool:
    """Whether nobody waits, and it has not been told so yet."""
    is_told = build.state is BuildState.RUNNING and build.error != ""
    waits = build.id in _asked_for if build.gate == this_process() else is_alive(build.gate)
    return not waits and not is_told
