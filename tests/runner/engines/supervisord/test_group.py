from types import SimpleNamespace

import pytest
from supervisor.options import ProcessGroupConfig
from supervisor.states import ProcessStates

from runner.engines.supervisord.group import AppGroup, AppGroupConfig


class Process:
    def __init__(self) -> None:
        self.state = ProcessStates.STOPPED
        self.dispatchers = {7: object()}
        self.looks = 0

    def transition(self) -> None:
        self.looks += 1


def made() -> tuple[AppGroup, Process]:
    process = Process()
    section = SimpleNamespace(name="E.a.v1.worker.1", make_process=lambda _group: process)
    return AppGroupConfig(None, section.name, 999, [section]).make_group(), process


@pytest.mark.parametrize("state", [ProcessStates.RUNNING, ProcessStates.STOPPED])
def test_what_waits_for_nothing_costs_a_pass_of_the_loop_nothing(state: int) -> None:
    group, process = made()
    process.state = state
    group.transition()
    assert process.looks == 0
    assert group.get_dispatchers() == {}


@pytest.mark.parametrize(
    "state",
    [ProcessStates.STARTING, ProcessStates.BACKOFF, ProcessStates.STOPPING, ProcessStates.EXITED],
)
def test_what_waits_for_its_time_is_looked_at_in_each_pass(state: int) -> None:
    group, process = made()
    process.state = state
    group.transition()
    group.transition()
    assert process.looks == 2


def test_supervisorctl_update_finds_it_equal_to_what_it_reads() -> None:
    group, _ = made()
    config = group.config
    read = ProcessGroupConfig(None, config.name, config.priority, config.process_configs)
    assert config == read
    assert read == config
