import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratum.door import proc
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
KINDS = """
import os, signal, sys, time

def warm():
    print("warm", flush=True)

def idle():
    time.sleep(1000)

def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(f"{os.environ['PLACE']}/deaf", "w").close()
    time.sleep(1000)

def told():
    open(f"{os.environ['PLACE']}/{os.getpid()}", "w").write(str(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
    time.sleep(1000)
"""


class Running:
    """A master of real children."""

    def __init__(self, folder: Path, *kinds: str) -> None:
        (folder / "kinds.py").write_text(KINDS)
        env = {"PYTHONPATH": f"{ROOT}:{folder}", "PATH": os.environ["PATH"], "PLACE": str(folder)}
        argv = [sys.executable, "-m", "stratum.prefork", *kinds]
        self.process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def children(self) -> set[int]:
        return {child.pid for child in proc.snapshot().values() if child.parent == self.process.pid}

    def has(self, count: int) -> set[int]:
        """Wait until there are so many children."""
        wait_until(lambda: len(self.children()) == count)
        return self.children()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path, *getattr(request, "param", ("kinds:idle=2", "kinds:idle")))
    yield made
    made.end(signal.SIGKILL)


def alive(pids: set[int]) -> list[int]:
    return [pid for pid in pids if proc.read(pid)]


def test_children_that_are_killed_are_started_again(running: Running):
    before = running.has(3)

    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not running.children() & before)

    assert len(running.has(3)) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nobody_is_left_when_the_master_ends(running: Running, number: signal.Signals):
    children = running.has(3)

    assert running.end(number) == (-number if number == signal.SIGKILL else 0)

    wait_until(lambda: not alive(children))


@pytest.mark.parametrize("running", [("kinds:deaf",)], indirect=True)
def test_a_child_that_does_not_listen_is_killed(running: Running, tmp_path: Path):
    children = running.has(1)
    wait_until((tmp_path / "deaf").exists)

    assert running.end(signal.SIGTERM) == 0
    assert alive(children) == []


@pytest.mark.parametrize("running", [("kinds:idle=40",)], indirect=True)
@pytest.mark.parametrize("children", [1, 20])
def test_the_master_may_be_told_to_stop_while_it_forks(running: Running, children: int):
    wait_until(lambda: len(running.children()) >= children)
    some = running.children()

    assert running.end(signal.SIGTERM) == 0
    assert alive(some) == []


@pytest.mark.parametrize("running", [("kinds:told",)], indirect=True)
def test_children_get_every_signal(running: Running, tmp_path: Path):
    (child,) = running.has(1)

    wait_until(lambda: (tmp_path / str(child)).exists() and (tmp_path / str(child)).read_text())
    assert (tmp_path / str(child)).read_text() == "set()"
