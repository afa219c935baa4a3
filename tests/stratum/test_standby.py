"""A fork that stands ready takes one job, and ends without one."""

import os
import signal
from pathlib import Path

import pytest

from stratum import standby
from stratum.standby import Standby


@pytest.fixture(autouse=True)
def _ready_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(standby, "REST_S", 0.0)


def made() -> Standby:
    def child(await_job):
        try:
            await_job()
        finally:
            os._exit(0)

    return Standby.make(child)


def end_of(one: Standby) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(one.pid, 0)[1])


def descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def test_it_does_the_job_that_it_is_given(tmp_path: Path):
    one = made()

    assert one.begin("os.mkdir", [str(tmp_path / "done")])

    assert end_of(one) == 0
    assert (tmp_path / "done").is_dir()


def test_dismissed_it_ends(tmp_path: Path):
    one = made()

    one.dismiss()

    assert end_of(one) == 0


def test_one_that_has_ended_takes_no_job(tmp_path: Path):
    one = made()
    os.kill(one.pid, signal.SIGKILL)
    assert end_of(one) == -signal.SIGKILL

    assert not one.begin("os.mkdir", [str(tmp_path / "done")])


def test_a_job_too_long_to_be_told_at_once_is_left_to_another():
    one = made()

    assert not one.begin("os.mkdir", ["x" * 5000])

    assert end_of(one) == 0


def test_one_that_fails_before_its_job_ends_and_does_nothing_of_its_parents():
    def child(_await_job):
        message = "it cannot be prepared"
        raise OSError(message)

    try:
        one = Standby.make(child)
    except OSError:
        os._exit(7)  # in the fork

    one.dismiss()
    assert end_of(one) == 0


def test_one_whose_parent_ends_before_it_is_ready_does_no_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Nothing would end it with the instance any more."""
    monkeypatch.setattr(standby, "REST_S", 600.0)
    told, tell = os.pipe()  # closed at the end of both
    parent = os.fork()
    if not parent:
        one = made()
        os.kill(one.pid, signal.SIGSTOP)
        one.begin("os.mkdir", [str(tmp_path / "done")])
        os.write(tell, b"%d" % one.pid)
        os._exit(0)
    os.close(tell)
    os.waitpid(parent, 0)

    with os.fdopen(told, "rb", buffering=0) as file:
        os.kill(int(file.read(20)), signal.SIGCONT)
        file.read()

    assert not (tmp_path / "done").exists()


def test_it_leaves_no_descriptor_behind(tmp_path: Path):
    before = descriptors()
    one = made()
    one.begin("os.mkdir", [str(tmp_path / "done")])
    end_of(one)

    assert descriptors() == before
