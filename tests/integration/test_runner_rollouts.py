"""Rollouts on a real supervisord with the real plugin and door, through a real Caddy."""

import re
import threading

import pytest

from stratum.model import App, Build, Outcome, ReleaseState, RolloutState
from stratum.store import builds, formation, releases, rollouts
from stratum.variables import GIVEN
from tests.routed import visited
from tests.stage import RUN_WEB, SHARED, Stage, marked, outcomes
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

LISTEN = (
    "Have it listen on 127.0.0.1 or all addresses, on the port that the variable PORT names; where it needs "
    "longer to start, an operator may raise STRATUM_WEB_START_TIMEOUT_S."
)
SLEEP = "exec sleep 1000"


def with_build(stage: Stage, app: App) -> Build:
    with stage.parts.database.write() as tx:
        return builds.add_build(tx, app.id, "c" * 40, source="push", who="test")


def log_of(stage: Stage, build: Build) -> str:
    return stage.layout.build_log(build.app_id, build.number).read_text()


def test_first_release_comes_up_and_is_served(stage: Stage, app: App) -> None:
    build = with_build(stage, app)
    _, queued = stage.release(
        app, {"web": RUN_WEB, "worker": SLEEP}, scales={"web": 1, "worker": 1}, build_id=build.id
    )
    done = stage.apply(app, queued)

    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "")
    assert outcomes(done) == {"v1.web.1": Outcome.STARTED, "v1.worker.1": Outcome.STARTED}
    web, worker = done.report
    assert stage.get(app) == (200, f"v1 {web.pid}")
    assert stage.version(app) == 1
    host = app.host("localhost")
    seconds = rf"{web.seconds:.1f}"
    assert log_of(stage, build) == (
        "-----> Released v1\n"
        f"-----> web.1 up on port {web.port} (pid {web.pid}) after {seconds} s\n"
        f"-----> worker.1 started (pid {worker.pid})\n"
        f"       http://{host}:{stage.instance.port}\n"
    )


def test_next_release_overlaps_web_and_loses_no_request(stage: Stage, app: App) -> None:
    stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=2, worker=1)
    with visited(stage, app) as answers:
        slow = threading.Thread(target=lambda: answers.append(stage.get_once(app, "/slow")))
        slow.start()
        done = stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP})
    slow.join()

    assert {status for status, _ in answers} == {200}
    assert {text[:2] for _, text in answers} == {"v1", "v2"}
    assert outcomes(done) == {
        "v2.web.1": Outcome.STARTED,
        "v2.web.2": Outcome.STARTED,
        "v1.worker.1": Outcome.STOPPED,
        "v2.worker.1": Outcome.STARTED,
        "v1.web.1": Outcome.STOPPED,
        "v1.web.2": Outcome.STOPPED,
    }
    notes = {line.note for line in done.report if line.outcome is Outcome.STOPPED}
    assert notes == {"ended by SIGTERM"}
    assert len(stage.parts.engine.status(app)) == 3
    with stage.parts.database.read() as tx:
        assert len(formation.ports_of(tx, app.id)) == 2
        states = [release.state for release in list(releases.newest_first(tx, app.id))]
    assert states == [ReleaseState.LIVE, ReleaseState.RETIRED]
    names = [path.name for path in stage.layout.descriptions.iterdir() if f".{app.name}." in path.name]
    assert sorted(names) == [f"MyProdEnv.{app.name}.v2.{one}" for one in ("web.1", "web.2", "worker.1")]


def test_scaling_keeps_every_other_pid(stage: Stage, app: App) -> None:
    first = stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=1, worker=1)
    pids = {line.name: line.pid for line in first.report}

    up = stage.apply(app, stage.scale(app, worker=3, web=2))

    assert outcomes(up) == {
        "v1.web.1": Outcome.KEPT,
        "v1.web.2": Outcome.STARTED,
        "v1.worker.1": Outcome.KEPT,
        "v1.worker.2": Outcome.STARTED,
        "v1.worker.3": Outcome.STARTED,
    }
    assert pids.items() <= stage.pids().items()
    assert len({stage.get(app)[1] for _ in range(20)}) == 2

    down = stage.apply(app, stage.scale(app, worker=1, web=1))
    stopped = [line.name.split(".", 3)[3] for line in down.report if line.outcome is Outcome.STOPPED]
    assert stopped == ["worker.3", "worker.2", "web.2"]
    assert pids.items() <= stage.pids().items()
    assert {stage.get(app)[1] for _ in range(10)} == {f"v1 {pids[f'MyProdEnv.{app.name}.v1.web.1']}"}


