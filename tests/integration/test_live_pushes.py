"""Many pushes at once: the API answers, each limit has its clear answer, and nothing is left behind."""

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from gitserver.git.pktline import FLUSH, pkt
from stratum.model import BuildState
from tests.gitweb import FakeBuilder, GitWeb, run_git, served, started_git
from tests.rawgit import ask, connect, first_push, headers_for, packets
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

LIVE, RECEIVING = 60, 3


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    limits = {"LIVE_PUSHES": LIVE, "RECEIVING_PUSHES": RECEIVING, "STREAMS": 1, "POLLS": 1, "WEB_THREADS": 2}
    settings = {f"STRATUM_{name}": str(number) for name, number in limits.items()}
    with served(tmp_path_factory.mktemp("web"), **settings) as started:
        yield started


class Live:
    """A push whose build nobody has begun, followed; no builder is there."""

    def __init__(self, web: GitWeb, body: bytes, stack: ExitStack) -> None:
        self.app = web.new_app()
        self._connection = connect(web)
        stack.callback(self._connection.close)
        self._body, self._secret = body, web.secret
        self.told = b""

    def open(self) -> "Live":
        path = f"/{self.app.label}.git/git-receive-pack"
        while True:
            self._connection.request("POST", path, self._body, headers_for(self._secret))
            self._response = self._connection.getresponse()
            if self._response.status == 200:
                break
            assert self._response.status == 503  # so many at once are not received
            self._response.read()
        while b"builds follow 1" not in self.told:
            read = self._response.read1()
            assert read, self.told
            self.told += read
        return self

    def rest(self) -> str:
        said = self.told + self._response.read()
        return b"".join(packet[1:] for packet in packets(said) if packet[:1] == b"\2").decode()

    def leave(self) -> None:
        self._response.close()
        self._connection.close()


@pytest.fixture
def live(web):
    """Open pushes, some at a time."""
    source = web.source(f"live-{web._apps}")
    body = first_push(source)
    with ExitStack() as stack:

        def opened(count: int) -> list[Live]:
            pushes = [Live(web, body, stack) for _ in range(count)]
            with ThreadPoolExecutor(4) as pool:
                return list(pool.map(Live.open, pushes))

        yield opened


def api(web, path="/whoami", **headers):
    return ask(web, "GET", f"/api{path}", None, {"Authorization": f"Bearer {web.secret}", **headers})


def threads(web: GitWeb) -> int:
    """How many the worker has."""
    assert web._server is not None
    [worker] = Path(f"/proc/{web._server.pid}/task/{web._server.pid}/children").read_text().split()
    return len(list(Path(f"/proc/{worker}/task").iterdir()))


def test_the_api_answers_beside_many_live_pushes_and_one_too_many_ends_at_once(web, live):
    pushes = live(LIVE)
    assert api(web).status == 200

    [late] = live(1)
    assert late.rest().splitlines()[1:] == [
        f"-----> Build #1 goes on without you: {LIVE} pushes are being followed already",
        f"       To follow it: stratum -E MyProdEnv -A {late.app.name} builds follow 1",
    ]
    assert web.builds(late.app)[0].state is BuildState.QUEUED

    # A gated push cannot end before its build does, so it is followed all the same.
    app, source = web.new_app(), web.source("gated")
    with started_git(source, "push", "--push-option=gate=build", web.url(app), "master") as gated:
        assert gated.stdout is not None
        while b"builds follow 1" not in gated.stdout.readline():
            assert gated.poll() is None
        with FakeBuilder(web):
            assert {push.rest().splitlines()[-1] for push in pushes} == {"-----> Built"}
            assert gated.wait(60) == 0
    assert web.ref(app)
    assert {web.builds(push.app)[0].state for push in [*pushes, late]} == {BuildState.SUCCEEDED}


def test_pushers_who_leave_give_their_places_back_and_their_builds_go_on(web, live):
    first = live(LIVE)
    most = threads(web)
    for push in first:
        push.leave()
    second = followed(live(LIVE))
    while len(second) < LIVE:  # the places are free in a moment, not at once
        second += followed(live(LIVE - len(second)))

    assert threads(web) <= most + RECEIVING + 2
    with FakeBuilder(web):
        assert {push.rest().splitlines()[-1] for push in second} == {"-----> Built"}
        wait_until(lambda: {web.builds(push.app)[0].state for push in first} == {BuildState.SUCCEEDED})


def followed(pushes: list[Live]) -> list[Live]:
    return [push for push in pushes if b"goes on without you" not in push.told]


def slow_push(web: GitWeb, stack: ExitStack) -> socket.socket:
    """Begin a push and send no more of it than the commands."""
    app = web.new_app()
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=60))
    head = pkt(f"{'0' * 40} {'1' * 40} refs/heads/master\0report-status side-band-64k".encode()) + FLUSH
    named = {"Host": "x", "Content-Length": "1000000", **headers_for(web.secret)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    path = f"/{app.label}.git/git-receive-pack"
    connection.sendall(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + head)
    return connection


def test_slow_uploads_starve_nobody(web):
    """Above the number of places the body is not waited for, and git tells its person why."""
    app, source = web.new_app(), web.source("beside-slow")
    listed = f"/{app.label}.git/info/refs?service=git-receive-pack"
    with ExitStack() as stack:

        def is_full() -> bool:
            """Take one more place, which an earlier test's push may have had until a moment ago."""
            slow_push(web, stack)
            return ask(web, "GET", listed, None, headers_for(web.secret)).status == 503

        wait_until(is_full)
        for _ in range(10):
            refused = http.client.HTTPResponse(slow_push(web, stack))
            refused.begin()
            assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
            assert refused.read() == b"3 pushes are under way already. Try again in a moment.\n"
        assert api(web).status == 200
        assert ask(web, "GET", listed, None, {}).status == 401
        pushed = run_git(source, "push", web.url(app), "master")
        assert pushed.code == 128
        assert "remote: 3 pushes are under way already. Try again in a moment." in pushed.said
        assert run_git(source, "ls-remote", web.url(app)).code == 0

    def is_taken():
        return run_git(source, "push", "-o", "detach", web.url(app), "master").code == 0

    wait_until(is_taken, timeout=60)  # a busy machine may take its time to see the slow ones go


def test_streams_and_polls_above_their_number_have_an_answer_too(web, live):
    [push] = live(1)
    path = f"/apps/{push.app.label}/builds/1/log?follow=true"
    connection = connect(web)
    connection.request("GET", f"/api{path}", None, {"Authorization": f"Bearer {web.secret}"})
    with connection.getresponse() as first:
        assert first.status == 200
        refused = api(web, path)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
        assert json.loads(refused.body)["hint"] == "Try again in a moment."
        with FakeBuilder(web):
            assert first.read() == b"-----> Built\n"
    connection.close()
