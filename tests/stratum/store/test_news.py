"""What happens to apps is news once, in the transaction that makes it true."""

from dataclasses import replace

import pytest

from stratum.model import BuildState, Crash, RolloutState
from stratum.store import builds, crashes, environments, news, rollouts
from stratum.store.clock import now
from tests.webside import COMMIT, WebSide


@pytest.fixture
def side(tmp_path_factory):
    side = WebSide.make(tmp_path_factory.mktemp("s") / "data")
    yield side
    side.close()


@pytest.fixture
def app(side):
    return side.app()


def told(side, reader="one"):
    with side.db.read() as tx:
        return [(one.kind.value, one.data) for one in news.unread(tx, reader, 100)]


def queued(tx, app, **more):
    return builds.add_build(tx, app.id, COMMIT, source="push", who="admin", **more)


def claimed(tx, app):
    found = builds.claim_next(tx, app.id, "1:1")
    assert found is not None
    return found


def test_each_way_in_which_a_build_ends_is_news_once(side, app):
    with side.db.write() as tx:
        queued(tx, app)
        failed = claimed(tx, app)
        assert builds.finish(tx, failed, BuildState.FAILED, error="No Procfile.")
        assert not builds.finish(tx, failed, BuildState.FAILED, error="late")
        builds.cancel(tx, queued(tx, app), "admin asked for it.")
        builds.supersede_queued(tx, queued(tx, app))
        queued(tx, app)
        builds.supersede_queued(tx, queued(tx, app))
        dropped = claimed(tx, app)
        builds.cancel(tx, dropped, "admin asked for it.")
        assert builds.drop(tx, dropped, "admin asked for it.")
        gated = queued(tx, app, gate="1:1")
        builds.cancel_gated(tx, gated, "gone")
        queued(tx, app)
        builds.give_back(tx, claimed(tx, app))  # is built again

    found = [(kind, data["build"]["number"]) for kind, data in told(side)]
    assert found == [
        ("build.failed", 1),
        ("build.canceled", 2),
        ("build.superseded", 3),
        ("build.superseded", 4),
        ("build.canceled", 5),
        ("build.canceled", 6),
    ]
    assert told(side)[0][1]["build"]["error"] == "No Procfile."


def test_a_release_is_live_once_however_often_its_rollout_says_so(side, app):
    side.release(app)
    with side.db.write() as tx:
        rollout = rollouts.add_rollout(tx, app.id, cause="c", who="w", release_id=1)
        taken = rollouts.claim_next(tx, app.id, "1:1")
        assert taken is not None
        rollouts.record(tx, taken, RolloutState.LIVE, ())
        rollouts.record(tx, taken, RolloutState.LIVE, ())
        rollouts.record(tx, taken, RolloutState.SUCCEEDED, ())
        assert not rollouts.record(tx, taken, RolloutState.FAILED, (), "late")

    live = [data["rollout"]["number"] for kind, data in told(side) if kind == "release.live"]
    assert live == [1, rollout.number]


def test_a_release_that_fails_is_news_with_the_reason_and_a_scale_is_none(side, app):
    side.release(app)
    with side.db.write() as tx:
        rollouts.add_rollout(tx, app.id, cause="redeploy", who="w", release_id=1)
    side.settle(app, "web.1 ended.")
    with side.db.write() as tx:
        rollouts.add_rollout(tx, app.id, cause="scale worker=2", who="w")
    side.settle(app, "worker.2 ended.")

    kind, data = told(side)[-1]
    assert (kind, data["rollout"]["error"]) == ("release.failed", "web.1 ended.")
    assert (data["release"]["version"], data["build"]) == (1, None)


def test_a_process_is_crash_looping_once_for_all_ends_in_a_row(side, app):
    crash = Crash(app.id, "MyProdEnv.app02.v1.web.1", now(), 5, -9, now())
    with side.db.write() as tx:
        crashes.note(tx, [crash])
        crashes.note(tx, [replace(crash, count=6)])
        crashes.forget(tx, [crash.process])
        crashes.note(tx, [replace(crash, since=now(), count=5)])

    found = told(side)
    assert [kind for kind, _ in found] == ["process.crash_looping"] * 2
    assert found[0][1]["process"] == {
        "name": crash.process,
        "release": "v1",
        "target": "web",
        "index": 1,
    }


def test_a_transaction_that_fails_is_no_news(side, app):
    with pytest.raises(RuntimeError), side.db.write() as tx:
        builds.cancel(tx, queued(tx, app), "x")
        raise RuntimeError

    assert told(side) == []


def test_each_reader_reads_on_from_where_it_was(side, app):
    with side.db.write() as tx:
        for _ in range(3):
            builds.cancel(tx, queued(tx, app), "x")
    with side.db.write() as tx:
        first, second = news.unread(tx, "one", 2)
        news.mark_read(tx, "one", second)
        assert news.is_unread(tx, "one")
        [third] = news.unread(tx, "one", 2)
        news.mark_read(tx, "one", third)
        assert not news.is_unread(tx, "one")
        assert news.unread(tx, "two", 1) == [first]


def test_what_all_have_read_is_kept_for_a_while_only(side, app, monkeypatch):
    monkeypatch.setattr(news, "KEPT", 2)
    with side.db.write() as tx:
        for _ in range(5):
            builds.cancel(tx, queued(tx, app), "x")
        news.mark_read(tx, "one", news.unread(tx, "one", 5)[-1])
        assert [one.id for one in news.unread(tx, "new", 9)] == [4, 5]
        assert not news.is_unread(tx, "one")
        environments.remove_app(tx, app.id)
        assert news.unread(tx, "new", 9) == []