def test_scaling_web_to_none_says_so_to_visitors(stage: Stage, app: App) -> None:
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    stage.apply(app, stage.scale(app, web=0))
    assert stage.get(app) == (503, "This app has no web process running.\n")


def test_command_that_exits_at_once_fails_the_rollout_with_its_output(stage: Stage, app: App) -> None:
    stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=1, worker=1)
    before = stage.pids()
    build = with_build(stage, app)
    failing = "for i in $(seq 30); do echo line $i; done; exit 3"
    _, queued = stage.release(app, {"web": RUN_WEB, "worker": failing}, build_id=build.id)

    done = stage.patient().apply(app, queued)

    assert done.state is RolloutState.FAILED
    advice = "See what it printed: stratum logs -t worker; mend it, and try again."
    assert re.fullmatch(rf"worker\.1 did not come up: exit status 3 after \d+\.\d s\. {advice}", done.error)
    failed = next(line for line in done.report if line.outcome is Outcome.FAILED)
    assert failed.output == tuple(f"line {i}" for i in range(11, 31))
    assert outcomes(done) == {
        "v2.web.1": Outcome.STOPPED,
        "v2.worker.1": Outcome.FAILED,
        "v1.worker.1": Outcome.RESTARTED,
        "v1.web.1": Outcome.KEPT,
    }
    restarted = next(line for line in done.report if line.outcome is Outcome.RESTARTED)
    after = stage.pids()
    assert after[restarted.name] == restarted.pid
    assert after.keys() == before.keys()
    web = f"MyProdEnv.{app.name}.v1.web.1"
    assert after[web] == before[web]
    assert stage.get(app) == (200, f"v1 {before[web]}")
    assert stage.version(app) == 1
    tail = log_of(stage, build).partition(" !     ")[2].splitlines()
    assert tail[1] == " !     Its last 20 lines:"
    assert tail[2:-3] == [f"       line {i}" for i in range(11, 31)]
    assert tail[-3] == f" !     {advice}"
    assert tail[-2] == f" !     worker.1 was stopped for it, and runs again (pid {restarted.pid})."
    assert tail[-1] == " !     v1 keeps running."


def test_values_that_a_failing_process_has_printed_are_told_to_nobody(stage: Stage, app: App) -> None:
    """The log of a build, and what a rollout reports, are read by more people than see the values."""
    from stratum import secrets

    sealed = secrets.seal(stage.layout.config_key, {"SECRET": "correct horse"})
    with stage.parts.database.write() as tx:
        releases.add_config(tx, app.id, sealed)
    build = with_build(stage, app)
    dying = {"web": 'echo "dying $SECRET"; sleep 0.2; exit 3'}

    done = stage.apply(app, stage.release(app, dying, scales={"web": 1}, build_id=build.id)[1])

    assert (done.state, done.report[0].output) == (RolloutState.FAILED, ("dying [SECRET]",))
    assert "       dying [SECRET]\n" in log_of(stage, build)
    assert "correct horse" not in log_of(stage, build) + done.error


def test_web_that_dies_on_an_address_in_use_says_so(stage: Stage, app: App) -> None:
    done = stage.deploy(app, {"web": "echo Address already in use >&2; exit 98"}, web=1)
    assert done.state is RolloutState.FAILED
    assert done.report[0].output == ("Address already in use",)
    assert stage.version(app) == 0
    assert stage.pids().keys().isdisjoint({f"MyProdEnv.{app.name}.v1.web.1"})


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exit 0", "It had printed nothing. worker has to keep running"),
        ("exit 1", "It had printed nothing. Have it say what it lacks, and try again."),
        ("kill -9 $$", "ended by SIGKILL after"),
        ("kill -9 $$", "Most likely the memory that it may use was not enough"),
    ],
)
def test_a_process_that_ends_is_told_what_may_help(stage: Stage, app: App, command: str, said: str) -> None:
    done = stage.patient().deploy(app, {"worker": command}, worker=1)

    assert done.state is RolloutState.FAILED
    assert said in done.error


