"""The reconciler on a real supervisord: what went away comes back, what should not be there goes."""

import os
import signal
import subprocess
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from runner import jobs
from runner.engines.supervisord import descriptions
from runner.reconciler import Reconciler
from runner.recover import Recovery
from stratum.model import App, BuildState, RolloutState
from stratum.ownership import exclusive, this_process
from stratum.store import builds, environments, formation, releases, rollouts
from tests.fakes import FakeNudges
from tests.stage import RUN_WEB, Stage, marked
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"


def reconciler(stage: Stage) -> tuple[Reconciler, FakeNudges]:
    nudges = FakeNudges()
    return Reconciler(stage.parts, Recovery(stage.parts, nudges)), nudges


def mine(stage: Stage, app: App) -> dict[str, int | None]:
    return {name.split(".", 2)[2]: pid for name, pid in stage.pids().items() if f".{app.name}." in name}


def answer(stage: Stage, app: App) -> tuple[int, str]:
    """Ask right after a change of routes, when Caddy closes what it has not begun to answer."""
    try:
        return stage.get(app)
    except OSError as error:
        return 0, str(error)


def test_what_is_as_wished_is_left_alone(stage: Stage, app: App) -> None:
    stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=1, worker=1)
    before = stage.pids()
    loop, nudges = reconciler(stage)
    loop.once()
    loop.once()
    assert stage.pids() == before
    assert (nudges.builds, nudges.rollouts) == ([], [])


def test_an_operators_stop_is_undone_and_a_restart_respected(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=2)
    first = mine(stage, app)
    loop, _ = reconciler(stage)
    name = f"MyProdEnv.{app.name}.v1.worker.1"

    assert "stopped" in stage.ctl("stop", name)
    loop.once()
    settled = [loop.is_settled]
    second = mine(stage, app)
    assert second["v1.worker.1"] not in {None, first["v1.worker.1"]}
    assert second["v1.worker.2"] == first["v1.worker.2"]

    stage.ctl("restart", name)
    third = mine(stage, app)
    loop.once()
    assert [*settled, loop.is_settled] == [False, True]
    assert mine(stage, app) == third


