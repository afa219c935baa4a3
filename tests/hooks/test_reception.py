"""What becomes of a push whose git says less than it did, and of one that comes to a full repository."""

from dataclasses import replace

import pytest

from gitserver.git.repos import ensure_repo
from hooks.care.stock import bytes_below
from hooks.left import Moves, leave
from hooks.parts import Parts
from hooks.policy import ZERO
from hooks.reception import Reception
from hooks.settle import settle
from hooks.verdict import Offer, Pusher
from stratum.model import BuildState, PushState, RefUpdate
from stratum.queue import Nudges
from stratum.store import Database, pushes
from tests.gitweb import new_web
from tests.repos import git

DEAD = f"{1 << 22}:1"  # above the largest process id there is (proc(5), pid_max)


@pytest.fixture
def tip(web, app):
    """A commit that the repository has, and no ref names."""
    repo = ensure_repo(web.instance, app)
    source = web.source("source")
    git(source, "push", "-q", str(repo), "master:refs/heads/other")
    return git(source, "rev-parse", "HEAD")


@pytest.fixture
def reception(web, app):
    return one(web, app)


def one(web, app, db=None):
    """Another process has another handle of the database."""
    parts = Parts(web.instance, db or web.db, Nudges("redis://127.0.0.1:1"))
    return Reception(parts, app, Pusher("admin", may_deploy=True))


def state_of(web, app, ref):
    push = web.newest(app, ref)
    assert push is not None
    return push.state


def every(web):
    """Pushes of all apps, in order."""
    with web.db.read() as tx:
        found = [pushes.get_push(tx, number) for number in range(1, 10)]
    return [push for push in found if push is not None]


def offered(reception, tip, *refs: str, quarantine: str = ""):
    updates = tuple(RefUpdate(ref, ZERO, tip) for ref in refs)
    assert reception.wait(30)
    size = bytes_below(quarantine) if quarantine else 0
    return reception.offered(Offer(updates, quarantine, DEAD, size))


@pytest.mark.parametrize("told", [True, False])
def test_ref_of_which_git_says_nothing_is_looked_at(web, app, tip, reception, told):
    """Whether it says nothing at all, or leaves one out: what has moved is never taken for rejected."""
    verdict = offered(reception, tip, "refs/heads/master", "refs/heads/topic")
    assert verdict.taken, verdict.lines
    git(web.repo(app), "update-ref", "refs/heads/master", tip)
    if told:
        reception.moved([], ["refs/heads/topic"])
    reception.close()

    assert [(build.commit, build.state) for build in web.builds(app)] == [(tip, BuildState.QUEUED)]
    assert reception.build == web.builds(app)[0]
    assert web.pending(app) == []
    newest = web.newest(app)
    assert newest is not None
    assert newest.state is PushState.ACCEPTED
    assert web.newest(app, "refs/heads/topic") is None


def test_turn_is_free_again_when_all_is_told(web, app, tip, reception):
    assert offered(reception, tip, "refs/heads/master").taken
    git(web.repo(app), "update-ref", "refs/heads/master", tip)
    reception.moved(["refs/heads/master"], [])

    other = one(web, app)
    assert other.wait(0)
    other.close()
    reception.close()


def test_turn_is_free_before_the_record_of_what_deploys_nothing_which_the_next_push_makes(web, app, tip):
    first, second = (one(web, app), one(web, app))
    assert offered(first, tip, "refs/heads/a").taken
    git(web.repo(app), "update-ref", "refs/heads/a", tip)
    first.moved(["refs/heads/a"], [])
    assert state_of(web, app, "refs/heads/a") is PushState.PENDING

    assert offered(second, tip, "refs/heads/b").taken
    assert state_of(web, app, "refs/heads/a") is PushState.ACCEPTED

    first.close()
    second.close()
    assert web.pending(app) == []
    assert web.newest(app, "refs/heads/b") is None


def test_what_nobody_follows_is_recorded_at_the_end(web, app, tip, reception):
    assert offered(reception, tip, "refs/heads/a", "refs/heads/b").taken
    git(web.repo(app), "update-ref", "refs/heads/a", tip)
    reception.moved(["refs/heads/a"], ["refs/heads/b"])
    reception.close()

    assert state_of(web, app, "refs/heads/a") is PushState.ACCEPTED
    assert web.newest(app, "refs/heads/b") is None
    assert web.pending(app) == []


def test_what_a_refused_push_came_after_is_recorded_by_whoever_ends_first(web, app, tip):
    first, second = (one(web, app), one(web, app))
    assert offered(first, tip, "refs/heads/a").taken
    git(web.repo(app), "update-ref", "refs/heads/a", tip)
    first.moved(["refs/heads/a"], [])

    assert not offered(second, tip, "refs/heads/a/below").taken
    second.close()
    assert state_of(web, app, "refs/heads/a") is PushState.ACCEPTED
    first.close()
    assert web.pending(app) == []


