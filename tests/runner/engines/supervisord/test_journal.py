"""The file of what became of an app's processes."""

from pathlib import Path

from runner.engines.supervisord import journal
from stratum.events import Kind, last_events, parse

NAME = "MyProdEnv.app02.v3.worker.1"


def test_what_is_noted_can_be_read_across_a_rotation_and_stays_bounded(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(journal, "MAX_BYTES", 1000)

    for number in range(100):
        journal.note(f"{tmp_path}/{NAME}.log", f"{1000 + number}.5", NAME, "started", 4711, "", "0.000")

    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * 1100
    found = last_events(tmp_path / "events", 5)
    assert [event.at.timestamp() for event in found] == [1095.5, 1096.5, 1097.5, 1098.5, 1099.5]
    assert found[0] == parse(f"1095.5\t{NAME}\tstarted\t4711\t\t0.000")
    assert found[0].kind is Kind.STARTED


def test_what_cannot_be_written_is_lost_and_stops_nothing(tmp_path: Path):
    journal.note(f"{tmp_path}/gone/{NAME}.log", "1.0", NAME, "started", 1, "", "0.0")
    (tmp_path / "events").symlink_to(tmp_path / "elsewhere")

    journal.note(f"{tmp_path}/{NAME}.log", "1.0", NAME, "started", 1, "", "0.0")

    assert not (tmp_path / "elsewhere").exists()
