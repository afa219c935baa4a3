import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from runner.engines.supervisord import spawning

# What a program finds: its session's and its own pid, its descriptors, and what signals it holds back.
_TELL = """
import os, signal
held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
print(os.getsid(0) == os.getpid(), sorted(map(int, os.listdir("/proc/self/fd")))[:4], sorted(held), input())
"""


@pytest.fixture
def pipes() -> Iterator[Mapping[str, int]]:
    child_stdin, stdin = os.pipe()
    stdout, child_stdout = os.pipe()
    found = {"child_stdin": child_stdin, "stdin": stdin, "stdout": stdout, "child_stdout": child_stdout}
    yield found
    for end in found.values():
        os.close(end)


pytestmark = pytest.mark.skipif(not spawning.can_start(), reason="needs a Python that can")


def test_a_program_has_a_session_and_its_pipes_and_nothing_else_of_ours(pipes: Mapping[str, int]) -> None:
    pid = spawning.start(sys.executable, [sys.executable, "-c", _TELL], pipes)

    os.write(pipes["stdin"], b"hello\n")
    assert os.waitpid(pid, 0)[1] == 0
    assert os.read(pipes["stdout"], 4096) == b"True [0, 1, 2, 3] [] hello\n"  # 3 is what lists them


def test_what_a_program_has_to_say_of_its_end_goes_where_its_output_does(pipes: Mapping[str, int]) -> None:
    pid = spawning.start("/bin/sh", ["sh", "-c", "echo broken >&2"], pipes)

    assert os.waitpid(pid, 0)[1] == 0
    assert os.read(pipes["stdout"], 4096) == b"broken\n"


def test_a_program_that_is_not_there_is_told_at_once(pipes: Mapping[str, int], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        spawning.start(str(tmp_path / "nothing"), ["nothing"], pipes)


def test_a_python_without_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks_sessions(*_given: object, **_more: object) -> int:
        raise NotImplementedError

    monkeypatch.setattr(os, "posix_spawn", lacks_sessions)
    assert not spawning.can_start()
