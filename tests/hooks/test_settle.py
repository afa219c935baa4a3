"""What becomes of pending rows, with real repositories and no request behind them."""

import subprocess

import pytest

from gitserver.git.repos import ensure_repo
from hooks.policy import ZERO
from hooks.refs import kept
from hooks.settle import settle
from hooks.sweep import sweep
from stratum.model import App, PushState, RefUpdate
from stratum.ownership import exclusive, process_name, this_process
from stratum.store import pushes
from tests.gitweb import GitWeb
from tests.repos import commit, git

MASTER = "refs/heads/master"
DEAD = "1:1"


@pytest.fixture
def commits(web, app):
    """Three commits that the app's repository has, none of them on a ref."""
    source = web.source("source")
    made = [git(source, "rev-parse", "HEAD"), commit(source, {"b": "1"}), commit(source, {"c": "1"})]
    git(ensure_repo(web.instance, app), "fetch", "-q", str(source), "master")
    return made


def journaled(web: GitWeb, app: App, update: RefUpdate, receive_process: str = DEAD, *, deploys=True) -> int:
    with web.db.write() as tx:
        (push_id,) = pushes.journal(
            tx,
            app.id,
            [(update, deploys)],
            "who",
            web_process=this_process(),
            receive_process=receive_process,
        )
    return push_id


def move(web: GitWeb, app: App, ref: str, new: str) -> None:
    git(web.repo(app), "-c", "core.logAllRefUpdates=always", "update-ref", "-m", "push", ref, new)


def state(web: GitWeb, push_id: int) -> PushState:
    with web.db.read() as tx:
        push = pushes.get_push(tx, push_id)
    assert push is not None
    return push.state


def test_push_whose_ref_moved_is_accepted_and_built(web, app, commits):
    push = journaled(web, app, RefUpdate(MASTER, ZERO, commits[0]))
    move(web, app, MASTER, commits[0])

    built = settle(web.instance, web.db, app.id)

    assert [build.commit for build in built] == [commits[0]]
    assert kept(web.repo(app)) == {built[0].number: commits[0]}
    assert (state(web, push), web.app(app).deploy_branch) == (PushState.ACCEPTED, "master")
    assert settle(web.instance, web.db, app.id) == []


def test_first_push_of_main_points_head_there(web, app, commits):
    journaled(web, app, RefUpdate("refs/heads/main", ZERO, commits[0]))
    move(web, app, "refs/heads/main", commits[0])
    settle(web.instance, web.db, app.id)

    assert git(web.repo(app), "symbolic-ref", "HEAD") == "refs/heads/main"


def test_push_whose_ref_never_moved_is_rejected(web, app, commits):
    push = journaled(web, app, RefUpdate(MASTER, ZERO, commits[0]))

    assert settle(web.instance, web.db, app.id) == []
    assert (state(web, push), web.builds(app)) == (PushState.REJECTED, [])


def test_same_move_a_moment_earlier_proves_nothing(web, app, commits):
    """Forward, back, and forward again, all within a second; the last was killed before its ref moved."""
    move(web, app, MASTER, commits[0])
    for update in (RefUpdate(MASTER, commits[0], commits[1]), RefUpdate(MASTER, commits[1], commits[0])):
        push = journaled(web, app, update)
        move(web, app, MASTER, update.new)
        settle(web.instance, web.db, app.id)
        assert state(web, push) is PushState.ACCEPTED
    again = journaled(web, app, RefUpdate(MASTER, commits[0], commits[1]))

    assert settle(web.instance, web.db, app.id) == []
    assert state(web, again) is PushState.REJECTED
    assert len(web.builds(app)) == 2


def test_push_that_a_later_one_moved_on_is_accepted(web, app, commits):
    first = journaled(web, app, RefUpdate("refs/heads/topic", ZERO, commits[0]), deploys=False)
    second = journaled(web, app, RefUpdate("refs/heads/topic", commits[0], ZERO), deploys=False)
    with web.db.write() as tx:
        pushes.accept(tx, [second])

    settle(web.instance, web.db, app.id)

    assert state(web, first) is PushState.ACCEPTED


def test_earlier_push_away_from_there_proves_nothing(web, app, commits):
    """There and back and there again: the last one did not happen only because the first did."""
    away = journaled(web, app, RefUpdate(MASTER, commits[1], commits[0]))
    with web.db.write() as tx:
        pushes.accept(tx, [away])
    move(web, app, MASTER, commits[0])
    again = journaled(web, app, RefUpdate(MASTER, commits[0], commits[1]))

    settle(web.instance, web.db, app.id)

    assert state(web, again) is PushState.REJECTED


def test_delete_is_settled_by_the_absence_of_the_ref(web, app, commits):
    there = journaled(web, app, RefUpdate("refs/heads/a", commits[0], ZERO), deploys=False)
    gone = journaled(web, app, RefUpdate("refs/heads/b", commits[0], ZERO), deploys=False)
    move(web, app, "refs/heads/a", commits[0])

    assert settle(web.instance, web.db, app.id) == []
    assert (state(web, there), state(web, gone)) == (PushState.REJECTED, PushState.ACCEPTED)
    assert web.builds(app) == []


def test_packed_refs_are_read_too(web, app, commits):
    push = journaled(web, app, RefUpdate(MASTER, ZERO, commits[0]))
    move(web, app, MASTER, commits[0])
    git(web.repo(app), "pack-refs", "--all")

    settle(web.instance, web.db, app.id)

    assert state(web, push) is PushState.ACCEPTED


def test_push_under_way_is_let_be(web, app, commits):
    """While git lives it may still move the ref; while the lock is held its request is at work."""
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        alive = journaled(web, app, RefUpdate(MASTER, ZERO, commits[0]), process_name(sleeper.pid))
        settle(web.instance, web.db, app.id)
        assert state(web, alive) is PushState.PENDING
    finally:
        sleeper.kill()
        sleeper.wait()
    with exclusive(web.instance.layout.push_lock(app.id)) as held:
        assert held
        settle(web.instance, web.db, app.id)
        assert state(web, alive) is PushState.PENDING

    settle(web.instance, web.db, app.id)

    assert state(web, alive) is PushState.REJECTED


def test_sweep_spares_what_a_living_git_may_use(web, app):
    repo = ensure_repo(web.instance, app)
    (repo / "objects" / "tmp_objdir-incoming-x").mkdir()
    sleeper = subprocess.Popen(["sleep", "60"], cwd=repo)
    try:
        assert sweep(web.instance.layout) == 0
    finally:
        sleeper.kill()
        sleeper.wait()

    assert sweep(web.instance.layout) == 1
    assert list((repo / "objects").glob("tmp_objdir*")) == []
