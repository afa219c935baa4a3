"""A build before the ref moves: what was sent is kept where a builder finds it, and the answer waits.

The build is held while its objects are put into the spool, so that no builder looks for them too
early; it belongs to this process, and is canceled by whoever finds that process gone.
"""

from dataclasses import dataclass

from hooks.parts import Parts
from stratum.model import App, Build, BuildOptions
from stratum.ownership import this_process
from stratum.spool import spool
from stratum.store import builds


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be built.

    Attributes:
        quarantine: where its objects lie; empty when none were sent.
    """

    commit: str
    quarantine: str
    who: str
    options: BuildOptions


def begin(parts: Parts, app: App, wanted: Wanted) -> Build:
    """Queue a build of what a push would deploy."""
    layout = parts.instance.layout
    with parts.database.write() as tx:
        build = builds.add_build(
            tx,
            app.id,
            wanted.commit,
            source="push",
            who=wanted.who,
            options=wanted.options,
            gate=this_process(),
        )
        builds.hold(tx, build.id)
    spool(layout.repo(app.id), wanted.quarantine, layout.spool(app.id, build.number))
    with parts.database.write() as tx:
        builds.enqueue(tx, build.id)
    parts.nudges.build(app.id)
    return build


def cancel(parts: Parts, build: Build, reason: str) -> None:
    """Give up a build whose push is not taken; one that runs is dropped when it ends."""
    with parts.database.write() as tx:
        builds.cancel_gated(tx, build, reason)
