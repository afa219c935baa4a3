"""Pushers who wait for a build that somebody gives up."""

import threading

import pytest

from stratum.client import Server
from stratum.model import BuildState
from stratum.store import builds
from tests.gitweb import FakeBuilder, run_git, served, started_git
from tests.waiting import found, wait_until

pytestmark = pytest.mark.integration

GATE = "--push-option=gate=build"


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started:
        yield started


def cancel(web, app):
    server = Server.at(f"http://127.0.0.1:{web.port}", web.secret)
    return server.app(app.environment.name, app.name).cancel_build(1)


def states(web, app):
    return [build.state for build in web.builds(app)]


def test_who_follows_a_queued_build_is_told_and_the_push_stays(web):
    app, source = web.new_app(), web.source("queued")

    with started_git(source, "push", web.url(app), "master") as push:
        wait_until(lambda: states(web, app) == [BuildState.QUEUED])
        assert cancel(web, app)["status"] == "canceled"
        said = push.communicate(timeout=60)[0].decode()

    assert push.returncode == 0
    assert "Build canceled: admin asked for it." in said
    assert web.ref(app)


def test_a_gated_push_whose_build_is_given_up_is_refused(web):
    app, source = web.new_app(), web.source("gated")

    with started_git(source, "push", GATE, web.url(app), "master") as push:
        wait_until(lambda: states(web, app) == [BuildState.QUEUED])
        cancel(web, app)
        said = push.communicate(timeout=60)[0].decode()

    assert push.returncode == 1
    assert "master -> master (build #1 canceled: admin asked for it)" in said
    assert (web.ref(app), web.objects(app), web.pending(app)) == ("", [], [])
    assert found(web.instance.layout.spools, "*/*") == []


def test_a_gated_push_is_refused_when_the_build_that_runs_for_it_is_given_up(web):
    app, source = web.new_app(), web.source("running")
    building, go_on = threading.Event(), threading.Event()

    def work(log):
        building.set()
        assert go_on.wait(60)

    with FakeBuilder(web, work), started_git(source, "push", GATE, web.url(app), "master") as push:
        assert building.wait(60)
        assert cancel(web, app)["status"] == "running"
        go_on.set()
        said = push.communicate(timeout=60)[0].decode()

    assert push.returncode == 1
    assert "(build #1 canceled: admin asked for it)" in said
    assert web.ref(app) == ""


def test_a_gated_build_given_up_once_it_is_built_is_not_released(web):
    """Between its end and the moment in which the ref would move."""
    app, source = web.new_app(), web.source("built")
    web.arm("receive.built")

    with FakeBuilder(web), started_git(source, "push", GATE, web.url(app), "master") as push:
        web.reached("receive.built")
        assert states(web, app) == [BuildState.WAITING]
        assert cancel(web, app)["status"] == "canceled"
        web.go("receive.built")
        said = push.communicate(timeout=60)[0].decode()

    assert push.returncode == 1
    assert "(build #1 canceled: admin asked for it)" in said
    assert (web.ref(app), web.pending(app)) == ("", [])
    with web.db.read() as tx:
        assert builds.orphans(tx) == []


def test_a_build_is_built_again_and_a_repeated_push_follows_nothing_old(web):
    app, source = web.new_app(), web.source("again")
    with started_git(source, "push", web.url(app), "master") as push:
        wait_until(lambda: states(web, app) == [BuildState.QUEUED])
        cancel(web, app)
        push.communicate(timeout=60)
    server = Server.at(f"http://127.0.0.1:{web.port}", web.secret)
    remote = server.app(app.environment.name, app.name)

    assert remote.retry_build(1) == {"changed": True, "build": 2}
    with FakeBuilder(web):
        wait_until(lambda: states(web, app) == [BuildState.CANCELED, BuildState.SUCCEEDED])

    assert run_git(source, "push", web.url(app), "master").code == 0
