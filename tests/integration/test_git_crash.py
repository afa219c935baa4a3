"""The web process killed at each named point of a push: what was told "ok" is built once, else nothing."""

import os
import signal
import socket
from pathlib import Path

import pytest

from gitserver.git.pktline import pkt
from hooks.care.processes import at_work
from stratum.model import BuildState, PushState
from tests.gitweb import FakeBuilder, GitWeb, end, run_git, served, started_git
from tests.rawgit import CAPABILITIES, first_push, headers_for, post
from tests.repos import commit, git
from tests.waiting import found, wait_until

pytestmark = pytest.mark.integration

UNMOVED = ("receive.checked", "receive.journaled")
GATED_UNMOVED = ("receive.gated", "receive.built")
MOVED = ("receive.moved", "receive.accepted", "receive.nudged")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def kill_at(web: GitWeb, point: str, process, *, with_client: bool) -> None:
    pid = web.reached(point)
    if with_client:
        end(process)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("point", [*UNMOVED, *MOVED])
def test_killed_with_its_client_the_journal_tells_the_truth(web, point):
    app, source = web.new_app(), web.source(f"killed-{point}")
    run_git(source, "push", web.url(app), "master")
    before = web.ref(app)
    tip = commit(source, {"more": "1"})

    web.arm(point)
    with started_git(source, "push", web.url(app), "master") as process:
        kill_at(web, point, process, with_client=True)

    wait_until(lambda: not web.pending(app))
    newest = web.newest(app)
    assert newest is not None
    assert newest.state is PushState.ACCEPTED
    if point in UNMOVED:
        assert (web.ref(app), newest.update.new, len(web.builds(app))) == (before, before, 1)
    else:
        assert (web.ref(app), newest.update.new) == (tip, tip)
        assert [build.commit for build in web.builds(app)] == [before, tip]
        wait_until(lambda: web.builds(app)[-1].state is BuildState.SUCCEEDED)


@pytest.mark.parametrize("point", [*UNMOVED, *MOVED])
def test_killed_alone_the_client_tries_again_and_is_told_the_truth(web, point):
    """git's client repeats the request unasked where it had no answer yet: one push, one build."""
    app, source = web.new_app(), web.source(f"retried-{point}")
    tip = git(source, "rev-parse", "HEAD")

    web.arm(point)
    with started_git(source, "push", web.url(app), "master") as process:
        kill_at(web, point, process, with_client=False)
        said = process.communicate(timeout=60)[0].decode()

    wait_until(lambda: not web.pending(app))
    if process.returncode == 0:
        assert "master -> master" in said
        assert web.ref(app) == tip
    assert [build.commit for build in web.builds(app)] == ([tip] if web.ref(app) else [])
    assert run_git(source, "push", web.url(app), "master").code == 0
    assert [build.commit for build in web.builds(app)] == [tip]


@pytest.mark.parametrize("point", ["receive.journaled", "receive.moved"])
def test_client_killed_after_yes_the_push_is_carried_to_its_end(web, point):
    app, source = web.new_app(), web.source(f"client-{point}")
    tip = git(source, "rev-parse", "HEAD")

    web.arm(point)
    with started_git(source, "push", web.url(app), "master") as process:
        web.reached(point)
        end(process)
        wait_until(lambda: is_left(web.port))
        web.go(point)

    wait_until(lambda: web.builds(app))
    assert (web.ref(app), web.pending(app)) == (tip, [])


