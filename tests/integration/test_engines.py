"""What any engine has to keep (`runner.engines.engine`), on the real ones.

A further engine joins by a line in ENGINES: how a stage is started whose processes it runs.
"""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from urllib.request import urlopen

import pytest

from runner.apply.wish import wish
from runner.engines.engine import Engine, Progress, Stopped, Watched
from runner.plan import Process
from runner.wish import Wish
from stratum.model import RELEASE_PHASE, App, Formation, Slot, Strategy
from stratum.states import ProcessStatus, State
from stratum.trail import Trail
from tests.stage import ROOT, RUN_WEB, SHARED, Stage, marked, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ENGINES: dict[str, Callable[[], AbstractContextManager[Stage]]] = {
    "supervisord": partial(staged, stop_grace_s=1),
}
SLEEP = "exec sleep 1000"
DEAF = "trap '' TERM INT; echo deaf; while :; do sleep 1000; done"


@pytest.fixture(scope="module", params=ENGINES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with ENGINES[request.param]() as ready:
        yield ready


@dataclass
class Side:
    """An app on a stage, and what is wished of it."""

    stage: Stage
    app: App

    @property
    def engine(self) -> Engine:
        return self.stage.parts.engine

    def wish(self, targets: dict[str, str], **scales: int) -> Wish:
        """Make a release, with all that the engine finds there."""
        release, _ = self.stage.release(self.app, targets)
        why = self.stage.parts.door.open_release(self.app.id, release.version, release.slug, {})
        assert why == ""
        return wish(self.stage.parts, self.app, release, Formation(scales or dict.fromkeys(targets, 1)))

    def once(self, command: str) -> Wish:
        """Make a release with nothing but a phase, which runs once."""
        made = self.wish({RELEASE_PHASE: command})
        assert made.release
        slot = Slot(RELEASE_PHASE, 1)
        name = f"MyProdEnv.{self.app.name}.v{made.release.version}.{RELEASE_PHASE}.1"
        process = Process(name, slot.target, slot.index, 0, command, Strategy.REPLACE, 0)
        return replace(made, processes=(process,))

    def start(self, wished: Wish) -> list[int]:
        """Have all of a wish run, and return the pids."""
        started = self.engine.apply(wished, wished.processes)
        assert [one.error for one in started] == [""] * len(wished.processes)
        assert [one.name for one in started] == names(wished)
        return [one.pid or 0 for one in started]

    def progress(self, watched: Watched) -> Progress:
        (now,) = self.engine.rollout([watched])
        return now

    def put(self, name: str) -> None:
        """Make a file that processes wait for as `SHARED/name`."""
        (self.stage.shared(self.app) / name).touch()

    def status(self, name: str) -> ProcessStatus:
        (found,) = self.engine.status([name])
        return found

    def pids(self) -> dict[str, int | None]:
        return {status.name: status.pid for status in self.engine.status(self.app)}

    def shared(self, name: str) -> list[str]:
        """The lines of a file that processes write as `SHARED/name`."""
        path = self.stage.shared(self.app) / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def side(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Side]:
    """An app of its own for each test; nothing of it is left after it."""
    app = stage.app(f"e{abs(hash(request.node.name)) % 10**8}")
    folder = stage.shared(app)
    folder.mkdir()
    folder.chmod(0o777)
    ready = Side(stage, app)
    yield ready
    ready.engine.remove(app)
    assert ready.engine.status(app) == []


def names(wished: Wish) -> list[str]:
    return [process.name for process in wished.processes]


def version(wished: Wish) -> str:
    assert wished.release
    return f"v{wished.release.version}"


def test_what_is_applied_runs_and_is_told(side: Side) -> None:
    wished = side.wish({"worker": SLEEP, "other": SLEEP}, worker=2, other=1)

    pids = side.start(wished)

    assert side.pids() == dict(zip(names(wished), pids, strict=True))
    for status in side.engine.status(side.app):
        assert status.is_up
        assert not status.has_ended
        assert status.can_restart
        assert status.started_at
        assert (status.restarts, status.exit_status, status.crashes) == (0, None, 0)
    assert set(names(wished)) <= {status.name for status in side.engine.status()}
    assert side.engine.status(["MyProdEnv.nobody.v1.worker.1"]) == []
    assert side.engine.status([]) == []


def test_applied_again_everything_keeps_its_pid(side: Side) -> None:
    wished = side.wish({"worker": SLEEP}, worker=2)
    pids = side.start(wished)

    assert side.start(wished) == pids

    assert wished.release
    more = wish(side.stage.parts, side.app, wished.release, Formation({"worker": 3}))
    assert side.start(more)[:2] == pids
    assert len(side.pids()) == 3


def test_no_more_is_started_than_was_named_and_nothing_is_stopped(side: Side) -> None:
    old, new = side.wish({"worker": SLEEP}), side.wish({"worker": SLEEP}, worker=2)
    (pid,) = side.start(old)

    side.engine.apply(new, new.processes[:1])

    assert sorted(side.pids()) == sorted([*names(old), *names(new)[:1]])
    assert side.pids()[names(old)[0]] == pid


def test_what_cannot_be_started_is_told_and_stops_no_other(side: Side) -> None:
    wished = side.wish({"worker": SLEEP})
    (good,) = wished.processes
    bad = replace(good, target="no name")

    told, started = side.engine.apply(wished, [bad, good])

    assert (told.pid, bool(told.error)) == (None, True)
    assert (started.pid, started.error) == (side.pids()[good.name], "")


def test_a_process_has_its_command_its_variables_and_its_release_around_it(side: Side) -> None:
    wished = side.wish(
        {"worker": f'echo "$NAME $STRATUM_TARGET $STRATUM_INDEX $PWD" > {SHARED}/said; {SLEEP}'}
    )
    assert wished.release
    side.start(replace(wished, variables={"NAME": "%(x)s ${y} ü"}))

    (said,) = wait_until(lambda: side.shared("said"))

    folder = side.stage.layout.release(side.app.id, wished.release.version)
    assert said == f"%(x)s ${{y}} ü worker 1 {folder}"


def test_what_ends_by_itself_is_started_again(side: Side) -> None:
    wished = side.wish({"worker": f"mkdir {SHARED}/ran && exit 3; {SLEEP}"})
    side.start(wished)

    status = wait_until(lambda: (now := side.status(*names(wished))).restarts == 1 and now)

    assert isinstance(status, ProcessStatus)
    assert (status.exit_status, status.crashes, status.is_up) == (3, 1, True)
    assert status.crashing_since


def test_what_keeps_ending_waits_and_is_never_given_up(side: Side) -> None:
    wished = side.wish({"worker": "kill -9 $$"})
    side.start(wished)

    status = wait_until(lambda: (now := side.status(*names(wished))).state is State.BACKOFF and now)

    assert isinstance(status, ProcessStatus)
    assert (status.pid, status.exit_status, status.has_ended) == (None, -signal.SIGKILL, False)


def test_one_with_a_port_is_up_when_it_itself_listens_there(side: Side) -> None:
    """What another listens on is none of its own, though it was given to it."""
    wished = side.wish({"web": f"until [ -e {SHARED}/go ]; do sleep 0.05; done; {RUN_WEB}"})
    (process,) = wished.processes
    with socket.create_server(("127.0.0.1", process.port)):
        (pid,) = side.start(wished)
        watched = Watched(process, pid)
        assert not side.progress(watched).is_done
        assert side.progress(replace(watched, is_up=True)).is_done
    side.put("go")

    wait_until(lambda: side.progress(watched).is_done)

    (endpoint,) = side.engine.endpoints(side.app, [process.name, "MyProdEnv.nobody.v1.web.1"])
    assert endpoint.process == process.name
    with urlopen(f"http://{endpoint.host}:{endpoint.port}/", timeout=20) as answer:
        assert answer.read().decode() == f"{version(wished)} {pid}"


def test_one_without_a_port_is_up_when_it_has_lived_for_a_moment(side: Side) -> None:
    wished = side.wish({"worker": SLEEP})
    (process,) = wished.processes
    (pid,) = side.start(wished)

    done = wait_until(lambda: (now := side.progress(Watched(process, pid))).is_done and now)

    assert isinstance(done, Progress)
    assert done.age_s >= side.stage.instance.settings.alive_after_s
    assert (done.stuck, done.exit_status) == ("", None)
    assert side.engine.endpoints(side.app, [process.name]) == []
    assert side.engine.rollout([]) == []


def test_one_that_has_ended_is_stuck_whatever_was_started_in_its_place(side: Side) -> None:
    wished = side.wish({"worker": f"mkdir {SHARED}/ran && exit 5; {SLEEP}"})
    (process,) = wished.processes
    (pid,) = side.start(wished)
    watched = Watched(process, pid, is_up=True)
    wait_until(lambda: side.status(process.name).restarts == 1)

    now = side.progress(watched)
    assert (now.is_done, now.exit_status) == (False, 5)
    assert "exit status 5" in now.stuck

    side.engine.stop(side.app, [process.name])
    gone = side.progress(watched)
    assert (gone.is_done, bool(gone.stuck), gone.exit_status) == (False, True, None)


def test_output_stands_byte_for_byte_and_is_read_on_from_where_one_was(side: Side) -> None:
    until = f"until [ -e {SHARED}/go ]; do sleep 0.05; done"
    wished = side.wish({"worker": f"printf 'one\\0\\377\\n'; {until}; echo two >&2; {SLEEP}"})
    (name,) = names(wished)
    log = side.engine.logs(side.app, name)
    assert not log.exists()
    side.start(wished)
    wait_until(lambda: log.exists() and log.read_bytes() == b"one\0\377\n")
    with Trail(log) as reader:
        assert len(list(reader.lines())) == 1
        place = reader.place

    side.put("go")

    with Trail(log, place) as reader:
        assert wait_until(lambda: [line.text for line in reader.lines()]) == ["two"]
    assert log == side.stage.layout.process_log(side.app.id, name)  # where the web process reads
    side.engine.stop(side.app, [name])
    assert log.read_bytes() == b"one\0\377\ntwo\n"


def test_stopped_processes_have_ended_and_are_forgotten(side: Side) -> None:
    wished = side.wish({"worker": SLEEP}, worker=3)
    side.start(wished)
    first, second, third = names(wished)

    ended = side.engine.stop(side.app, [third, second])

    assert [(one.name, one.exit_status) for one in ended] == [
        (third, -signal.SIGTERM),
        (second, -signal.SIGTERM),
    ]
    assert list(side.pids()) == [first]
    assert [replace(one, seconds=0) for one in side.engine.stop(side.app, [third])] == [
        Stopped(third, None, 0)
    ]
    assert side.engine.stop(side.app, []) == []


def test_signals_come_as_they_were_named_and_the_kill_at_the_end(side: Side) -> None:
    heard = f"trap 'echo int >> {SHARED}/heard' INT; trap 'echo term >> {SHARED}/heard' TERM"
    wished = side.wish({"worker": f"{heard}; echo up >> {SHARED}/heard; while :; do sleep 0.1; done"})
    side.start(wished)
    wait_until(lambda: side.shared("heard") == ["up"])

    (ended,) = side.engine.stop(side.app, names(wished), {names(wished)[0]: [("int", 1), ("term", 1)]})

    assert ended.exit_status == -signal.SIGKILL
    assert ended.seconds >= 2
    assert side.shared("heard") == ["up", "int", "term"]


def test_a_stop_has_ended_the_whole_tree_so_that_no_two_ever_have_one_index(side: Side) -> None:
    holds = f"exec 9>>{SHARED}/lock; flock -n 9 || exit 9; echo $STRATUM_RELEASE >> {SHARED}/held"
    command = f"{holds}; trap '' TERM; setsid sleep 1000 & sleep 1000; wait"
    old, new = side.wish({"worker": command}), side.wish({"worker": command})
    side.start(old)
    wait_until(lambda: side.shared("held") == [version(old)])

    side.engine.stop(side.app, names(old), {names(old)[0]: []})
    side.start(new)

    wait_until(lambda: side.shared("held") == [version(old), version(new)])
    assert side.status(*names(new)).restarts == 0


def test_strangers_are_neither_told_nor_touched(side: Side, stage: Stage) -> None:
    stranger = Side(stage, stage.app(f"{side.app.name}x"))
    theirs, ours = stranger.wish({"worker": SLEEP}), side.wish({"worker": SLEEP})
    (pid,) = stranger.start(theirs)
    side.start(ours)

    assert list(side.pids()) == names(ours)
    side.engine.sweep(side.app)
    side.engine.remove(side.app)

    assert stranger.pids() == {names(theirs)[0]: pid}
    stranger.engine.stop(None, names(theirs))  # as of an app that is no more
    assert stranger.pids() == {}
    stranger.engine.remove(stranger.app)


def test_nothing_is_left_of_what_was_removed(side: Side) -> None:
    wished = side.wish({"worker": f"setsid sleep 1000 & {SLEEP}", "deaf": DEAF}, worker=2, deaf=1)
    side.start(wished)
    wait_until(lambda: marked(side.stage, f"MyProdEnv.{side.app.name}.v1.worker.2"))

    side.engine.remove(side.app)
    side.engine.remove(side.app)

    assert side.pids() == {}
    assert marked(side.stage, f"MyProdEnv.{side.app.name}.") == []


def test_a_program_is_run_once_as_the_process_would_run_it(side: Side) -> None:
    wished = replace(side.wish({"worker": SLEEP}), variables={"NAME": "it's"})
    (process,) = wished.processes
    run = partial(side.engine.run, wished, process)

    ran = run(["sh", "-c", 'echo "$0 $NAME $STRATUM_TARGET"; exit 7', "a b"], 20)

    assert (ran.exit_status, ran.output) == (7, "a b it's worker\n")
    assert run(["true"], 20).exit_status == 0
    assert run(["sleep", "1000"], 1).exit_status is None
    assert marked(side.stage, process.name) == []
    assert side.pids() == {}


def test_what_runs_once_stays_told_with_its_exit_status_and_is_not_begun_again(side: Side) -> None:
    wished = side.once(f"echo ran >> {SHARED}/ran; exit 4")
    side.start(wished)
    wait_until(lambda: side.status(*names(wished)).exit_status == 4)

    side.start(wished)

    status = side.status(*names(wished))
    assert (status.pid, status.exit_status, status.restarts) == (None, 4, 0)
    assert side.shared("ran") == ["ran"]


def test_another_goes_on_with_a_start_whose_applier_was_killed(side: Side) -> None:
    wished = side.wish({"worker": SLEEP}, worker=10)
    assert wished.release
    begin = (
        f"with parts.database.read() as tx: release = releases.get_release(tx, {wished.release.id})\n"
        "goal = wish(parts, app, release, Formation({'worker': 10}))\n"
        "for one in goal.processes: parts.engine.apply(goal, [one])"
    )
    with applier(side, begin):
        wait_until(side.pids)
    before = side.pids()

    side.start(wished)

    after = side.pids()
    assert len(after) == 10
    assert {name: after[name] for name in before} == before
    wait_until(lambda: len(marked(side.stage, f"MyProdEnv.{side.app.name}.")) == 10)


def test_another_goes_on_with_a_stop_whose_applier_was_killed(side: Side) -> None:
    wished = side.wish({"worker": DEAF, "other": SLEEP})
    side.start(wished)
    (deaf,) = (name for name in names(wished) if ".worker." in name)
    with applier(side, f"parts.engine.stop(app, [{deaf!r}], {{{deaf!r}: [('term', 1)]}})"):
        wait_until(lambda: side.status(deaf).state is State.STOPPING)

    (ended,) = side.engine.stop(side.app, [deaf], {deaf: [("term", 1)]})

    assert (ended.name, ended.exit_status) == (deaf, -signal.SIGKILL)
    assert len(side.pids()) == 1


@contextmanager
def applier(side: Side, does: str) -> Iterator[None]:
    """Have a process of its own do something, and kill it at the end."""
    code = (
        "from runner.apply.parts import Parts\n"
        "from runner.apply.wish import wish\n"
        "from stratum.model import Formation\n"
        "from stratum.store import environments, releases\n"
        "parts = Parts.open()\n"
        f"with parts.database.read() as tx: app = environments.get_app(tx, {side.app.id})\n"
    )
    env = {"PYTHONPATH": str(ROOT), **side.stage.instance.settings.environ()}
    with subprocess.Popen([sys.executable, "-c", code + does], env=env, cwd="/") as process:
        try:
            yield
        finally:
            process.kill()
