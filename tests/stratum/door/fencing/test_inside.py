"""The processes of ours that stand around a step."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from stratum.door.fencing import inside, trial
from stratum.door.fencing.fences import PROCESSES, VIEW, Fences
from stratum.door.fencing.home import private
from stratum.door.fencing.inside import Cell
from stratum.door.fencing.trial import _interpreter
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


@pytest.mark.parametrize("bwrap", ["", shutil.which("bwrap")])
def test_a_home_among_the_systems_programs_is_hidden_but_for_what_is_shown(bwrap: str | None):
    found = as_uid(USER, trial.find)
    if bwrap is None or found.bwrap or not {VIEW, PROCESSES} <= found.standing:
        pytest.skip("the kernel grants no namespaces here, or bubblewrap is not installed")
    if os.getuid():
        pytest.skip("only root can make a folder in /opt")
    with tempfile.TemporaryDirectory(prefix="stratum-in-", dir="/opt") as folder:
        home = Path(folder)
        for name in (".ssh/key", "program/bin", "program/.netrc", ".venv/bin", "notes"):
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).touch()
        for path in (home, *home.rglob("*")):
            path.chmod(0o755)
        chosen = Fences(found.standing, as_user=True, bwrap=bwrap)

        def seen(*shown: str) -> list[str]:
            paths = tuple(home / name for name in shown)
            return as_uid(USER, lambda: files_within(chosen, home, (*paths, *_interpreter())))

        assert seen("program", ".venv") == [".venv/bin", "program/.netrc", "program/bin"]
        assert seen(".", ".venv") == [".venv/bin", "notes", "program/.netrc", "program/bin"]


def files_within(found: Fences, home: Path, shown: tuple[Path, ...]) -> list[str]:
    """List the files of a home that a step can read something of, or create anew."""
    with tempfile.TemporaryDirectory(prefix="stratum-in-", dir="/tmp") as folder:
        stage, own = Path(folder, "stage"), Path(folder, "own")
        stage.mkdir()
        own.mkdir()
        cell = Cell(found, View(stage, Path(folder), shown, (own,), True, private(home, shown)))

        def begin(program: Program, fds: tuple[int, int, int]) -> int:
            started = inside.start(program, fds, cell)
            started.close()
            return started.pid

        show = Program(
            ("/bin/sh", "-c", f"cd {home} && find . -type f -printf '%P\n'; ! touch x 2>&-"), {}, own, None
        )
        code, said = capture(show, 30, begin)
    assert code == 0, said
    return sorted(said.split())


def overflow_uid() -> str:
    return Path("/proc/sys/kernel/overflowuid").read_text().strip()


def owners_within(found: Fences) -> str:
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