def test_what_belongs_to_no_process_is_ended_and_told(
    stage: Stage, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    name = f"MyProdEnv.{app.name}.v1.worker.9"
    mark, home = f"{stage.layout.instance_id}/{name}", stage.layout.release(app.id, 1)
    fence = stage.instance.fence
    uid = str(fence.app_uid(app.id))
    become = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"] if fence.fenced else ["env"]
    environment = {"PATH": os.environ["PATH"], "STRATUM_PROCESS": mark, "HOME": str(home)}
    stray = subprocess.Popen([*become, "sleep", "1000"], env=environment, start_new_session=True)
    wait_until(lambda: Path(f"/proc/{stray.pid}/cmdline").read_bytes().startswith(b"sleep"))
    kept = mine(stage, app)

    reconciler(stage)[0].once()

    assert stray.wait(30) == -signal.SIGKILL
    assert mine(stage, app) == kept
    told = f"ended what belongs to no process of MyProdEnv/{app.name}: pid {stray.pid} of {name}"
    assert told in caplog.messages


def test_what_a_rollout_ends_of_them_is_told_as_well(
    stage: Stage, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that throws off its mark right after its start is gone before any look for strays."""
    if not stage.instance.fence.fenced:
        pytest.skip("of an ordinary user nothing but the mark tells whose it is")
    stage.deploy(app, {"worker": f"env -i setsid -f sleep 1000; {SLEEP}"}, worker=1)

    assert f"ended what belongs to no process of MyProdEnv/{app.name}: pid " in caplog.text


def test_sections_of_another_release_and_missing_descriptions_are_mended(
    stage: Stage, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    from runner.engines.supervisord.rpc import Wanted

    kept = mine(stage, app)
    description = stage.layout.description(f"MyProdEnv.{app.name}.v1.worker.1")
    surplus = stage.layout.description(f"MyProdEnv.{app.name}.v9.worker.1")
    surplus.write_bytes(description.read_bytes())
    stage.sections.add([Wanted("MyProdEnv", app.name, app.id, 9, "worker", 1)])
    description.unlink()

    reconciler(stage)[0].once()

    assert f"MyProdEnv.{app.name}.v9.worker.1 of MyProdEnv/{app.name}" in caplog.text
    assert mine(stage, app) == kept
    assert description.exists()
    assert not surplus.exists()


def test_of_a_description_whose_writer_was_killed_nothing_is_left(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the app's variables in clear."""

    class Killed(BaseException): ...

    def described() -> list[str]:
        return [path.name for path in stage.layout.descriptions.iterdir() if f".{app.name}." in path.name]

    stage.deploy(app, {"worker": SLEEP}, worker=1)
    (name,) = described()

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Path, "rename", Mock(side_effect=Killed))
        descriptions._put(stage.layout, name.removesuffix("1") + "2", b"SECRET=1")
    reconciler(stage)[0].end_strays()

    assert described() == [name]


def test_a_killed_supervisord_leaves_nothing_and_everything_comes_back(stage: Stage, app: App) -> None:
    """Also what sheds its session: pdeathsig reaches only the process that supervisord has started."""
    stage.deploy(app, {"web": RUN_WEB, "worker": f"setsid -f sleep 1000; {SLEEP}"}, web=1, worker=1)
    wait_until(lambda: len(marked(stage, f"MyProdEnv.{app.name}.v1.worker")) == 2)
    old = marked(stage, f"MyProdEnv.{app.name}.")

    stage.kill()
    for file in stage.layout.descriptions.iterdir():  # as after a reboot
        file.unlink()
    stage.start(router=True)
    reconciler(stage)[0].once()

    wait_until(lambda: len(marked(stage, f"MyProdEnv.{app.name}.v1.worker")) == 2)
    assert not set(old) & set(marked(stage, ""))
    wait_until(lambda: stage.get(app)[0] == 200)
    assert mine(stage, app).keys() == {"v1.web.1", "v1.worker.1"}


def test_what_a_crashed_process_has_set_loose_is_ended_and_told(
    stage: Stage, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    stage.deploy(app, {"worker": f"setsid -f sleep 1000; {SLEEP}"}, worker=1)
    name = f"MyProdEnv.{app.name}.v1.worker.1"
    wait_until(lambda: len(marked(stage, name)) == 2)
    loop, _ = reconciler(stage)
    loop.once()
    pid, former = stage.pids()[name], marked(stage, name)
    assert pid

    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: stage.pids()[name] not in {None, pid} and len(marked(stage, name)) == 3)
    loop.once()

    assert len(marked(stage, name)) == 2
    assert not set(former) & set(marked(stage, name))
    (orphan,) = set(former) - {pid}
    told = f"ended what belongs to no process of MyProdEnv/{app.name}: pid {orphan} of {name}"
    assert told in caplog.messages


def test_a_port_that_somebody_else_took_is_exchanged(stage: Stage, app: App) -> None:
    import socket

    done = stage.deploy(app, {"web": RUN_WEB}, web=1)
    port = done.report[0].port
    stage.ctl("stop", f"MyProdEnv.{app.name}.v1.web.1")
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        reconciler(stage)[0].once()
        wait_until(lambda: stage.get(app)[0] == 200)
    with stage.parts.database.read() as tx:
        assert port not in formation.ports_of(tx, app.id).values()


@pytest.mark.skipif(os.getuid() != 0, reason="unfenced apps are one account")
def test_a_port_that_another_app_takes_over_is_guarded(stage: Stage, app: App) -> None:
    """Its requests, with their cookies, go to nobody until it listens on a port of its own again."""
    thief = stage.app(f"{app.name}-thief")
    die_for_good = f"[ -e $HOME/die ] && exit 1; {RUN_WEB}"
    port = stage.deploy(app, {"web": die_for_good}, web=1).report[0].port
    (stage.layout.release(app.id, 1) / "die").touch()
    pid = stage.pids()[f"MyProdEnv.{app.name}.v1.web.1"]
    assert pid
    os.kill(pid, signal.SIGKILL)
    stage.deploy(thief, {"worker": f"export PORT={port}; {RUN_WEB}"}, worker=1)
    stolen = f"v1 {mine(stage, thief)['v1.worker.1']}"
    wait_until(lambda: answer(stage, app) == (200, stolen))

    loop, _ = reconciler(stage)
    loop.guard()
    wait_until(lambda: answer(stage, app) == (503, "This app has no web process running.\n"))

    (stage.layout.release(app.id, 1) / "die").unlink()
    loop.once()
    wait_until(lambda: answer(stage, app) == (200, f"v1 {mine(stage, app)['v1.web.1']}"))
    with stage.parts.database.read() as tx:
        assert port not in formation.ports_of(tx, app.id).values()
    before = stage.pids()
    loop.once()
    assert stage.pids() == before


def test_a_crashed_web_is_waited_for(stage: Stage, app: App) -> None:
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    name = f"MyProdEnv.{app.name}.v1.web.1"
    wait_until(lambda: stage.statuses()[name].state == "RUNNING")
    pid = stage.pids()[name]
    assert pid
    os.kill(pid, signal.SIGKILL)
    status, text = stage.get(app)
    assert (status, text != f"v1 {pid}") == (200, True)


def test_routes_are_loaded_again_when_caddy_has_lost_them(stage: Stage, app: App) -> None:
    from runner.router import admin

    stage.deploy(app, {"web": RUN_WEB}, web=1)
    bare = b'{"admin": {"listen": "unix/%s|0660"}}' % str(stage.layout.router_socket).encode()
    admin.load(stage.layout.router_socket, bare)
    reconciler(stage)[0].once()
    assert stage.get(app)[0] == 200


def test_a_killed_caddy_comes_back_with_all_routes(stage: Stage, app: App) -> None:
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    (pid,) = (int(line.split()[3].rstrip(",")) for line in stage.ctl("status", "_router").splitlines())
    os.kill(pid, signal.SIGKILL)
    done = stage.deploy(app, {"web": RUN_WEB})
    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "")
    assert stage.get(app) == (200, f"v2 {mine(stage, app)['v2.web.1']}")


