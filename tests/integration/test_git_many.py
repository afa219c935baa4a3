"""Pushes of nothing, of very many refs, and very many pushes."""

import statistics
import time

import pytest

from gitserver.git.pktline import pkt
from tests.gitweb import FakeBuilder, run_git, served
from tests.integration.test_git_races import Pusher
from tests.rawgit import ZERO, first_push, post
from tests.repos import git
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

REFS = 10_000


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def test_push_of_what_is_there_already_sends_an_empty_pack(web):
    app, source = web.new_app(), web.source("empty")
    run_git(source, "push", web.url(app), "master:topic")
    objects = web.objects(app)

    pushed = run_git(source, "push", web.url(app), "master")

    assert pushed.code == 0, pushed.said
    assert (web.ref(app), len(web.builds(app))) == (web.ref(app, "refs/heads/topic"), 1)
    assert web.objects(app) == objects


def test_too_many_refs_are_refused_with_a_line(web):
    """By hand: git's client takes a time for its report that grows with the square of the refs."""
    app, source = web.new_app(), web.source("refs")
    head, flush, pack = first_push(source).partition(b"0000PACK")
    tip = git(source, "rev-parse", "HEAD")
    more = b"".join(pkt(f"{ZERO} {tip} refs/heads/b{number}".encode()) for number in range(REFS - 1))

    answer = post(web, app, head + more + flush + pack)

    said = "a push may change 1,000 refs, and this one changes 10,000"
    assert answer.progress.splitlines()[0] == f" !     {said}."
    assert answer.report.count(f"{said}\n".encode()) == answer.report.count(b"ng refs/heads/") == REFS
    assert (web.objects(app), web.pending(app)) == ([], [])
    assert git(web.repo(app), "for-each-ref") == ""


def test_a_thousand_refs_are_taken(web):
    app, source = web.new_app(), web.source("thousand")
    tip = git(source, "rev-parse", "HEAD")
    lines = "".join(f"create refs/tags/t{number} {tip}\n" for number in range(999))
    git(source, "update-ref", "--stdin", stdin=lines.encode())

    pushed = run_git(source, "push", web.url(app), "master", "--tags")

    assert pushed.code == 0, pushed.said[-2000:]
    assert len(git(web.repo(app), "for-each-ref", "refs/tags").splitlines()) == 999
    assert (len(web.builds(app)), web.pending(app)) == (1, [])


def push_in_a_row(web, count: int) -> list[float]:
    """Push so many commits one after the other; return how long each took, in seconds."""
    app, source = web.new_app(), web.source(f"row-{count}")
    run_git(source, "push", web.url(app), "master")
    pusher, at, took = Pusher(web, app, source), web.ref(app), []
    for number in range(count):
        began = time.perf_counter()
        new, answer = pusher.push(at, str(number))
        took.append(time.perf_counter() - began)
        assert b"ok refs/heads/master" in answer.report
        at = new
    pusher.close()
    wait_until(lambda: all(build.state.is_terminal for build in web.builds(app)))
    assert (web.ref(app), web.pending(app)) == (at, [])
    left = [path for path in web.objects(app) if not path.endswith((".pack", ".idx", ".rev"))]
    assert left == []
    git(web.repo(app), "fsck", "--strict")
    return took


def test_pushes_in_a_row_leave_nothing_behind(web):
    push_in_a_row(web, 60)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_pushes_in_a_row_stay_fast_and_clean(web):
    took = push_in_a_row(web, 1000)

    first, last = statistics.median(took[:100]), statistics.median(took[-100:])
    assert last < 2 * first, f"{first * 1000:.0f} ms at first, {last * 1000:.0f} ms at last"
