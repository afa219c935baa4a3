import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor.states import ProcessStates, SupervisorStates

from runner.engines.supervisord import loop
from runner.engines.supervisord.loop import Apps, Groups
from runner.engines.supervisord.mirror import Mirror
from runner.engines.supervisord.process import AppProcess, restless
from runner.engines.supervisord.wakeup import Wakeup

WAITS = [ProcessStates.STARTING, ProcessStates.BACKOFF, ProcessStates.STOPPING, ProcessStates.EXITED]


class Process(AppProcess):
    """One that does nothing but be asked."""

    def __init__(self, name: str) -> None:
        super().__init__(SimpleNamespace(name=name))
        self.asked: list[str] = []

    def transition(self) -> None:
        self.asked.append("transition")

    def end(self, steps: object = None) -> None:
        self.asked.append("end")

    def enter(self, state: int) -> None:
        self.state = state
        self._note_rest()


class Mirrored(Mirror):
    looks = catches = 0

    def __init__(self) -> None:
        super().__init__("/nowhere", None)

    def look(self) -> None:
        self.looks += 1

    def catch_up(self) -> None:
        self.catches += 1


def group_of(process: object) -> Any:
    return SimpleNamespace(processes={"only": process})


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    restless.clear()
    yield
    restless.clear()


@pytest.mark.parametrize("state", [ProcessStates.RUNNING, ProcessStates.STOPPED])
def test_what_waits_for_nothing_costs_a_pass_of_the_loop_nothing(state: int) -> None:
    process = Process("one")
    process.enter(ProcessStates.STARTING)
    process.enter(state)

    Apps({"one": process}, Mirrored()).transition()

    assert process.asked == []


@pytest.mark.parametrize("state", WAITS)
def test_what_waits_for_its_time_is_looked_at_in_each_pass(state: int) -> None:
    process = Process("one")
    process.enter(state)
    apps = Apps({"one": process}, Mirrored())

    apps.transition()
    apps.transition()

    assert process.asked == ["transition", "transition"]


def test_all_apps_are_one_group_that_is_stopped_first_and_has_no_pipes() -> None:
    two = [Process("one"), Process("two")]
    apps = Apps({process.config.name: process for process in two}, Mirrored())
    service = SimpleNamespace(config=SimpleNamespace(priority=999))

    apps.stop_all()

    assert [process.asked for process in two] == [["end"], ["end"]]
    assert not apps < service  # supervisord sorts its groups, and stops the last one first
    assert apps.get_dispatchers() == {}


def test_who_asks_finds_every_group_and_the_loop_those_that_are_no_apps() -> None:
    apps, service = Apps({}, Mirrored()), group_of(object())
    groups = Groups({"_web": service}, apps)

    groups["E.a.v1.web.1"] = group_of(Process("E.a.v1.web.1"))

    assert list(groups) == ["_web", "E.a.v1.web.1"]
    assert list(groups.in_loop.values()) == [apps, service]


def test_what_supervisorctl_has_put_in_an_apps_place_is_in_the_loop_until_it_goes() -> None:
    apps, foreign = Apps({}, Mirrored()), group_of(object())
    groups = Groups({}, apps)

    groups["E.a.v1.web.1"] = foreign
    assert list(groups.in_loop.values()) == [apps, foreign]
    del groups["E.a.v1.web.1"]

    assert list(groups.in_loop.values()) == [apps]
    assert list(groups) == []


def test_what_is_removed_is_asked_no_more() -> None:
    process, groups = Process("one"), Groups({}, Apps({}, Mirrored()))
    groups["one"] = group_of(process)
    process.enter(ProcessStates.EXITED)

    del groups["one"]

    assert restless == {}


class Options:
    """As much of supervisord's as one pass of its loop asks for."""

    mood, test = SupervisorStates.RUNNING, True

    def __init__(self) -> None:
        self.poller = SimpleNamespace(poll=lambda _timeout: ([], []))
        self.logger = SimpleNamespace(info=lambda _text: None)
        self.pidhistory: dict[int, object] = {}
        self.ended: list[int] = []
        self.questions = 0

    def get_socket_map(self) -> dict[int, object]:
        return {}

    def waitpid(self) -> tuple[int | None, int | None]:
        self.questions += 1
        return (self.ended.pop(), 0) if self.ended else (None, None)

    def get_signal(self) -> None:
        return None


@pytest.fixture
def supervisord() -> Any:
    return SimpleNamespace(options=Options(), process_groups={})


def test_supervisords_own_loop_runs_over_them_and_writes_the_file_as_it_ends(supervisord: Any) -> None:
    process, mirror = Process("one"), Mirrored()
    loop.install(supervisord, {"one": process}, mirror)
    process.enter(ProcessStates.STARTING)

    supervisord.runforever()

    assert process.asked == ["transition"]
    assert (mirror.looks, mirror.catches) == (1, 1)


def test_children_that_have_ended_are_asked_for_when_a_signal_has_told_of_any(supervisord: Any) -> None:
    options = supervisord.options
    loop.install(supervisord, {}, Mirrored())
    supervisord.runforever()
    asked = options.questions

    supervisord.runforever()
    assert options.questions == asked
    options.ended = [7, 8]
    supervisord.reap()

    assert options.ended == []


def test_they_are_asked_for_every_second_all_the_same(
    supervisord: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.install(supervisord, {}, Mirrored())
    supervisord.runforever()
    supervisord.options.ended = [7]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1)

    supervisord.runforever()

    assert supervisord.options.ended == []


def test_more_of_them_than_supervisord_takes_at_once_are_taken_in_the_next_pass(
    supervisord: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[float] = []
    monkeypatch.setattr(Wakeup, "soon", woken.append)
    loop.install(supervisord, {}, Mirrored())
    supervisord.options.ended = list(range(1, 151))

    supervisord.reap()
    assert len(supervisord.options.ended) == 50
    supervisord.runforever()

    assert supervisord.options.ended == []
    assert woken == [0]
