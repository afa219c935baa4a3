"""Builds given up while a real builder works on them: nothing of them goes on, and the next begins."""

import os
import signal
import subprocess
import sys

import pytest

from builder.pipeline import make_slug
from runner.apply.parts import Parts
from runner.reconciler import Reconciler
from runner.recover import Recovery
from stratum.errors import BuildFailed
from stratum.model import App, Build, BuildState
from stratum.ownership import is_free
from stratum.store import builds, environments
from stratum.verbs import build as verbs
from tests.integration.test_builder_killed import CHECKOUT, POINTS, builder, kill, processes_naming
from tests.waiting import wait_until
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

SAID = " !     Build canceled: me asked for it.\n"
# Leaves its session, its parents and its environment, as what wants to outlive a build does.
FLEES = {
    "Procfile": "web: x\n",
    "requirements.txt": "./flees\n",
    "flees/pyproject.toml": '[project]\nname = "flees"\nversion = "1"\n'
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    "flees/backend.py": """
import os, pathlib, subprocess, sys, time

def build_wheel(folder, config_settings=None, metadata_directory=None):
    mark = os.environ["MARK"]
    sleep = f"import time; open({mark!r}, 'w').close(); time.sleep(600)"
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-c", sleep, mark], {})
        os._exit(0)
    time.sleep(600)
""",
}


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    made = Yard.make(fenced=request.param)
    yield made
    made.remove()


def cancel(yard: Yard, app: App, number: int = 1) -> Build:
    with yard.shop.db.write() as tx:
        return verbs.cancel(tx, app, number, who="me")


def first(yard: Yard, app: App) -> Build:
    return yard.builds(app)[-1]


def check_nothing_is_left(yard: Yard, app: App, end: "subprocess.Popen[bytes]") -> None:
    """Called as soon as the build is seen to be canceled."""
    scratch = str(yard.layout.build(app.id, 1))
    wait_until(
        lambda: processes_naming(scratch) == []
    )  # what a finished build leaves is removed beside its end
    assert end.wait(timeout=60) == 0
    ended = first(yard, app)
    assert (ended.state, ended.error, ended.release_id) == (BuildState.CANCELED, "me asked for it.", None)
    assert yard.log(ended).endswith(SAID)
    assert yard.scratch(app) == []
    assert processes_naming(str(yard.layout.data)) == []


def test_a_build_that_is_given_up_while_it_installs_ends_and_the_next_begins(yard: Yard):
    app = yard.app(FLEES)
    mark = yard.meeting(app) / "mark"
    yard.set_variables(app, MARK=str(mark))
    yard.push(app, {"requirements.txt": ""})
    working = builder(yard, app.id)
    wait_until(mark.exists, timeout=30)
    assert processes_naming(str(mark))

    asked = cancel(yard, app)

    assert asked.state is BuildState.RUNNING
    wait_until(lambda: first(yard, app).state is BuildState.CANCELED)
    assert processes_naming(str(mark)) == []
    check_nothing_is_left(yard, app, working)
    assert [one.state for one in yard.builds(app)] == [BuildState.SUCCEEDED, BuildState.CANCELED]


@pytest.mark.parametrize("point", [one for one in POINTS if one != "build.released"])
def test_a_build_that_is_given_up_at_any_point_leaves_nothing(yard: Yard, point: str):
    app = yard.app({"Procfile": "web: x\n", "requirements.txt": ""})
    faults = yard.folder / "faults"
    faults.mkdir()
    (faults / point).touch()
    working = builder(yard, app.id, STRATUM_FAULTS_DIR=str(faults))
    wait_until((faults / f"{point}.reached.pid").exists, timeout=30)

    cancel(yard, app)
    (faults / f"{point}.go").touch()

    wait_until(lambda: first(yard, app).state.is_terminal)
    check_nothing_is_left(yard, app, working)
    assert yard.releases(app) == []
    assert list(yard.layout.slugs.glob("*/*")) == []


def test_a_build_that_is_given_up_before_its_builder_first_looks_ends_at_once(yard: Yard):
    """Not with the next renewal of its lease, seconds later."""
    app = yard.app(FLEES)
    yard.set_variables(app, MARK=str(yard.meeting(app) / "mark"))
    point = yard.folder / "faults" / "build.claimed"
    point.parent.mkdir()
    point.touch()
    code = f"from builder import jobs, lease; lease.RENEW_EVERY_S = 1000; jobs.run_builds({app.id})"
    env = {"PATH": os.environ["PATH"], "STRATUM_DATA": str(yard.layout.data)}
    env["STRATUM_FAULTS_DIR"] = str(point.parent)
    working = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, env=env)
    wait_until(point.with_name("build.claimed.reached.pid").exists, timeout=30)

    cancel(yard, app)
    point.with_name("build.claimed.go").touch()

    wait_until(lambda: first(yard, app).state is BuildState.CANCELED, timeout=60)
    assert working.wait(timeout=60) == 0


def test_a_build_that_is_released_can_no_longer_be_given_up(yard: Yard):
    app = yard.app("plain")
    yard.build(app)

    with pytest.raises(Exception, match="v1 of build 1 is being rolled out"):
        cancel(yard, app)

    assert yard.builds(app)[0].state is BuildState.SUCCEEDED


def test_a_build_given_up_between_its_end_and_its_release_is_not_released(yard: Yard, monkeypatch):
    app = yard.app("plain")

    def give_up(bench, app):
        slug = make_slug(bench, app)
        cancel(yard, app)
        return slug

    monkeypatch.setattr("builder.jobs.make_slug", give_up)

    ended = yard.build(app)

    assert (ended.state, ended.slug) == (BuildState.CANCELED, "")
    assert yard.log(ended).endswith(SAID)
    assert yard.releases(app) == []
    assert list(yard.layout.slugs.glob("*/*")) == []


