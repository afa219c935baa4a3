"""`git push -o gate=build`: the ref moves, and git succeeds, only once the build has succeeded."""

import re
import threading

import pytest
from sqlalchemy import update

from stratum.errors import BuildFailed
from stratum.model import BuildState, PushState
from stratum.store.tables import apps
from tests.gitweb import FakeBuilder, end, run_git, served, started_git
from tests.repos import commit, git
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

GATE = "--push-option=gate=build"


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started:
        yield started


def states(web, app) -> list[BuildState]:
    return [build.state for build in web.builds(app)]


def test_gated_push_moves_its_ref_once_it_is_built(web):
    app, source = web.new_app(), web.source("built")
    tip = git(source, "rev-parse", "HEAD")
    seen: list[str] = []

    def work(log):
        seen.append(web.ref(app))
        log.step("Built")

    with FakeBuilder(web, work):
        pushed = run_git(source, "push", GATE, web.url(app), "master")

    assert pushed.code == 0, pushed.said
    assert seen[0] == ""  # not there while it was built
    assert web.ref(app) == tip
    assert states(web, app) == [BuildState.SUCCEEDED]
    assert web.builds(app)[0].push_id is not None
    assert pushed.remote[:3] == [
        f"-----> Building {tip[:7]} before the ref moves",
        f"       To follow it again: stratum -E MyProdEnv -A {app.name} builds follow 1",
        "-----> Built",
    ]


def test_failed_build_rejects_the_push_and_leaves_nothing(web):
    app, source = web.new_app(), web.source("failed")
    builder = FakeBuilder(web, lambda log: log.error("Installing requirements.txt failed (exit code 1)"))
    builder.state, builder.error = BuildState.FAILED, "Installing requirements.txt failed (exit code 1): x"

    with builder:
        pushed = run_git(source, "push", GATE, web.url(app), "master")

    assert pushed.code == 1
    (reason,) = re.findall(r"! \[remote rejected\] master -> master \((.+)\)", pushed.said)
    assert reason == "build #1 failed: Installing requirements.txt failed (exit code 1): x"
    assert (web.ref(app), web.objects(app), web.pending(app)) == ("", [], [])
    assert states(web, app) == [BuildState.FAILED]


def test_git_names_the_step_that_failed_and_no_line_out_of_the_middle_of_its_output(web):
    app, source = web.new_app(), web.source("long")
    failure = BuildFailed("Running .stratum/pre-build", "", 7, "Mend it.", ["line 11", "line 12"])
    builder = FakeBuilder(web)
    builder.state, builder.error = BuildState.FAILED, str(failure)

    with builder:
        pushed = run_git(source, "push", GATE, web.url(app), "master")

    (reason,) = re.findall(r"! \[remote rejected\] master -> master \((.+)\)", pushed.said)
    assert reason == "build #1 failed: Running .stratum/pre-build failed (exit code 7)"


def test_app_may_gate_every_push(web):
    app, source = web.new_app(), web.source("setting")
    with web.db.write() as tx:
        tx.execute(update(apps).where(apps.c.id == app.id).values(gate="build"))
    builder = FakeBuilder(web)
    builder.state = BuildState.FAILED

    with builder:
        refused = run_git(source, "push", web.url(app), "master")
        stored = run_git(source, "push", web.url(app), "master:topic")

    assert (refused.code, stored.code) == (1, 0)
    assert web.ref(app, "refs/heads/topic") == git(source, "rev-parse", "HEAD")


def test_objects_are_kept_for_the_builder_until_the_ref_moves(web):
    """The commit can be read from the spool while the repository lacks it."""
    app, source = web.new_app(), web.source("spooled")
    found: list[str] = []

    def work(log):
        if web.builds(app)[0].push_id is None:
            spool = str(web.instance.layout.spool(app.id, 1))
            commit_id = web.builds(app)[0].commit
            found.append(git(web.repo(app), "cat-file", "-t", commit_id, GIT_OBJECT_DIRECTORY=spool))
        log.step("Built")

    with FakeBuilder(web, work):
        assert run_git(source, "push", GATE, web.url(app), "master").code == 0

    assert found == ["commit"]


def test_others_may_push_meanwhile_and_the_gated_one_then_comes_too_late(web, tmp_path):
    app, source = web.new_app(), web.source("overtaken")
    with FakeBuilder(web):
        run_git(source, "push", web.url(app), "master")
    run_git(tmp_path, "clone", web.url(app), "copy")
    commit(source, {"mine": "1"})
    yours = commit(tmp_path / "copy", {"yours": "1"})
    building, go_on = threading.Event(), threading.Event()

    def work(log):
        if web.builds(app)[1].state is BuildState.RUNNING:
            building.set()
            assert go_on.wait(60)

    with FakeBuilder(web, work), started_git(source, "push", GATE, web.url(app), "master") as gated:
        assert building.wait(60)
        other = run_git(tmp_path / "copy", "push", "--push-option=detach", "origin", "master")
        go_on.set()
        said = gated.communicate(timeout=60)[0].decode()
        wait_until(lambda: states(web, app)[1:] == [BuildState.CANCELED, BuildState.SUCCEEDED])

    assert (other.code, gated.returncode) == (0, 1)
    assert "(master has moved since you looked: somebody else pushed to it)" in said
    assert web.ref(app) == yours


def test_pusher_who_leaves_moves_no_ref_and_the_build_is_given_up(web):
    app, source = web.new_app(), web.source("left")
    building, go_on = threading.Event(), threading.Event()

    def work(log):
        building.set()
        assert go_on.wait(60)

    with FakeBuilder(web, work):
        with started_git(source, "push", GATE, web.url(app), "master") as process:
            assert building.wait(60)
            end(process)
        wait_until(lambda: not list((web.repo(app) / "objects").glob("tmp_objdir-*")))
        go_on.set()
        wait_until(lambda: states(web, app) == [BuildState.CANCELED])

    assert (web.ref(app), web.pending(app)) == ("", [])


def test_gated_push_of_what_is_there_already_needs_no_objects(web):
    """The commit came with another branch: the quarantine is empty."""
    app, source = web.new_app(), web.source("stored-first")
    with FakeBuilder(web):
        run_git(source, "push", web.url(app), "master:topic")
        pushed = run_git(source, "push", GATE, web.url(app), "master")

    assert pushed.code == 0, pushed.said
    newest = web.newest(app)
    assert newest is not None
    assert newest.state is PushState.ACCEPTED


def test_gated_and_detached_returns_with_the_result_of_the_gate(web):
    app, source = web.new_app(), web.source("gated-detached")

    with FakeBuilder(web):
        pushed = run_git(source, "push", GATE, "--push-option=detach", web.url(app), "master")
        wait_until(lambda: states(web, app) == [BuildState.SUCCEEDED])

    assert pushed.code == 0
    assert web.ref(app) == git(source, "rev-parse", "HEAD")


def test_client_without_side_band_waits_as_well(web):
    from tests.rawgit import first_push, post

    app, source = web.new_app(), web.source("no-band")
    body = first_push(source, caps="report-status push-options")
    head, _, pack = body.partition(b"0000PACK")

    with FakeBuilder(web):
        answer = post(web, app, head + b"0000" + b"000egate=build" + b"0000PACK" + pack)
        wait_until(lambda: states(web, app) == [BuildState.SUCCEEDED])

    assert answer.packets == [b"unpack ok\n", b"ok refs/heads/master\n", b""]
