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


class Row:
    """Pushes to one app, one after the other."""

    def __init__(self, web, name: str) -> None:
        self._web, self.app, source = web, web.new_app(), web.source(name)
        run_git(source, "push", web.url(self.app), "master")
        self._pusher, self._at, self._number = Pusher(web, self.app, source), web.ref(self.app), 0

    def push(self) -> float:
        """Push a commit; return how long that took, in seconds."""
        self._number += 1
        began = time.perf_counter()
        new, answer = self._pusher.push(self._at, str(self._number))
        assert b"ok refs/heads/master" in answer.report
        self._at = new
        return time.perf_counter() - began

    def end(self) -> None:
        """See that all is there and nothing else."""
        self._pusher.close()
        wait_until(lambda: all(build.state.is_terminal for build in self._web.builds(self.app)), timeout=60)
        assert (self._web.ref(self.app), self._web.pending(self.app)) == (self._at, [])
        left = [path for path in self._web.objects(self.app) if not path.endswith((".pack", ".idx", ".rev"))]
        assert left == []
        git(self._web.repo(self.app), "fsck", "--strict")


def test_pushes_in_a_row_leave_nothing_behind(web):
    row = Row(web, "row")
    for _ in range(60):
        row.push()
    row.end()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_pushes_in_a_row_stay_fast_and_clean(web):
    """Without a pause for upkeep; beside a new app's, so that the machine's own mood is the same."""
    old, new = Row(web, "old"), Row(web, "new")
    for _ in range(1000):
        old.push()
    took = [(old.push(), new.push()) for _ in range(50)]
    old.end()
    new.end()

    late, early = (statistics.median(times) for times in zip(*took, strict=True))
    assert late < 2 * early, f"{late * 1000:.0f} ms after a thousand, {early * 1000:.0f} ms for a new app"
