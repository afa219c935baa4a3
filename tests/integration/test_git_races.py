"""Two pushers and one ref: one is told "ok" and gets a build, the other is told why not, every time."""

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from gitserver.git.pktline import FLUSH, pkt
from stratum.model import App, Build, BuildState
from stratum.store import builds
from tests.gitweb import FakeBuilder, GitWeb, run_git, served, started_git
from tests.packs import entry, oid_of, pack_of
from tests.rawgit import CAPABILITIES, RECEIVE, Answer, connect, headers_for
from tests.repos import commit, git, make_repo
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROUNDS = 200
GIT_ROUNDS = 5
REF = "refs/heads/master"
OK = b"ok refs/heads/master\n"
STALE = b"ng refs/heads/master master has moved since you looked: somebody else pushed to it\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started:
        yield started


class Pusher:
    """One connection, which pushes commits made by hand: of one tree, each a child of the first."""

    def __init__(self, web: GitWeb, app: App, source: Path) -> None:
        self._web, self._app = web, app
        self._connection = connect(web)
        self._tree, self._base = (git(source, "rev-parse", name) for name in ("HEAD^{tree}", "HEAD"))

    def push(self, old: str, message: str, barrier: threading.Barrier | None = None) -> tuple[str, Answer]:
        """Push a commit, at the same time as the other of a barrier; return its id and the answer."""
        who = "A <a@example.org> 1700000000 +0000"
        lines = [f"tree {self._tree}", f"parent {self._base}", f"author {who}", f"committer {who}"]
        data = "\n".join([*lines, "", message, ""]).encode()
        new = oid_of("commit", data)
        head = pkt(f"{old} {new} {REF}\0{CAPABILITIES} push-options".encode()) + FLUSH
        body = head + pkt(b"detach") + FLUSH + pack_of([entry("commit", data)])
        if barrier is not None:
            barrier.wait()
        path = f"/{self._app.label}.git/{RECEIVE}"
        self._connection.request("POST", path, body, headers_for(self._web.secret))
        return new, _read(self._connection)

    def close(self) -> None:
        self._connection.close()


def _read(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    return Answer(response.status, dict(response.getheaders()), response.read())


def test_of_two_pushes_at_once_exactly_one_is_taken_every_time(web):
    app, source = web.new_app(), web.source("two")
    with FakeBuilder(web), ExitStack() as stack:
        run_git(source, "push", web.url(app), "master")
        won = [web.ref(app)]
        pushers = [stack.enter_context(closing(Pusher(web, app, source))) for _ in range(2)]
        barrier = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            for number in range(ROUNDS):
                pushed = [
                    pool.submit(pusher.push, won[-1], f"{number} of {who}", barrier)
                    for who, pusher in enumerate(pushers)
                ]
                won.append(winner(web, app, dict(push.result() for push in pushed)))
        built = wait_until(lambda: ended_builds(web, app))

    assert [build.commit for build in built] == won
    assert built[-1].state is BuildState.SUCCEEDED
    assert web.pending(app) == []


def winner(web: GitWeb, app: App, answers: dict[str, Answer]) -> str:
    """The one commit that was taken, to which the ref has moved; the other was refused for that."""
    taken = [new for new, answer in answers.items() if OK in answer.report]
    refused = [answer.report for answer in answers.values() if STALE in answer.report]
    assert (len(taken), len(refused)) == (1, 1), answers
    assert web.ref(app) == taken[0]
    return taken[0]


def ended_builds(web: GitWeb, app: App) -> list[Build]:
    """All builds of an app, the oldest first, once they have ended."""
    with web.db.read() as tx:
        found = builds.list_builds(tx, app.id, 10 * ROUNDS)
    return found[::-1] if all(build.state.is_terminal for build in found) else []


def test_what_two_gits_are_told_is_true(web):
    """Where one comes after the other both are content, else one is; each that is has its build."""
    app, first = web.new_app(), web.source("first")
    run_git(first, "push", web.url(app, web.secret), "master:other")
    second = make_repo(web.folder / "sources/second", {"Procfile": "web: other\n"})
    won = []
    with FakeBuilder(web):
        for number in range(GIT_ROUNDS):
            tips = {commit(source, {"text": f"{number} {source.name}"}): source for source in (first, second)}
            with ExitStack() as stack:
                pushes = {
                    tip: stack.enter_context(started_git(source, "push", "-f", web.url(app), "master"))
                    for tip, source in tips.items()
                }
                said = {tip: push.communicate(timeout=60)[0].decode() for tip, push in pushes.items()}
            content = [tip for tip, push in pushes.items() if push.returncode == 0]
            assert content, said
            assert web.ref(app) in content
            won += content
        built = wait_until(lambda: ended_builds(web, app))

    assert sorted(build.commit for build in built) == sorted(won)
