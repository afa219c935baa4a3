"""The processes of ours that stand around a step."""

import os
import tempfile
from pathlib import Path

import pytest

from stratum.door.fencing import inside, trial
from stratum.door.fencing.fences import PROCESSES, VIEW
from stratum.door.fencing.inside import Cell
from stratum.door.fencing.view import View
from stratum.door.spawn import Program, capture
from tests.doors import as_uid

USER = os.getuid() or 12_345  # not the one that root's files seem to have where root has no number


def test_the_first_process_is_nothing_to_look_at_from_the_steps_beginning(monkeypatch: pytest.MonkeyPatch):
    found = as_uid(USER, trial.find)
    if found.bwrap or not {VIEW, PROCESSES} <= found.standing:
        pytest.skip("the kernel grants no namespaces here")
    monkeypatch.setattr(inside, "_give_up_rights", lambda *_: None)  # as if it came to that late

    owners = as_uid(USER, lambda: owners_within(found)).split()

    assert owners == [overflow_uid(), str(USER)]


def overflow_uid() -> str:
    return Path("/proc/sys/kernel/overflowuid").read_text().strip()


def owners_within(found: trial.Fences) -> str:
    """Tell whose /proc shows its first process, and the step, to be."""
    with tempfile.TemporaryDirectory(prefix="stratum-in-", dir="/tmp") as folder:
        stage, own = Path(folder, "stage"), Path(folder, "own")
        stage.mkdir()
        own.mkdir()
        cell = Cell(found, View(stage, Path(folder), (), (own,), True))

        def begin(program: Program, fds: tuple[int, int, int]) -> int:
            started = inside.start(program, fds, cell)
            started.close()
            return started.pid

        show = Program(("/usr/bin/stat", "-c", "%u", "/proc/1/environ", "/proc/self/environ"), {}, own, None)
        code, said = capture(show, 30, begin)
    assert code == 0, said
    return said
