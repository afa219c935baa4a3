"""What becomes of a push whose git says less than it did, and of one that comes to a full repository."""

from dataclasses import replace

import pytest

from gitserver.git.repos import ensure_repo
from hooks.parts import Parts
from hooks.policy import ZERO
from hooks.reception import Reception
from hooks.verdict import Offer, Pusher
from stratum.model import BuildState, PushState, RefUpdate
from stratum.queue import Nudges
from tests.repos import git

DEAD = 1 << 22  # above the largest process id there is (proc(5), pid_max)


@pytest.fixture
def tip(web, app):
    """A commit that the repository has, and no ref names."""
    repo = ensure_repo(web.instance, app)
    source = web.source("source")
    git(source, "push", "-q", str(repo), "master:refs/heads/other")
    return git(source, "rev-parse", "HEAD")


@pytest.fixture
def reception(web, app):
    parts = Parts(web.instance, web.db, Nudges("redis://127.0.0.1:1"))
    return Reception(parts, app, Pusher("admin", may_deploy=True))


def offered(reception, tip, *refs: str, quarantine: str = ""):
    updates = tuple(RefUpdate(ref, ZERO, tip) for ref in refs)
    assert reception.wait(30)
    return reception.offered(Offer(updates, quarantine, DEAD))


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

    other = Reception(
        Parts(web.instance, web.db, Nudges("redis://127.0.0.1:1")), app, Pusher("admin", may_deploy=True)
    )
    assert other.wait(0)
    other.close()
    reception.close()


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