def test_what_dead_workers_held_is_queued_again_and_nudged(stage: Stage, app: App) -> None:
    dead = subprocess.Popen(["true"])
    gone = f"{dead.pid}:1"
    dead.wait()
    with stage.parts.database.write() as tx:
        build = builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
        assert builds.claim_next(tx, app.id, gone)
        rollout = rollouts.add_rollout(tx, app.id, cause="scale", who="test")
        assert rollouts.claim_next(tx, app.id, gone)
    loop, nudges = reconciler(stage)

    with exclusive(stage.parts.build_lock(app.id)):  # a fork of the dead one still builds
        loop.once()
    assert (nudges.builds, nudges.rollouts) == ([], [app.id])
    loop.once()
    assert nudges.builds == [app.id]
    with stage.parts.database.read() as tx:
        assert builds.get_build(tx, build.id).state == "queued"
        assert rollouts.get_rollout(tx, rollout.id).state == "queued"
    stage.apply(app, rollout)
    with stage.parts.database.write() as tx:
        claimed = builds.claim_next(tx, app.id, this_process())
        assert claimed
    loop.once()
    with stage.parts.database.write() as tx:
        assert builds.get_build(tx, build.id).state == "running"
        builds.finish(tx, claimed, BuildState.CANCELED)


def test_forgotten_work_is_nudged_not_too_often(stage: Stage, app: App) -> None:
    loop, nudges = reconciler(stage)
    loop.recover()  # what waits at the first look is nudged at once
    with stage.parts.database.write() as tx:
        rollout = rollouts.add_rollout(tx, app.id, cause="scale", who="test")
    loop.recover()
    assert nudges.rollouts == []
    time.sleep(1.1)
    loop.recover()
    loop.recover()
    assert nudges.rollouts == [app.id]
    assert stage.apply(app, rollout).state is RolloutState.SUCCEEDED


def test_a_destroyed_app_is_gone_with_all_it_had(stage: Stage, app: App) -> None:
    stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=1, worker=1)
    repo = stage.layout.repo(app.id)
    repo.mkdir()
    with stage.parts.database.write() as tx:
        environments.mark_destroying(tx, app.id)

    reconciler(stage)[0].once()
    with stage.parts.database.read() as tx:
        (queued,) = rollouts.in_state(tx, RolloutState.QUEUED)
    assert (queued.app_id, queued.cause) == (app.id, "destroy")
    jobs.apply_queued(stage.parts, app.id)

    with stage.parts.database.read() as tx:
        assert environments.get_app(tx, app.id) is None
        assert app.id not in formation.routes(tx)
        assert list(releases.newest_first(tx, app.id)) == []
    assert mine(stage, app) == {}
    assert stage.get(app) == (404, "There is no app at this address.\n")
    layout = stage.layout
    folders = [repo, layout.release(app.id, 1).parent, layout.slug(app.id, "x").parent, layout.cache(app.id)]
    folders += [layout.process_log(app.id, "x").parent]
    assert [path for path in folders if path.exists()] == []
    assert not [path for path in layout.descriptions.iterdir() if f".{app.name}." in path.name]


def test_one_failing_app_stops_no_other(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    broken = stage.app("a-broken-one")
    stage.deploy(broken, {"worker": SLEEP}, worker=1)
    for one in (app, broken):
        stage.ctl("stop", f"MyProdEnv.{one.name}.v1.worker.1")
    home = stage.layout.release(broken.id, 1).parent
    away = Path(f"{home}.away")
    home.rename(away)
    home.symlink_to("/nonexistent")
    reconciler(stage)[0].once()
    assert mine(stage, app)["v1.worker.1"]
    home.unlink()
    away.rename(home)
    reconciler(stage)[0].once()
    assert mine(stage, broken)["v1.worker.1"]