@pytest.mark.parametrize("command", [SLEEP, "exec python3 -m http.server $PORT --bind ::1 &> /dev/null"])
def test_web_that_the_router_does_not_reach_fails_and_a_stranger_on_its_port_does_not_count(
    stage: Stage, app: App, command: str
) -> None:
    build = with_build(stage, app)
    _, queued = stage.release(app, {"web": f"echo starting; {command}"}, scales={"web": 1}, build_id=build.id)
    done = stage.having(web_start_timeout_s=3.0).apply(app, queued)
    assert done.state is RolloutState.FAILED
    port = re.search(r"on port (\d+)", done.error)
    assert port
    assert done.error == (
        f"web.1 did not come up: nothing of it listened on port {port[1]} ($PORT) within 3 s. {LISTEN}"
    )
    assert log_of(stage, build).endswith(
        f" !     Its last line:\n       starting\n !     {LISTEN}\n !     Nothing is running.\n"
    )
    assert marked(stage, f"MyProdEnv.{app.name}.") == []


def test_failed_scale_puts_the_formation_back(stage: Stage, app: App) -> None:
    one_only = "[ $STRATUM_INDEX = 1 ] && exec sleep 1000; exit 4"
    stage.deploy(app, {"worker": one_only}, worker=1)
    before = stage.pids()

    done = stage.patient().apply(app, stage.scale(app, worker=2))

    assert done.state is RolloutState.FAILED
    assert done.error.startswith("worker.2 did not come up: exit status 4")
    assert stage.pids() == before
    with stage.parts.database.read() as tx:
        assert formation.get_formation(tx, app.id).scale("worker") == 1


def test_a_release_that_fails_puts_back_the_scales_that_came_with_it(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    _, queued = stage.release(app, {"worker": "exit 5"})
    with stage.parts.database.write() as tx:
        before = formation.set_scales(tx, app.id, {"worker": 2})
        rollouts.set_formation_before(tx, queued, before)

    done = stage.patient().apply(app, queued)

    assert done.state is RolloutState.FAILED
    own = f"MyProdEnv.{app.name}."
    assert [name for name in stage.pids() if name.startswith(own)] == [f"{own}v1.worker.1"]
    with stage.parts.database.read() as tx:
        assert formation.get_formation(tx, app.id).scale("worker") == 1


def test_processes_get_distinct_integers_that_outlast_releases(stage: Stage, app: App) -> None:
    tell = f"echo {{{{UNIQUE_INT}}}} > {SHARED}.$STRATUM_TARGET.$STRATUM_INDEX; exec sleep 1000"
    stage.deploy(app, {"a": tell, "b": tell}, a=2, b=2)
    home = stage.shared(app).parent

    def told() -> dict[str, int]:
        return {path.name: int(path.read_text() or 0) for path in home.glob(f"{app.name}.*")}

    wait_until(lambda: sorted(told().values()) == [1, 2, 3, 4])
    first = told()
    for path in home.glob(f"{app.name}.*"):
        path.unlink()
    stage.deploy(app, {"a": tell, "b": tell})
    wait_until(lambda: told() == first)
    stage.apply(app, stage.scale(app, a=3))
    wait_until(lambda: told() == {**first, f"{app.name}.a.3": 5})
    stage.apply(app, stage.scale(app, a=1))
    stage.apply(app, stage.scale(app, b=4))
    last = [f"{app.name}.b.{index}" for index in (1, 2, 3, 4)]
    wait_until(
        lambda: [told().get(name) for name in last] == [3, 4, 5, 6]
    )  # 2 is free, but a target's integers ascend


def test_web_that_uses_an_integer_is_replaced_never_doubled(stage: Stage, app: App) -> None:
    alone = (
        f'mkdir "{SHARED}" || exit 9; trap \'rmdir "{SHARED}"; kill $!; exit\' TERM; '
        "python3 -S web.py {{UNIQUE_INT}} & wait"
    )
    stage.deploy(app, {"web": alone}, web=1)
    done = stage.deploy(app, {"web": alone})
    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "")
    assert list(outcomes(done)) == ["v1.web.1", "v2.web.1"]
    assert stage.get(app)[1].startswith("v2 ")


