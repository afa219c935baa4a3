"""What is brought to the disk beside a build: no more often than it can be, and no failure is lost."""

import threading

import pytest

from builder.flushing import Flushing
from stratum.errors import DoorUnavailable


class Disk:
    """A door whose disk waits until it may go on, and then fails or not."""

    def __init__(self, *failures: DoorUnavailable | None):
        self._failures = list(failures)
        self.begun = threading.Semaphore(0)
        self.may = threading.Semaphore(0)
        self.asked: list[tuple[int, int]] = []
        self.done = 0

    def flush(self, app_id: int, number: int) -> None:
        self.asked.append((app_id, number))
        self.begun.release()
        assert self.may.acquire(timeout=30)
        self.done += 1
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure


def flushing(disk, patience_s=30.0):
    return Flushing(disk, 7, 3, patience_s)


def test_what_is_wished_while_the_disk_is_at_work_is_done_once_afterwards():
    disk = Disk()
    beside = flushing(disk)
    beside.begin()
    assert disk.begun.acquire(timeout=30)
    for _ in range(5):
        beside.begin()
    for _ in range(2):
        disk.may.release()
    beside.end()

    assert disk.asked == [(7, 3)] * 2


def test_it_can_be_begun_again_after_its_end():
    disk = Disk()
    beside = flushing(disk)
    for _ in range(2):
        disk.may.release()
        beside.begin()
        beside.end()

    assert disk.asked == [(7, 3)] * 2


def test_a_failure_is_told_at_the_end_though_what_followed_went_well():
    disk = Disk(DoorUnavailable("The disk is broken."), None)
    beside = flushing(disk)
    for _ in range(2):
        disk.may.release()
        beside.begin()
        with pytest.raises(DoorUnavailable, match="broken"):
            beside.end()


def test_a_disk_that_stands_still_holds_nobody_up():
    disk = Disk()
    beside = flushing(disk, patience_s=0.01)
    beside.begin()
    assert disk.begun.acquire(timeout=30)
    beside.end()

    assert (disk.asked, disk.done) == ([(7, 3)], 0)
    disk.may.release()


def test_nothing_begun_is_nothing_to_wait_for():
    disk = Disk()
    flushing(disk).end()

    assert disk.asked == []