def test_a_slug_that_a_release_has_outlives_a_build_of_the_same_that_is_given_up(yard: Yard, monkeypatch):
    app = yard.app("plain")
    yard.build(app)
    yard.push(app, {})

    def give_up(bench, app):
        slug = make_slug(bench, app)
        cancel(yard, app, 2)
        return slug

    monkeypatch.setattr("builder.jobs.make_slug", give_up)

    assert yard.build(app).state is BuildState.CANCELED
    assert yard.shop.door.has_slug(app.id, yard.releases(app)[0].slug)


def test_a_build_that_fails_in_the_moment_in_which_it_is_given_up_is_given_up(yard: Yard, monkeypatch):
    """A retry of one that failed by itself would change scales that its successor has changed."""
    app = yard.app("plain")

    def fail(bench, app):
        cancel(yard, app)
        raise BuildFailed("The build", "has a fault.")

    monkeypatch.setattr("builder.jobs.make_slug", fail)

    ended = yard.build(app)
    assert (ended.state, ended.error) == (BuildState.CANCELED, "me asked for it.")
    assert yard.log(ended).endswith(SAID)


def test_a_build_whose_app_is_destroyed_is_told_so_and_nothing_of_a_step_that_was_killed(
    yard: Yard, monkeypatch
):
    app = yard.app("plain")

    def destroyed(bench, app):
        with yard.shop.db.write() as tx:
            environments.mark_destroying(tx, app.id)
        raise BuildFailed("Installing", "", 137, "Ask for more memory.", ["one"])

    monkeypatch.setattr("builder.jobs.make_slug", destroyed)

    build = yard.build(app)
    assert (build.state, build.error) == (BuildState.CANCELED, "The app is being destroyed.")
    assert yard.log(build) == " !     Build canceled: The app is being destroyed.\n"


def test_a_build_that_leaves_much_is_given_up_before_it_is_erased(yard: Yard, monkeypatch):
    app = yard.app("plain")
    door, found, made = yard.shop.door, [], []

    def give_up(bench, app):
        made.append(make_slug(bench, app))
        cancel(yard, app)
        raise BuildFailed("The build", "is given up.")

    def erase(self, app_id):
        found.append((first(yard, app).state, [path.name for path in yard.scratch(app)]))
        monkeypatch.undo()
        return door.erase_left(app_id)

    monkeypatch.setattr("builder.jobs.make_slug", give_up)
    monkeypatch.setattr("builder.bench.Bench.is_called_off", True)
    monkeypatch.setattr("stratum.door.folders.AT_ONCE_S", 0)
    monkeypatch.setattr("stratum.door.client.Door.erase_left", erase)

    yard.build(app)

    [(state, names)] = found
    assert state is BuildState.CANCELED
    slug, scratch = sorted(names, key=len, reverse=True)
    assert slug.startswith(f".left-{made[0].digest}-")
    assert scratch.startswith(".left-1-")
    assert yard.scratch(app) == []


@pytest.mark.parametrize("by", ["the next build", "the reconciler"])
def test_what_a_killed_builder_has_not_erased_goes_later(yard: Yard, monkeypatch, by: str):
    app = yard.app("plain")
    with monkeypatch.context() as killed:
        killed.setattr("stratum.door.folders.AT_ONCE_S", 0)
        killed.setattr("stratum.door.client.Door.erase_left", lambda *_: True)
        yard.build(app)
        assert [path.name.startswith(".left-1-") for path in yard.scratch(app)] == [True]

    if by == "the reconciler":
        parts = Parts.of(yard.shop.instance)
        Reconciler(parts, Recovery(parts, yard.shop.nudges)).erase_left()
    else:
        yard.push(app, {})
        assert yard.build(app).state is BuildState.SUCCEEDED
    assert yard.scratch(app) == []


def test_a_build_given_up_whose_builder_is_killed_is_not_built_again(yard: Yard):
    app = yard.app("build_waits")
    gate = yard.meeting(app) / "go"
    yard.set_variables(app, WAIT_FOR=str(gate))
    working = builder(yard, app.id)
    wait_until(gate.with_name("go.reached").exists, timeout=30)
    working.send_signal(signal.SIGSTOP)  # it does not see that it is given up
    cancel(yard, app)

    kill(working)
    wait_until(lambda: is_free(yard.layout.locks / f"build-{app.id}"))
    yard.give_back(app)

    assert yard.build(app).state is BuildState.CANCELED
    assert yard.scratch(app) == []


def test_a_push_ends_the_build_that_runs_where_the_app_says_so(yard: Yard):
    app = yard.app(FLEES)
    with yard.shop.db.write() as tx:
        environments.set_settings(tx, app.id, {"supersede_running": True})
    mark = yard.meeting(app) / "mark"
    yard.set_variables(app, MARK=str(mark))
    working = builder(yard, app.id)
    wait_until(mark.exists, timeout=30)

    newer = yard.push(app, {"requirements.txt": ""})
    with yard.shop.db.write() as tx:
        builds.supersede_queued(tx, newer)

    assert working.wait(timeout=60) == 0
    assert processes_naming(str(mark)) == []
    newest, older = yard.builds(app)
    assert (newest.state, older.state) == (BuildState.SUCCEEDED, BuildState.SUPERSEDED)
    command = f"stratum -E {app.environment.name} -A {app.name} builds follow 2"
    assert yard.log(older).endswith(f"-----> Superseded by #2, a newer push: {command}\n")
    assert yard.log(older).count("uperseded") == 1