def is_left(port: int) -> bool:
    """Whether the other end of a connection of the server has closed it (CLOSE_WAIT; Linux, proc(5))."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "08" for row in rows)


def test_what_killed_pushes_left_is_swept(web):
    """The folder of the objects sent stays when git is killed; the next web process removes it."""
    app, source = web.new_app(), web.source("swept")
    web.arm("receive.checked")
    with started_git(source, "push", web.url(app), "master") as process:
        pid = web.reached("receive.checked")
        end(process)
        (quarantine,) = (web.repo(app) / "objects").glob("tmp_objdir-*")
        receivers = [
            int(entry.name)
            for entry in os.scandir("/proc")
            if entry.name.isdigit() and _parent(entry.name) == pid
        ]
        for receiver in receivers:
            os.killpg(receiver, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)

    wait_until(lambda: not quarantine.exists())
    assert run_git(source, "push", web.url(app), "master").code == 0


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  # one line of a file that is not on disk
            return int(stat.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


# -- gated
GATE = "--push-option=gate=build"


@pytest.mark.parametrize("point", [*GATED_UNMOVED, "receive.checked", "receive.journaled"])
def test_gated_push_killed_before_its_ref_moves_leaves_a_canceled_build(web, point):
    """Within moments of the restart: no ref, no pending row, no spool, nothing that waits for ever."""
    app, source = web.new_app(), web.source(f"gated-{point}")

    web.arm(point)
    with started_git(source, "push", GATE, web.url(app), "master") as process:
        kill_at(web, point, process, with_client=True)

    wait_until(lambda: [build.state for build in web.builds(app)] in ([], [BuildState.CANCELED]))
    wait_until(lambda: not web.pending(app) and not found(web.instance.layout.spools, "*/*"))
    assert (web.ref(app), len(web.builds(app))) == ("", int(point != "receive.checked"))
    pushed = run_git(source, "push", GATE, web.url(app), "master")
    assert pushed.code == 0, pushed.said
    assert web.builds(app)[-1].state is BuildState.SUCCEEDED


@pytest.mark.parametrize("point", MOVED)
def test_gated_push_killed_after_its_ref_moved_is_released_once(web, point):
    app, source = web.new_app(), web.source(f"gated-{point}")
    tip = git(source, "rev-parse", "HEAD")

    web.arm(point)
    with started_git(source, "push", GATE, web.url(app), "master") as process:
        kill_at(web, point, process, with_client=True)

    wait_until(lambda: [build.state for build in web.builds(app)] == [BuildState.SUCCEEDED])
    assert (web.ref(app), web.pending(app)) == (tip, [])
    wait_until(lambda: not found(web.instance.layout.spools, "*/*"))


@pytest.mark.parametrize("point", GATED_UNMOVED)
def test_gated_push_whose_server_was_killed_is_tried_again_by_git_or_by_its_pusher(web, point):
    app, source = web.new_app(), web.source(f"regated-{point}")
    tip = git(source, "rev-parse", "HEAD")

    web.arm(point)
    with started_git(source, "push", GATE, web.url(app), "master") as process:
        kill_at(web, point, process, with_client=False)
        said = process.communicate(timeout=60)[0].decode()
    if process.returncode:
        said = run_git(source, "push", GATE, web.url(app), "master").said

    assert "master -> master" in said
    assert web.ref(app) == tip
    lasting = wait_until(lambda: ended(build for build in web.builds(app)))
    assert lasting == [BuildState.SUCCEEDED]


def test_gated_push_whose_client_is_gone_when_it_is_to_be_told_something_comes_to_its_end(web):
    """As through the router: a socket that fails at the first write, not one that is seen to close."""
    app, source = web.new_app(), web.source("gated-gone")
    body = with_option(source, "gate=build")
    headers = headers_for(web.secret, Content_Length=str(len(body)), Host="x")
    lines = [f"POST /{app.label}.git/git-receive-pack HTTP/1.1", *map(": ".join, headers.items()), "", ""]

    web.arm("receive.gated")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(web.instance.layout.web_socket))
        client.sendall("\r\n".join(lines).encode() + body)
        web.reached("receive.gated")
    web.go("receive.gated")

    wait_until(lambda: not at_work(web.instance.layout.repos))
    wait_until(lambda: all(build.state.is_terminal for build in web.builds(app)))
    assert (len(web.builds(app)), web.pending(app)) == (1, [])


def ended(found) -> list[BuildState]:
    """States of builds but for canceled ones, once all have ended."""
    states = [build.state for build in found]
    is_over = all(state.is_terminal for state in states)
    return [state for state in states if state is not BuildState.CANCELED] if is_over else []


# -- the same request once more: git's client repeats one whose connection died
@pytest.mark.parametrize("option", ["", "detach", "gate=build"])
def test_repeated_request_is_the_same_push(web, option):
    app, source = web.new_app(), web.source(f"repeated-{option}")
    body = with_option(source, option)

    first, second = post(web, app, body), post(web, app, body)

    assert b"ok refs/heads/master" in first.report
    assert second.report == first.report
    assert len(web.builds(app)) == 1
    assert (web.ref(app), web.pending(app)) == (git(source, "rev-parse", "HEAD"), [])
    assert "Receiving" in second.progress


def test_repeated_plan_plans_again(web):
    app, source = web.new_app(), web.source("repeated-plan")
    body = with_option(source, "plan")

    first, second = post(web, app, body), post(web, app, body)

    assert b"ng refs/heads/master planned, nothing changed" in first.report
    assert (second.report, second.progress) == (first.report, first.progress)
    assert (web.ref(app), web.builds(app), web.pending(app)) == ("", [], [])


def test_repeated_push_that_was_followed_by_another_is_told_that_the_ref_has_moved(web):
    app, source = web.new_app(), web.source("repeated-late")
    body = first_push(source)
    post(web, app, body)
    commit(source, {"more": "1"})
    run_git(source, "push", web.url(app), "master")

    assert b"ng refs/heads/master master has moved" in post(web, app, body).report
    assert len(web.builds(app)) == 2


def with_option(source: Path, option: str) -> bytes:
    """Make the body of the first push with a push option, or none."""
    if not option:
        return first_push(source)
    head, flush, pack = first_push(source, caps=f"{CAPABILITIES} push-options").partition(b"0000PACK")
    return head + b"0000" + pkt(option.encode()) + flush + pack


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_pushes_and_kills_lose_nothing(web):
    """Rounds of kills at changing points, with the client alive and dead."""
    app, source = web.new_app(), web.source("soaked")
    points = [*UNMOVED, *MOVED]
    for number in range(100):
        tip = commit(source, {"round": str(number)})
        web.arm(points[number % len(points)])
        with started_git(source, "push", "--force", web.url(app), "master") as process:
            kill_at(web, points[number % len(points)], process, with_client=number % 2 == 0)
            process.wait(60)
        wait_until(lambda: not web.pending(app))
        commits = [build.commit for build in web.builds(app)]
        assert len(commits) == len(set(commits))
        assert (web.ref(app) == tip) == (tip in commits)
        assert process.returncode != 0 or tip in commits
