"""The builder on real git, uv and door: what a pusher reads, and what is left behind."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from builder import lease
from stratum.errors import BuildFailed
from stratum.model import App, Build, BuildState, RolloutState
from stratum.ownership import exclusive
from stratum.store import builds, environments, formation, rollouts
from tests.waiting import wait_until
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

UV = Path(sys.executable).with_name("uv")
WEB = {"Procfile": "web: python3 -m http.server $PORT\n"}


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    """A yard as an ordinary user has it, and as root has it."""
    made = Yard.make(fenced=request.param, build_timeout_s=60)
    yield made
    made.remove()


@pytest.fixture
def plain_yard():
    made = Yard.make(build_timeout_s=60)
    yield made
    made.remove()


def alive(*argv: str) -> bool:
    """Whether any process runs with exactly these arguments."""
    wanted = "\0".join(argv).encode() + b"\0"
    return any(_command(process) == wanted for process in Path("/proc").glob("[0-9]*"))


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_an_app_with_requirements_becomes_a_release(yard: Yard):
    app = yard.app("flask_celery")

    build = yard.build(app)

    (release,) = yard.releases(app)
    log = yard.log(build).splitlines()
    assert build.state is BuildState.SUCCEEDED
    assert build.release_id == release.id
    assert log[:2] == [
        "-----> Procfile: web, worker",
        "-----> Python app detected; installing 2 requirements",
    ]
    assert "        + flask==3.1.3" in log
    slug = yard.layout.slug(app.id, release.slug)
    said = subprocess.check_output([slug / ".venv/bin/python", "-c", "import flask, celery; print('ok')"])
    assert said == b"ok\n"
    assert yard.scratch(app) == []
    assert release.targets[0].command == "python web.py"
    assert release.cause == f"push {build.commit[:7]}"


def test_a_release_comes_with_its_rollout_and_a_formation(yard: Yard):
    app = yard.app("plain")

    build = yard.build(app)

    with yard.shop.db.read() as tx:
        rollout = rollouts.rollout_of_build(tx, build.id)
        wished = formation.get_formation(tx, app.id)
    assert rollout is not None
    assert rollout.state is RolloutState.QUEUED
    assert rollout.release_id == build.release_id
    assert wished.scales == {"web": 1, "worker": 0}
    assert yard.log(build) == "-----> Procfile: web, worker\n-----> No dependencies to install\n"


def test_scales_and_former_slugs_survive_the_next_build(yard: Yard):
    app = yard.app("plain")
    yard.build(app)
    with yard.shop.db.write() as tx:
        formation.set_scales(tx, app.id, {"web": 3})
    first = yard.layout.slug(app.id, yard.releases(app)[0].slug)

    yard.push(app, {"text": "changed"})
    yard.build(app)

    newest, _ = yard.releases(app)
    assert (yard.layout.slug(app.id, newest.slug) / "text").read_text() == "changed"
    assert (first / "text").read_text() == "plain\n"
    with yard.shop.db.read() as tx:
        assert formation.get_formation(tx, app.id).scales == {"web": 3, "worker": 0}


def test_the_stages_procfile_wins_and_warnings_are_shown(plain_yard: Yard):
    app = plain_yard.app({**WEB, "Procfile_staging": "clock: ./clock # hourly\n"}, stage="staging")

    log = plain_yard.log(plain_yard.build(app)).splitlines()

    assert log[0] == "-----> Procfile_staging: clock"
    assert log[1].startswith('       Procfile_staging:1:15: warning: " #" within a command is passed on')
    assert log[2:4] == ["          1 | clock: ./clock # hourly", "            |               ^"]


def test_packages_that_no_buildpack_installs_are_told(plain_yard: Yard):
    app = plain_yard.app({**WEB, "Gemfile": "gem 'puma'\n", "setup.py": ""})

    first = plain_yard.log(plain_yard.build(app))
    plain_yard.push(app, {"requirements.txt": ""})
    second = plain_yard.log(plain_yard.build(app))

    url = "https://github.com/heroku/heroku-buildpack-ruby"
    assert f"       warning: Gemfile: stratum vars set BUILDPACK_URL={url} names a buildpack for it" in first
    assert "       warning: setup.py: to have it installed, commit a requirements.txt" in first
    assert "Gemfile" not in second, "a buildpack was found"


def test_variables_that_nothing_sets_are_told_unless_a_script_may_set_them(plain_yard: Yard):
    app = plain_yard.app({"Procfile": "web: x $PORT $MODE\nworker: y $BROKER ${LEVEL:-1} $DYNO\n"})
    plain_yard.set_variables(app, MODE="fast")

    first = plain_yard.log(plain_yard.build(app))
    plain_yard.push(app, {".profile": "export BROKER=1\n"})
    second = plain_yard.log(plain_yard.build(app))

    assert first.count("warning:") == 1
    assert "       warning: worker uses $BROKER, which is not set, and gets nothing in its place." in first
    assert "warning:" not in second


def test_a_lock_is_installed(yard: Yard):
    project = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["six"]\n'
    app = yard.app({**WEB, "pyproject.toml": project})
    subprocess.run([UV, "lock", "--quiet", "--project", yard.folder / f"work-{app.id}"], check=True)
    with yard.shop.db.write() as tx:
        (queued,) = builds.in_state(tx, BuildState.QUEUED)
    yard.push(app, {})

    newest, first = yard.build(app), yard.builds(app)[1]

    assert first.id == queued.id
    assert "Run uv lock and commit uv.lock" in yard.log(first)
    assert "installing 1 requirement from uv.lock" in yard.log(newest)
    slug = yard.layout.slug(app.id, yard.releases(app)[0].slug)
    subprocess.run([slug / ".venv/bin/python", "-c", "import six"], check=True)


def test_a_requirement_that_does_not_exist_fails_the_build_and_nothing_else(yard: Yard):
    app = yard.app("plain")
    yard.build(app)
    before = yard.releases(app)
    with yard.shop.db.write() as tx:
        environments.set_current_release(tx, app.id, before[0].id)

    yard.push(app, "requirement_does_not_exist")
    build = yard.build(app)

    log = yard.log(build).splitlines()
    assert build.state is BuildState.FAILED
    assert build.error.startswith("Installing requirements.txt failed (exit code 1). Its last lines:\n")
    assert "there is no version of six==99.0" in build.error
    assert any("there is no version of six==99.0" in line for line in log)
    block = log[log.index(" !     Installing requirements.txt failed (exit code 1)") :]
    assert re.fullmatch(r" !     Its last \d+ lines:", block[1])
    assert any("there is no version of six==99.0" in line for line in block[2:-2])
    assert block[-2].startswith(" !     Where the message names a package: ")
    assert log[-1] == " !     v1 keeps running."
    assert yard.releases(app) == before
    assert (yard.layout.slug(app.id, before[0].slug) / "text").exists()
    assert yard.scratch(app) == []

    yard.push(app, {"requirements.txt": "six\n"})
    assert yard.build(app).state is BuildState.SUCCEEDED


def test_a_build_beyond_its_time_limit_is_ended(yard: Yard):
    app = yard.app("slow_build")
    limited = yard.reopened(build_timeout_s=2)

    build = limited.build(app)

    assert build.state is BuildState.FAILED
    assert " failed: the build took longer than 2 s and was ended." in build.error
    assert limited.log(build).splitlines()[-2:] == [
        " !     See what it waits for; an operator may raise STRATUM_BUILD_TIMEOUT_S.",
        " !     Nothing is running yet.",
    ]
    assert limited.scratch(app) == []


def test_nothing_that_a_build_has_started_outlives_it(yard: Yard):
    app = yard.app("build_leaves_a_process")
    yard.set_variables(app, DAEMON_SECONDS="98765")

    build = yard.build(app)

    assert build.state is BuildState.FAILED
    assert not alive("sleep", "98765")
    assert not alive("/bin/sleep", "98765")
    assert yard.scratch(app) == []


def test_a_log_that_takes_no_more_fails_the_build_and_the_record_says_why(plain_yard: Yard):
    app = plain_yard.app("plain")
    path = plain_yard.layout.build_log(app.id, 1)
    path.parent.mkdir()
    path.symlink_to("/dev/full")

    build = plain_yard.build(app)

    assert build.state is BuildState.FAILED
    assert build.error == (
        "Unpacking "
        f"{build.commit[:7]} failed: No space left on device "
        "The server's disk is full. Its operator has to make room; then push again."
    )
    assert plain_yard.releases(app) == []
    assert plain_yard.scratch(app) == []


def test_a_commit_that_git_cannot_read_fails_the_build(plain_yard: Yard):
    app = plain_yard.app("plain")
    with plain_yard.shop.db.write() as tx:
        builds.add_build(tx, app.id, "1" * 40, source="push", who="tester")

    build = plain_yard.build(app)

    assert build.state is BuildState.FAILED
    assert "Reading the Procfile failed" in build.error
    assert plain_yard.builds(app)[1].state is BuildState.SUCCEEDED


def test_paths_that_lead_out_of_the_tree_stay_inside(yard: Yard):
    app = yard.app(WEB)
    work = yard.folder / f"work-{app.id}"
    (work / "escape").symlink_to("../../../../../etc")
    yard.push(app, {})

    build = yard.build(app)

    assert build.state is BuildState.SUCCEEDED
    assert (yard.layout.slug(app.id, yard.releases(app)[0].slug) / "escape").is_symlink()


def test_variables_reach_what_installs_and_nothing_that_protects(yard: Yard):
    app = yard.app({**WEB, "requirements.txt": "./spy\n", **spy("HOME", "SECRET", "UV_CACHE_DIR")})
    yard.set_variables(app, SECRET="s3cr3t", UV_CACHE_DIR="/tmp/stolen")

    build = yard.build(app)

    scratch, cache = yard.layout.build(app.id, 1), yard.layout.cache(app.id)
    assert f"SEEN ['{scratch}/home', '[SECRET]', '{cache}/python/uv']" in yard.log(build)
    assert "s3cr3t" not in yard.log(build) + build.error


def spy(*names: str) -> dict[str, str]:
    """A package whose build shows variables, and fails."""
    head = '[project]\nname = "spy"\nversion = "1"\n'
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    shown = f"[os.environ.get(name) for name in {list(names)}]"
    show = f"    print('SEEN', {shown}, flush=True)\n    raise SystemExit(1)\n"
    body = f"import os\ndef build_wheel(*args):\n{show}"
    return {"spy/pyproject.toml": head + system, "spy/backend.py": body}


def in_background(yard: Yard, app: App) -> threading.Thread:
    thread = threading.Thread(target=yard.build, args=(app,))
    thread.start()
    return thread


def test_apps_build_in_parallel_and_the_builds_of_one_app_in_turn(plain_yard: Yard):
    yard = plain_yard
    one, other = yard.app("build_waits", name="one"), yard.app("build_waits", name="other")
    gates = {}
    for app in (one, other):
        gates[app.id] = yard.meeting(app) / f"go-{app.id}"
        yard.set_variables(app, WAIT_FOR=str(gates[app.id]))
    yard.push(one, WEB | {"requirements.txt": ""})

    threads = [in_background(yard, one), in_background(yard, other)]
    for gate in gates.values():
        wait_until(gate.with_name(f"{gate.name}.reached").exists, timeout=30)
    second = in_background(yard, one)
    second.join()
    states = [build.state for build in yard.builds(one)]
    for gate in gates.values():
        gate.touch()
    for thread in threads:
        thread.join()

    assert states == [BuildState.QUEUED, BuildState.RUNNING]
    assert [build.state for build in yard.builds(one)] == [BuildState.SUCCEEDED, BuildState.FAILED]
    newer, older = yard.builds(one)
    assert older.finished_at is not None
    assert newer.finished_at is not None
    assert older.finished_at < newer.finished_at


def test_a_build_that_another_holds_is_left_alone(plain_yard: Yard):
    app = plain_yard.app("plain")
    with exclusive(plain_yard.layout.locks / f"build-{app.id}") as held:
        assert held
        assert plain_yard.build(app).state is BuildState.QUEUED


def test_a_lost_build_records_nothing(plain_yard: Yard, monkeypatch):
    """The lease was lost unnoticed, between the last renewal and the record of the end."""
    app = plain_yard.app("plain")
    monkeypatch.setattr(lease, "LOOK_EVERY_S", 1000.0)

    def lose(build: Build) -> None:
        with plain_yard.shop.db.write() as tx:
            builds.give_back(tx, build)

    monkeypatch.setattr("builder.jobs.make_slug", losing(lose))
    build = plain_yard.build(app)

    assert build.state is BuildState.QUEUED
    assert plain_yard.releases(app) == []


def test_a_lost_build_that_fails_is_somebody_elses(plain_yard: Yard, monkeypatch, caplog):
    app = plain_yard.app("plain")
    monkeypatch.setattr(lease, "LOOK_EVERY_S", 1000.0)

    def lose_and_fail(bench, app):
        with plain_yard.shop.db.write() as tx:
            builds.give_back(tx, bench.build)
        raise BuildFailed("It", "no")

    monkeypatch.setattr("builder.jobs.make_slug", lose_and_fail)

    assert plain_yard.build(app).state is BuildState.QUEUED
    assert "build 1 of app 1 failed, and was lost to somebody else" in caplog.text


def losing(lose):
    from builder.pipeline import make_slug

    def wrapped(bench, app):
        slug = make_slug(bench, app)
        lose(bench.build)
        return slug

    return wrapped


def test_a_build_whose_builders_were_all_lost_fails(plain_yard: Yard):
    app = plain_yard.app("plain")
    for _ in range(builds.MAX_ATTEMPTS):
        with plain_yard.shop.db.write() as tx:
            assert builds.claim_next(tx, app.id, "1:1")
        plain_yard.give_back(app)

    build = plain_yard.build(app)

    assert build.state is BuildState.FAILED
    assert "builder lost" in build.error
    assert plain_yard.releases(app) == []


def test_an_error_of_ours_gets_a_number_that_the_operators_log_has_too(plain_yard: Yard, monkeypatch, caplog):
    def break_down(bench, app):
        raise ZeroDivisionError

    monkeypatch.setattr("builder.jobs.make_slug", break_down)
    app = plain_yard.app("plain")

    build = plain_yard.build(app)

    number = re.search(r"Internal error \((\w{8})\)", plain_yard.log(build))
    assert build.state is BuildState.FAILED
    assert number
    assert number[1] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_an_app_that_is_being_destroyed_gets_no_release(plain_yard: Yard):
    app = plain_yard.app("plain")
    with plain_yard.shop.db.write() as tx:
        environments.mark_destroying(tx, app.id)

    assert plain_yard.build(app).state is BuildState.CANCELED
    assert plain_yard.releases(app) == []
