"""The file of what became of an app's processes."""

import resource
import time
from pathlib import Path

import pytest

from runner.engines.supervisord import journal
from stratum.events import Kind, parse
from tests.noted import noted

NAME = "MyProdEnv.app02.v3.worker.1"


def start(folder: Path, pid: int = 4711, at: str = "1000.5") -> None:
    journal.note(f"{folder}/{NAME}.log", at, NAME, "started", pid, "", "0.000")


def test_what_is_noted_can_be_read_across_a_rotation_and_stays_bounded(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(journal, "MAX_BYTES", 1000)

    for number in range(100):
        start(tmp_path, at=f"{1000 + number}.5")

    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * 1100
    found = noted(tmp_path / "events")[-5:]
    assert [event.at.timestamp() for event in found] == [1095.5, 1096.5, 1097.5, 1098.5, 1099.5]
    assert found[0] == parse(f"{found[0].number}\t1095.5\t{NAME}\tstarted\t4711\t\t0.000")
    assert found[0].kind is Kind.STARTED


def test_what_cannot_be_written_is_lost_and_stops_nothing(tmp_path: Path):
    start(tmp_path / "gone")
    (tmp_path / "events").symlink_to(tmp_path / "elsewhere")

    start(tmp_path)

    assert not (tmp_path / "elsewhere").exists()


def test_what_a_full_disk_takes_a_part_of_spoils_no_later_line(tmp_path: Path):
    start(tmp_path, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "events").stat().st_size + 10, hard))
    try:
        start(tmp_path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    start(tmp_path, 3)

    assert [event.pid for event in noted(tmp_path / "events")] == [1, 3]


@pytest.mark.parametrize("file", ["events", "events.1"])
def test_numbers_grow_over_restarts_whatever_the_clock_says(tmp_path: Path, monkeypatch, file):
    """Rotated just before its end, supervisord leaves the older file alone."""
    for folder in ("1", "2", "3"):
        (tmp_path / folder).mkdir()
    start(tmp_path / "1")
    start(tmp_path / "2")
    (tmp_path / "2" / "events").rename(tmp_path / "2" / file)
    (before,) = noted(tmp_path / "2" / "events")
    (tmp_path / "3" / "events").write_text(f"{'9' * 40}\t1.0\t{NAME}\tstarted\t1\t\t0\n12")
    monkeypatch.setattr(time, "time_ns", lambda: 1_000)
    monkeypatch.setattr(journal, "_numbers", journal._Numbers())

    journal.go_on(str(tmp_path))
    start(tmp_path / "1", 7)

    first, lost, again = noted(tmp_path / "1" / "events")
    assert (lost.kind, again.pid) == (Kind.LOST, 7)
    assert first.number < before.number < lost.number < again.number <= before.number + 3


def test_what_ran_when_supervisord_was_killed_is_lost_and_that_is_told_once(tmp_path: Path):
    """Of each by its last change, also where that is in the older file."""
    (tmp_path / "1").mkdir()
    ends = {"web.1": "started", "web.2": "stopping", "worker.1": "held-back"}
    ended = {"worker.2": "stopped", "worker.3": "crash-looping", "clock.1": "exited", "old.1": "started"}
    for label, what in [*ends.items(), *ended.items()]:
        journal.note(f"{tmp_path}/1/x.log", "1.0", f"E.a.v1.{label}", what, 4711, "", "0.000")
    (tmp_path / "1" / "events").rename(tmp_path / "1" / "events.1")
    journal.note(f"{tmp_path}/1/x.log", "1.0", "E.a.v1.old.1", "stopped", 4711, "-9", "0.000")

    journal.go_on(str(tmp_path))
    journal.go_on(str(tmp_path))

    _, *told = noted(tmp_path / "1" / "events")[-4:]
    assert {(one.process, one.kind, one.pid) for one in told} == {
        (f"E.a.v1.{label}", Kind.LOST, 4711) for label in ends
    }
    assert len(noted(tmp_path / "1" / "events")) == len(ends) + len(ended) + 1 + 3
