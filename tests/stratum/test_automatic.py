"""Going back by itself from a release that crash-loops."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stratum.model import Crash
from stratum.store import environments, releases
from stratum.store.clock import now
from stratum.verbs.automatic import roll_back_by_itself, told
from stratum.verbs.release import rollback
from tests.there import there
from tests.webside import WebSide


@pytest.fixture
def side(tmp_path):
    side = WebSide.make(tmp_path / "data")
    yield side
    side.close()


@pytest.fixture
def app(side):
    app = side.app()
    with side.db.write() as tx:
        environments.set_settings(tx, app.id, {"roll_back_within_s": 300})
    return app


def release(side, app, slug, *, fails=False):
    """Record a release of its own slug, and what became of it."""
    with side.db.write() as tx:
        made = releases.add_release(
            tx, app.id, slug=slug * 64, commit=slug * 40, targets=(), cause="push", who="me"
        )
        from stratum.store import rollouts

        rollouts.add_rollout(tx, app.id, cause="push", who="me", release_id=made.id)
    side.settle(app, "no" if fails else "")
    return made


def crash(version, after_s=10.0, process="worker.1"):
    at = now() + timedelta(seconds=after_s)
    return Crash(1, f"MyProdEnv.app02.v{version}.{process}", at, 3, 1, at)


def go_back(side, app, *looping, within_s=300):
    with side.db.write() as tx:
        found = replace(there(environments.get_app(tx, app.id)), roll_back_within_s=within_s)
        return roll_back_by_itself(tx, found, looping)


def test_a_new_release_that_crash_loops_gives_way_to_the_one_before(side, app):
    release(side, app, "a")
    release(side, app, "b")

    change = there(go_back(side, app, crash(2)))
    side.settle(app)

    with side.db.read() as tx:
        found = there(environments.get_app(tx, app.id))
        current = releases.get_release(tx, there(found.current_release_id))
        said = told(tx, found)
    assert (change.release, current.version, current.slug, current.who) == (3, 3, "a" * 64, "")
    assert current.cause == "automatic rollback to v1: worker.1 of v2 crash-looped"
    assert said == "v3 is an automatic rollback to v1: worker.1 of v2 crash-looped"


def test_it_is_off_unless_asked_for_and_only_what_crashes_soon_counts(side, app):
    release(side, app, "a")
    release(side, app, "b")

    assert go_back(side, app, crash(2), within_s=None) is None
    assert go_back(side, app, crash(2, after_s=301)) is None
    assert go_back(side, app, crash(1)) is None, "which is on its way out"
    assert go_back(side, app) is None
    assert go_back(side, app, crash(2)) is not None


def test_it_never_happens_twice_in_a_row_nor_after_a_persons_rollback(side, app):
    release(side, app, "a")
    release(side, app, "b")
    go_back(side, app, crash(2))
    assert go_back(side, app, crash(2)) is None, "while that is under way"
    side.settle(app)
    assert go_back(side, app, crash(3)) is None

    with side.db.write() as tx:
        rollback(tx, there(environments.get_app(tx, app.id)), 2, who="me")
    side.settle(app)
    assert go_back(side, app, crash(4)) is None


def test_it_goes_to_none_that_failed_nor_to_one_that_was_left_in_this_way(side, app):
    release(side, app, "a")
    release(side, app, "b")
    go_back(side, app, crash(2))
    side.settle(app)
    release(side, app, "c", fails=True)
    with side.db.write() as tx:
        rollback(tx, there(environments.get_app(tx, app.id)), 2, who="me")
    side.settle(app)
    release(side, app, "d")

    change = there(go_back(side, app, crash(6)))

    with side.db.read() as tx:
        assert there(releases.find_release(tx, app.id, there(change.release))).slug == "a" * 64


def test_a_rollback_that_failed_is_not_tried_again_and_the_first_release_has_none(side, app):
    release(side, app, "a")
    assert go_back(side, app, crash(1)) is None
    release(side, app, "b")
    go_back(side, app, crash(2))
    side.settle(app, "no")

    assert go_back(side, app, crash(2)) is None
    assert go_back(side, app, crash(2)) is None
