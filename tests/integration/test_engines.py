"""What any engine has to keep (`runner.engines.engine`), on the real ones: starting and telling."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from urllib.request import urlopen

import pytest

from runner.apply.wish import wish
from runner.engines.engine import Progress, Watched
from stratum.model import Formation
from stratum.states import ProcessStatus, State
from stratum.store import names as app_names
from stratum.trail import Trail
from tests.engines import DEAF, SLEEP, Side, names, version
from tests.stage import RUN_WEB, SHARED, marked
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


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


def test_a_mark_stays_while_nothing_changes_and_is_another_when_a_process_is(side: Side) -> None:
    first = side.engine.mark()
    wished = side.wish({"worker": SLEEP}, worker=1)
    (pid,) = side.start(wished)
    assert side.engine.mark() != first
    wait_until(lambda: side.engine.status(names(wished))[0].state is State.RUNNING)
    wait_until(lambda: side.engine.mark() == side.engine.mark())  # of other tests something may just end

    before = side.engine.mark()
    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: side.engine.status(names(wished))[0].pid not in {None, pid})
    assert side.engine.mark() != before


def test_the_words_of_states_are_the_same_for_every_engine(side: Side) -> None:
    wished = side.wish({"worker": DEAF, "other": "exit 1"})
    (deaf, _) = pair = sorted(names(wished), key=lambda name: ".other." in name)
    seen: dict[str, set[State]] = {name: set() for name in pair}

    def look(until: State, name: str) -> None:
        def is_there() -> bool:
            for status in side.engine.status(side.app):
                seen[status.name].add(status.state)
            return until in seen[name]

        wait_until(is_there)

    side.start(wished)
    for word, name in ((State.RUNNING, deaf), (State.BACKOFF, pair[1])):
        look(word, name)
    with ThreadPoolExecutor() as pool:
        pool.submit(side.engine.stop, side.app, [deaf], {deaf: [("term", 3)]})
        look(State.STOPPING, deaf)

    assert seen[deaf] <= {State.STARTING, State.RUNNING, State.STOPPING}
    assert seen[pair[1]] <= {State.STARTING, State.RUNNING, State.BACKOFF}


def test_an_app_has_its_processes_after_a_rename_too(side: Side) -> None:
    wished = side.wish({"worker": SLEEP})
    (pid,) = side.start(wished)
    with side.stage.parts.database.write() as tx:
        app_names.rename_app(tx, side.app, f"{side.app.name}-new")

    side.app = side.stage.found(side.app)

    assert side.pids() == {names(wished)[0]: pid}
    assert side.engine.sweep(side.app) == []
    side.engine.remove(side.app)
    assert side.engine.status(names(wished)) == []


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


def test_at_a_glance_one_is_seen_to_listen_or_to_have_ended_as_well(side: Side) -> None:
    """A closer look is spared only while neither can be."""
    wished = side.wish({"web": f"until [ -e {SHARED}/go ]; do sleep 0.05; done; {RUN_WEB}"})
    (process,) = wished.processes
    (pid,) = side.start(wished)
    watched = Watched(process, pid)

    def glance() -> Progress:
        (now,) = side.engine.rollout([watched], glance=True)
        return now

    first = glance()
    assert (first.is_done, first.stuck) == (False, "")
    side.put("go")
    wait_until(lambda: glance().is_done)
    os.killpg(pid, signal.SIGKILL)
    gone = wait_until(lambda: (now := glance()).stuck and now)

    assert isinstance(gone, Progress)
    assert gone.exit_status in {-signal.SIGKILL, None}


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
