"""What any engine has to keep (`runner.engines.engine`), on the real ones: ends, and what is left."""

import signal
import subprocess
from dataclasses import replace

import pytest

from runner.engines.engine import Stopped
from stratum.door import proc
from stratum.events import Kind
from stratum.states import State
from tests.engines import DEAF, SLEEP, Side, applier, names, version
from tests.noted import noted
from tests.stage import SHARED, marked
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def test_what_becomes_of_processes_is_noted_where_the_web_process_reads(side: Side) -> None:
    wished = side.wish({"worker": f"mkdir {SHARED}/ran && exit 3; {SLEEP}"})
    (name,) = names(wished)
    side.start(wished)
    wait_until(lambda: side.status(name).restarts == 1)
    side.engine.stop(side.app, [name])

    found = noted(side.stage.layout.process_events(side.app.id))

    assert {one.process for one in found} == {name}
    assert [(one.kind, one.exit_status) for one in found] == [
        (Kind.STARTED, None),
        (Kind.EXITED, 3),
        (Kind.STARTED, None),
        (Kind.STOPPING, None),
        (Kind.STOPPED, -signal.SIGTERM),
    ]


def test_what_a_crashed_process_has_set_loose_is_swept_and_told(side: Side) -> None:
    loose = f"setsid -f bash -c '> {SHARED}/loose; exec sleep 1000'"
    looks = f"until [ -e {SHARED}/loose ]; do sleep 0.1; done"
    wished = side.wish({"worker": f"{loose}; {looks}; mkdir {SHARED}/ran && exit 3; {SLEEP}"})
    (name,) = names(wished)
    side.start(wished)
    wait_until(lambda: side.status(name).restarts == 1 and len(marked(side.stage, name)) == 3)

    other = side.stage.app(f"{side.app.name}-tidy")
    assert side.engine.untidy([other, side.app]) == [side.app]
    (told,) = side.engine.sweep(side.app)

    assert told.endswith(f" of {name}")
    wait_until(lambda: len(marked(side.stage, name)) == 2)
    assert side.engine.untidy([other, side.app]) == []
    assert side.status(name).is_up


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


def test_the_end_of_a_crash_is_none_of_the_stop_that_follows(side: Side) -> None:
    wished = side.wish({"worker": "kill -9 $$"})
    (name,) = names(wished)
    side.start(wished)
    # From the third on it waits for two seconds at least.
    wait_until(lambda: side.status(name).crashes >= 3 and side.status(name).state is State.BACKOFF, 60)

    (ended,) = side.engine.stop(side.app, [name])

    assert ended.exit_status is None


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


def test_strangers_are_neither_told_nor_touched(side: Side) -> None:
    stranger = Side(side.stage, side.stage.app(f"{side.app.name}x"))
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


def test_of_an_engine_that_is_killed_nothing_is_left_whatever_it_has_shed(side: Side) -> None:
    """`stratum up` ends it before it starts anything; who merely stands in the app's folder is left alone."""
    stage = side.stage
    loose = f"cd /; echo \\$\\$ > {SHARED}/loose; exec sleep 1000"
    wished = side.wish({"worker": f'env -i setsid -f /bin/sh -c "{loose}" &>/dev/null <&-; {SLEEP}'})
    (pid,) = side.start(wished)
    (loose_pid,) = map(int, wait_until(lambda: side.shared("loose")))
    assert wished.release
    folder = stage.layout.release(side.app.id, wished.release.version)

    with subprocess.Popen(["sleep", "1000"], cwd=folder) as operator:
        stage.kill()
        ended = stage.parts.door.end_all_strays()  # type: ignore[attr-defined]
        assert operator.poll() is None
        operator.kill()

    assert loose_pid in {one[0] for one in ended}
    assert [one for one in (pid, loose_pid) if proc.read(one)] == []
    stage.start(router=False)