def test_variables_arrive_byte_for_byte(stage: Stage, app: App) -> None:
    from stratum import secrets

    variables = {
        "QUOTES": 'it\'s "quoted" `x`',
        "LINES": "one\ntwo\r\n",
        "SIGNS": "50% ; # $HOME %(here)s \\ {{UNIQUE_INT}}",
        "WORDS": "grün 漢字 🎈",
        "EMPTY": "",
        "LONG": "x" * 65536,
        "PATH": "/usr/bin:/bin",
    }
    with stage.parts.database.write() as tx:
        releases.add_config(tx, app.id, secrets.seal(stage.layout.config_key, variables))
    dump = (
        "cat /proc/$$/environ > $HOME/dump.new; mv $HOME/dump.new $HOME/dump.$STRATUM_TARGET; exec sleep 1000"
    )
    serve = dump.replace("exec sleep 1000", RUN_WEB)
    done = stage.deploy(app, {"web": serve, "worker": dump}, web=1, worker=1)
    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "")

    home = stage.layout.release(app.id, 1)
    found = {}
    for target in ("web", "worker"):
        wait_until((home / f"dump.{target}").exists)
        raw = (home / f"dump.{target}").read_bytes()
        found[target] = dict(entry.split(b"=", 1) for entry in raw.split(b"\0") if entry)
        assert {name: value.encode() for name, value in variables.items()}.items() <= {
            name.decode(): value for name, value in found[target].items()
        }.items()
    port = done.report[0].port
    assert found["web"][b"PORT"] == str(port).encode()
    own = {
        "HOME": str(home),
        "TMPDIR": f"{home}.tmp",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "STRATUM_APP": app.name,
        "STRATUM_ENVIRONMENT": "MyProdEnv",
        "STRATUM_RELEASE": "v1",
        "STRATUM_TARGET": "worker",
        "STRATUM_INDEX": "1",
        "STRATUM_COMMIT": "c" * 40,
        "DYNO": "worker.1",
        "STRATUM_PROCESS": f"{stage.layout.instance_id}/MyProdEnv.{app.name}.v1.worker.1",
        "VIRTUAL_ENV": str(home / ".venv"),
    }
    rest = {name.decode(): value.decode() for name, value in found["worker"].items()}
    assert {name: value for name, value in rest.items() if name not in variables} == own
    assert own.keys() <= GIVEN


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("echo 'a ; b' \"%d\" > $HOME/out # c; exec sleep 1000", "a ; b %d\n"),
        ("FOO=1 sh -c 'echo \"$FOO # $(echo in)\" | tr i o > $HOME/out; exec sleep 1000'", "1 # on\n"),
        ("cd / && pwd > $HOME/out; sleep 1000 & sleep 1000 | sleep 1000", "/\n"),
        ("printf '%s\\n' 100% \"$(printf x)\" > $HOME/out; exec sleep 1000", "100%\nx\n"),
    ],
)
def test_commands_run_as_bash_runs_them_and_leave_nothing_at_their_stop(
    stage: Stage, app: App, command: str, output: str
) -> None:
    command = command.replace("$HOME/out", f"{SHARED}.out")
    if " # c" in command:  # the rest is a comment to bash as well, so the process ends
        assert stage.patient().deploy(app, {"worker": command}, worker=1).state is RolloutState.FAILED
    else:
        stage.deploy(app, {"worker": command}, worker=1)
    out = stage.shared(app).with_suffix(".out")
    wait_until(lambda: out.exists() and out.read_text() == output)
    stage.apply(app, stage.scale(app, worker=0))
    assert marked(stage, f"MyProdEnv.{app.name}.") == []


def test_what_leaves_its_session_is_ended_with_its_process(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": "setsid -f sleep 1000; exec sleep 1000"}, worker=1)
    wait_until(lambda: len(marked(stage, f"MyProdEnv.{app.name}.")) >= 2)
    stage.apply(app, stage.scale(app, worker=0))
    assert marked(stage, f"MyProdEnv.{app.name}.") == []
