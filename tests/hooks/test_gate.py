"""Gated builds for which nobody waits any more end, whatever kept their request from saying so."""

import pytest

from hooks import gate
from hooks.failures import Failures
from hooks.parts import Parts
from stratum.errors import Unavailable
from stratum.model import App, Build, BuildOptions, BuildState, RefUpdate
from stratum.ownership import process_name, this_process
from stratum.queue import Nudges
from stratum.store import builds, pushes
from tests.gitweb import GitWeb

WANTED = gate.Wanted("1" * 40, "", "me", BuildOptions())
DEAD = "1:1"


@pytest.fixture
def parts(web: GitWeb) -> Parts:
    return Parts(web.instance, web.db, Nudges(web.instance.redis_url))


def offered(web: GitWeb, app: App, asker: str) -> Build:
    """A gated build that another process has asked for."""
    with web.db.write() as tx:
        return builds.add_build(tx, app.id, "1" * 40, source="push", who="me", gate=asker)


def state(web: GitWeb, build: Build) -> BuildState:
    with web.db.read() as tx:
        return builds.get_build(tx, build.id).state


def test_build_is_for_nobody_once_who_asked_is_dead_or_has_left(web, parts):
    app = web.new_app()
    ours, left = (gate.begin(parts, app, WANTED) for _ in range(2))
    theirs, dead = offered(web, app, process_name(1)), offered(web, app, DEAD)
    gate.leave(left)

    gate.cancel_abandoned(parts, Failures())

    assert [state(web, build) for build in (ours, theirs, left, dead)] == [
        BuildState.QUEUED,
        BuildState.QUEUED,
        BuildState.CANCELED,
        BuildState.CANCELED,
    ]
    gate.leave(ours)


def test_build_whose_spool_the_disk_would_not_have_is_canceled(web, parts):
    app = web.new_app()
    layout = web.instance.layout
    layout.spool(app.id, 1).parent.mkdir(parents=True)
    layout.spool(app.id, 1).touch()  # in the way of the folder

    with pytest.raises(Unavailable):
        gate.begin(parts, app, gate.Wanted("1" * 40, str(web.folder), "me", BuildOptions()))
    gate.cancel_abandoned(parts, Failures())

    (build,) = web.builds(app)
    assert build.state is BuildState.CANCELED


def test_running_build_is_told_once_and_ends_canceled(web, parts):
    app = web.new_app()
    with web.db.write() as tx:
        builds.add_build(tx, app.id, "1" * 40, source="push", who="me", gate=DEAD)
        running = builds.claim_next(tx, app.id, "builder")
    assert running is not None
    for _ in range(2):
        gate.cancel_abandoned(parts, Failures())
    with web.db.write() as tx:
        ended = builds.wait(tx, running, "a" * 64, ())

    assert ended is BuildState.CANCELED


def test_spool_of_what_has_ended_goes(web, parts):
    app = web.new_app()
    build = offered(web, app, DEAD)
    folder = web.instance.layout.spool(app.id, build.number)
    folder.mkdir(parents=True)

    gate.cancel_abandoned(parts, Failures())

    assert not folder.exists()


def test_build_of_a_push_that_is_recorded_is_left_to_the_push(web, parts):
    """Its ref may have moved: were it canceled, the accepted push would be without a build."""
    app = web.new_app()
    with web.db.write() as tx:
        build = builds.add_build(tx, app.id, "1" * 40, source="push", who="me", gate=DEAD)
        builds.hold(tx, build.id)
        update = RefUpdate("refs/heads/master", "0" * 40, build.commit)
        (push,) = pushes.journal(
            tx, app.id, [(update, True)], "me", web_process=this_process(), receive_process=DEAD
        )
        builds.belong(tx, build.id, push)

    gate.cancel(parts, build, "too late")
    gate.cancel_abandoned(parts, Failures())

    assert state(web, build) is BuildState.WAITING
