"""The build's log on the pusher's screen: live, whole, and harmless to the build."""

import contextlib
import threading
import time

import pytest

from gitserver.git.pktline import KEEPALIVE
from stratum.buildlog import Log
from stratum.model import BuildState, RolloutState
from stratum.store import rollouts, tokens
from tests.gitweb import FakeBuilder, end, run_git, served, started_git
from tests.integration.test_git_crash import with_option
from tests.rawgit import connect, first_push, headers_for, post
from tests.repos import commit, git
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

PROMISED_S = 5.0  # to pushers, whatever the constant of the server is


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started:
        yield started


def remote_line(process) -> str:
    """The next line that the server said."""
    for line in process.stdout:
        if line.startswith(b"remote: "):
            return str(line.decode().removeprefix("remote: ").rstrip())
    return ""


def read_head(process) -> None:
    """Pass what is told before the log."""
    assert remote_line(process).startswith("-----> Receiving")
    assert remote_line(process).startswith("       To follow it again: stratum -E MyProdEnv -A ")


def test_lines_arrive_while_the_build_runs(web):
    app, source = web.new_app(), web.source("live")
    go_on = threading.Event()

    def work(log):
        log.step("First")
        assert go_on.wait(60)
        log.output(b"\x1b[31mred\n")

    with FakeBuilder(web, work), started_git(source, "push", web.url(app), "master") as process:
        read_head(process)
        assert remote_line(process) == "-----> First"
        assert web.builds(app)[0].state is BuildState.RUNNING
        go_on.set()
        assert remote_line(process) == "       red"
        assert process.wait(60) == 0


def test_push_ends_when_the_rollout_is_live_and_has_been_told(web):
    app, source = web.new_app(), web.source("rolled-out")
    builder = FakeBuilder(web, lambda log: log.step("Released v1"))
    builder.rolls_out = True

    with builder, started_git(source, "push", web.url(app), "master") as process:
        read_head(process)
        assert remote_line(process) == "-----> Released v1"
        rollout = wait_until(lambda: claimed_rollout(web, app.id))
        with Log(web.instance.layout.build_log(app.id, 1)) as log:
            log.step("web.1 up")
        with web.db.write() as tx:
            rollouts.record(tx, rollout, RolloutState.LIVE, ())
        assert remote_line(process) == "-----> web.1 up"
        assert process.wait(60) == 0


def claimed_rollout(web, app_id):
    with web.db.write() as tx:
        return rollouts.claim_next(tx, app_id, "fake")


def test_failed_build_is_told_and_git_still_exits_0(web):
    """The ref has moved: what failed is the build, and its log says so."""
    app, source = web.new_app(), web.source("failing")

    builder = FakeBuilder(web, lambda log: log.error("Build failed: no such package"))
    builder.state = BuildState.FAILED
    with builder:
        pushed = run_git(source, "push", web.url(app), "master")

    assert pushed.code == 0
    assert pushed.remote[-1] == " !     Build failed: no such package"


def test_last_line_without_an_end_is_told(web):
    app, source = web.new_app(), web.source("cut-line")
    path = web.instance.layout.build_log(app.id, 1)

    def work(log):
        with path.open("ab") as file:
            file.write(b"half a line")

    with FakeBuilder(web, work):
        assert run_git(source, "push", web.url(app), "master").remote[-1] == "half a line"


def test_long_log_comes_whole(web):
    """More than a packet takes, and more than one read of the file."""
    app, source = web.new_app(), web.source("long")
    lines = [f"{number:07}" * 9 for number in range(20_000)]

    with FakeBuilder(web, lambda log: log.output("\n".join(lines).encode())):
        answer = post(web, app, first_push(source))

    told = answer.progress.splitlines()
    assert told[2:] == ["       " + line for line in lines]
    assert all(len(packet) <= 65516 for packet in answer.packets)
    assert answer.packets[-1] == b""


@pytest.mark.parametrize("option", ["", "gate=build"], ids=["plain", "gated"])
def test_silent_build_is_kept_alive_every_five_seconds(web, option):
    app, source = web.new_app(), web.source(f"silent{option}")
    go_on = threading.Event()

    def work(log):
        log.step("Thinking")
        assert go_on.wait(60)

    connection = connect(web)
    with FakeBuilder(web, work):
        path, body = f"/{app.label}.git/git-receive-pack", with_option(source, option)
        connection.request("POST", path, body, headers_for(web.secret))
        response = connection.getresponse()
        read_past(response, b"Thinking")
        spoke = time.monotonic()
        read_past(response, KEEPALIVE)
        silent_s = time.monotonic() - spoke
        go_on.set()
        assert response.read().endswith(b"0000")
    connection.close()

    assert 0.5 < silent_s / PROMISED_S < 3


def read_past(response, said: bytes) -> None:
    """Read until something was said that ends the answer so far, but for the end of a line."""
    told = b""
    while not told.rstrip(b"\n").endswith(said):
        told += response.read1()


def test_build_that_waits_says_so(web):
    """No builder is there: the pusher learns after a while what is going on."""
    app, source = web.new_app(), web.source("waiting")

    with started_git(source, "push", web.url(app), "master") as process:
        read_head(process)
        assert remote_line(process) == "-----> Build #1 waits for a builder"
        with FakeBuilder(web):
            assert process.wait(60) == 0