def test_push_repeated_before_it_was_recorded_is_the_same_push(web, app, tip):
    first, again = (one(web, app), one(web, app))
    assert offered(first, tip, "refs/heads/a").taken
    git(web.repo(app), "update-ref", "refs/heads/a", tip)
    first.moved(["refs/heads/a"], [])

    assert offered(again, tip, "refs/heads/a").repeated
    again.close()
    first.close()
    assert state_of(web, app, "refs/heads/a") is PushState.ACCEPTED


def test_what_is_left_when_the_process_dies_is_settled_like_any_other(web, app, tip, reception):
    assert offered(reception, tip, "refs/heads/a").taken
    git(web.repo(app), "update-ref", "refs/heads/a", tip)
    reception.moved(["refs/heads/a"], [])

    assert settle(web.instance, web.db, app.id) == []
    assert state_of(web, app, "refs/heads/a") is PushState.ACCEPTED
    reception.close()


@pytest.fixture
def others(web):
    """The database as another web process has it, which is ending, or has begun."""
    opened = Database.open(web.instance.layout.database)
    yield opened
    opened.close()


def test_what_another_process_left_is_settled_before_the_ref_moves_on(web, app, tip, others):
    """Which then records it once more, after all that came since, and changes nothing by it."""
    ref = "refs/heads/a"
    first = one(web, app, others)
    assert offered(first, tip, ref).taken
    git(web.repo(app), "update-ref", ref, tip)
    first.moved([ref], [])

    second = one(web, app)
    assert second.wait(30)
    removal = RefUpdate(ref, tip, ZERO)
    assert second.offered(Offer((removal,), "", DEAD)).taken
    assert [push.update for push in web.pending(app)] == [removal], "the first is accepted already"
    git(web.repo(app), "update-ref", "-d", ref)
    second.moved([ref], [])
    second.close()
    first.close()

    assert web.pending(app) == []
    assert [push.state for push in every(web)] == [PushState.ACCEPTED] * 2


def test_what_another_process_left_unmoved_stays_rejected_when_the_same_is_pushed_again(
    web, app, tip, others
):
    ref = "refs/heads/a"
    first = one(web, app, others)
    assert offered(first, tip, ref).taken
    first.moved([], [ref])

    again = one(web, app)
    assert offered(again, tip, ref).taken
    git(web.repo(app), "update-ref", ref, tip)
    again.moved([ref], [])
    again.close()
    first.close()

    assert [push.state for push in every(web)] == [PushState.REJECTED, PushState.ACCEPTED]


def test_what_is_left_of_an_app_of_another_database_is_not_recorded_here(web, app, tip, reception, tmp_path):
    """Both number their apps and pushes from 1."""
    elsewhere = new_web(tmp_path / "elsewhere")
    theirs = elsewhere.new_app()
    assert theirs.id == app.id
    leave(elsewhere.db, theirs.id, Moves(moved=(1,)))

    assert offered(reception, tip, "refs/heads/a").taken
    reception.close()

    assert [push.state for push in every(web)] == [PushState.REJECTED]
    elsewhere.close()


def test_push_that_fits_no_more_when_its_turn_comes_is_refused(web, app, tip, reception, tmp_path):
    """git was told the room of the time when it started."""
    web.instance = replace(web.instance, settings=replace(web.instance.settings, max_repo_bytes=5000))
    parts = Parts(web.instance, web.db, Nudges("redis://127.0.0.1:1"))
    (tmp_path / "q/pack").mkdir(parents=True)
    (tmp_path / "q/pack/x.pack").write_bytes(bytes(4900))
    late = Reception(parts, app, Pusher("admin", may_deploy=True))

    verdict = offered(late, tip, "refs/heads/topic", quarantine=str(tmp_path / "q"))

    assert not verdict.taken
    assert "and the push does not fit" in verdict.reason("refs/heads/topic")
    late.close()


@pytest.mark.parametrize("files", [{"Procfile": "web: x\n"}, {"requirements.txt": ""}])
def test_app_json_that_cannot_be_used_is_refused_with_all_its_problems(web, app, reception, files):
    app_json = '{"healthchecks": {"web": [{"attempts": 0}, {"path": "x"}]}}'
    source = web.source("asking", {**files, "app.json": app_json})
    git(source, "push", "-q", str(ensure_repo(web.instance, app)), "master:refs/heads/other")

    verdict = offered(reception, git(source, "rev-parse", "HEAD"), "refs/heads/master")

    assert not verdict.taken
    assert verdict.refusals[0].reason.endswith("Give a whole number from 1 to 100 (and 1 more)")
    places = [line.split(": ")[1] for line in verdict.lines[:-1] if "app.json:1:" in line]
    assert places == ["healthchecks.web[0].attempts", "healthchecks.web[1].path"]
