"""Builds whose commit is still to be fetched: their numbers, their pushes, and who comes first."""

import pytest

from stratum.errors import Conflict, NothingReleased
from stratum.model import NO_OPTIONS, BuildState, RefUpdate
from stratum.store import builds, kept, pushes, reserved
from stratum.store.reserved import Reserved
from stratum.verbs import build, release
from tests.there import there

ZERO = "0" * 40
COMMIT = "1" * 40


@pytest.fixture
def number(db, app):
    with db.write() as tx:
        return reserved.reserve(tx, app.id, "webhook:x").number


def journaled(tx, app, commit=COMMIT):
    moves = [(RefUpdate("refs/heads/master", ZERO, commit), True)]
    [push] = pushes.journal(tx, app.id, moves, "webhook:x", web_process="1:1", receive_process="2:2")
    return push


def found(db, app, number):
    with db.read() as tx:
        return there(builds.find_build(tx, app.id, number))


def test_no_builder_takes_what_is_not_fetched_yet(db, app, number):
    with db.write() as tx:
        assert builds.claim_next(tx, app.id, "a") is None
        later = builds.add_build(tx, app.id, COMMIT, source="retry", who="admin")
        claimed = there(builds.claim_next(tx, app.id, "a"))

    assert (number, claimed.number, later.number) == (1, 2, 2)
    assert found(db, app, number).state is BuildState.FETCHING


def test_what_is_fetched_is_the_build_of_its_push_and_as_the_newer_one_supersedes_what_came_meanwhile(
    db, app, number
):
    with db.write() as tx:
        builds.add_build(tx, app.id, "2" * 40, source="redeploy", who="admin")
        push = journaled(tx, app)
        reserved.belong(tx, Reserved(app.id, number), push, COMMIT)
    with db.write() as tx:
        [accepted] = pushes.accept(tx, [push])
        again = pushes.accept(tx, [push])

    assert (accepted.number, accepted.state, accepted.commit) == (number, BuildState.QUEUED, COMMIT)
    assert again == [accepted]
    other = found(db, app, 2)
    assert (other.state, other.superseded_by) == (BuildState.SUPERSEDED, number)


def test_a_push_that_moves_nothing_gives_its_build_back_to_the_next(db, app, number):
    one = Reserved(app.id, number)
    with db.write() as tx:
        push = journaled(tx, app)
        reserved.belong(tx, one, push, COMMIT)
        with pytest.raises(Conflict):
            reserved.belong(tx, one, push, COMMIT)
        pushes.reject(tx, [push])
    assert (found(db, app, number).push_id, found(db, app, number).commit) == (None, "")

    with db.write() as tx:
        push = journaled(tx, app, "3" * 40)
        reserved.belong(tx, one, push, "3" * 40)
        [accepted] = pushes.accept(tx, [push])
    assert (accepted.number, accepted.commit) == (number, "3" * 40)


def test_what_a_push_has_taken_ends_with_that_and_not_with_its_delivery(db, app, number):
    """Else a ref that has moved, as is found out later, would have no build."""
    with db.write() as tx:
        push = journaled(tx, app)
        reserved.belong(tx, Reserved(app.id, number), push, COMMIT)
        reserved.end(tx, Reserved(app.id, number), BuildState.FAILED, "tried 5 times")
        assert not reserved.is_free(tx, Reserved(app.id, number))
        assert reserved.is_fetching(tx, Reserved(app.id, number))
        assert reserved.orphans(tx) == []
        [accepted] = pushes.accept(tx, [push])

    assert accepted.state is BuildState.QUEUED


def test_what_was_given_up_is_taken_by_no_push(db, app, number):
    with db.write() as tx:
        build.cancel(tx, app, number, who="admin")
    with db.write() as tx, pytest.raises(Conflict, match="was given up"):
        reserved.belong(tx, Reserved(app.id, number), journaled(tx, app), COMMIT)
    with db.write() as tx, pytest.raises(Conflict, match="was given up"):
        reserved.gate(tx, Reserved(app.id, number), COMMIT, options=NO_OPTIONS, process="1:1")


def test_what_nobody_fetches_is_found(db, app, number):
    with db.read() as tx:
        assert reserved.orphans(tx) == [Reserved(app.id, number)]


def test_nothing_asks_the_repository_for_a_commit_that_it_has_not(db, app, number):
    with db.write() as tx:
        assert kept.kept_commits(tx, app.id) == {}
        assert builds.newest_taken(tx, app.id) is None
        with pytest.raises(NothingReleased):
            release.redeploy(tx, app, who="admin")
        reserved.belong(tx, Reserved(app.id, number), push := journaled(tx, app), COMMIT)
        assert kept.kept_commits(tx, app.id) == {}
        pushes.accept(tx, [push])
        assert kept.kept_commits(tx, app.id) == {number: COMMIT}