def test_queued_build_tells_its_place_and_what_supersedes_it(web):
    """The first push is being built; the second waits, until the third takes its place."""
    app, source = web.new_app(), web.source("superseded")
    go_on = threading.Event()

    def work(log):
        log.step("First")
        assert go_on.wait(60)

    with FakeBuilder(web, work), contextlib.ExitStack() as open_:
        first = open_.enter_context(started_git(source, "push", web.url(app), "master"))
        wait_until(lambda: [one.state for one in web.builds(app)] == [BuildState.RUNNING])
        commit(source, {"more": "2"})
        second = open_.enter_context(started_git(source, "push", web.url(app), "master"))
        read_head(second)
        assert remote_line(second) == "-----> Build #2 waits: 1 build before it"
        newest = commit(source, {"more": "3"})
        third = open_.enter_context(started_git(source, "push", web.url(app), "master"))
        command = f"stratum -E {app.environment.name} -A {app.name} builds follow 3"
        assert remote_line(second) == f"-----> Superseded by #3, a newer push: {command}"
        assert (remote_line(second), second.wait(60)) == ("", 0)
        go_on.set()
        assert [process.wait(60) for process in (first, third)] == [0, 0]

    built = [(build.state.value, build.superseded_by) for build in web.builds(app)]
    assert built == [("succeeded", None), ("superseded", 3), ("succeeded", None)]
    assert web.ref(app) == web.builds(app)[-1].commit == newest


def test_client_that_goes_does_not_stop_the_build(web):
    app, source = web.new_app(), web.source("gone")
    go_on = threading.Event()

    def work(log):
        log.step("First")
        assert go_on.wait(60)

    with FakeBuilder(web, work):
        with started_git(source, "push", web.url(app), "master") as process:
            while remote_line(process) != "-----> First":
                pass
            end(process)
        go_on.set()
        wait_until(lambda: web.builds(app)[0].state is BuildState.SUCCEEDED)

    assert web.ref(app) == git(source, "rev-parse", "HEAD")


def test_client_without_side_band_gets_the_report_alone(web):
    app, source = web.new_app(), web.source("old-client")

    with FakeBuilder(web):
        answer = post(web, app, first_push(source, caps="report-status"))

    assert answer.packets == [b"unpack ok\n", b"ok refs/heads/master\n", b""]
    assert len(web.builds(app)) == 1


@pytest.mark.parametrize("caps", ["report-status side-band-64k", "report-status", "side-band-64k"])
def test_same_push_sent_again_is_the_same_push(web, caps):
    """git's client repeats a request whose connection died: same report, same log, no second build."""
    app, source = web.new_app(), web.source(f"again-{caps}".replace(" ", "-"))
    body = first_push(source, caps=caps)

    with FakeBuilder(web):
        first, second = post(web, app, body), post(web, app, body)

    assert second.status == 200
    assert (second.report, second.progress.splitlines()) == (first.report, first.progress.splitlines())
    assert second.packets[-1:] == first.packets[-1:]
    assert len(web.builds(app)) == 1


def test_same_push_by_somebody_else_is_refused(web):
    """It is not theirs, so it is an ordinary push that comes too late."""
    app, source = web.new_app(), web.source("again-other")
    body = first_push(source)
    with web.db.write() as tx:
        other = tokens.add_token(tx, "second admin", is_admin=True)

    with FakeBuilder(web):
        post(web, app, body)
        headers = headers_for(other)
        second = post(web, app, body, Authorization=headers["Authorization"])

    assert "master has moved since you looked: somebody else pushed to it." in second.progress
    assert b"ng refs/heads/master" in second.report
    assert len(web.builds(app)) == 1


def test_second_of_two_racing_pushes_is_refused(web, tmp_path):
    """Both begin from the same commit; the first is stopped where it holds the app's lock."""
    app, source = web.new_app(), web.source("raced")
    with FakeBuilder(web):
        run_git(source, "push", web.url(app), "master")
        run_git(tmp_path, "clone", web.url(app), "copy")
        commit(source, {"mine": "1"})
        commit(tmp_path / "copy", {"yours": "1"})

        web.arm("receive.checked")
        with (
            started_git(source, "push", web.url(app), "master") as first,
            started_git(tmp_path / "copy", "push", "origin", "master") as second,
        ):
            web.reached("receive.checked")
            wait_until(lambda: len(list((web.repo(app) / "objects").glob("tmp_objdir-*"))) == 2)
            web.go("receive.checked")
            said = first.communicate(timeout=60)[0] + second.communicate(timeout=60)[0]

    assert sorted([first.returncode, second.returncode]) == [0, 1]
    assert b"has moved since you looked" in said
    assert len(web.builds(app)) == 2
    assert web.ref(app) == web.builds(app)[-1].commit


def test_gated_build_is_told_once_and_its_release_after_it(web):
    """Followed twice, before and after the ref moves, the log goes on where it was."""
    app, source = web.new_app(), web.source("gated")
    said = iter(("Building", "Releasing"))

    with FakeBuilder(web, lambda log: log.step(next(said))):
        pushed = run_git(source, "push", "--push-option=gate=build", web.url(app), "master")

    assert pushed.code == 0
    told = [line for line in pushed.remote if line.startswith(("-----> Building", "-----> Releasing"))]
    assert told[1:] == ["-----> Building", "-----> Releasing"]
    assert sum("builds follow" in line for line in pushed.remote) == 1
