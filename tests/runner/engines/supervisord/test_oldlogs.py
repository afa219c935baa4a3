"""What is kept of the output of processes that are no more."""

import os
import time
from pathlib import Path

from runner.engines.supervisord import oldlogs

OLD, LIVE = "MyProdEnv.app02.v1.web.1", "MyProdEnv.app02.v2.web.1"


def make(folder: Path, name: str, size: int, age_s: float) -> None:
    path = folder / name
    path.write_bytes(b"x" * size)
    at = time.time() - age_s
    os.utime(path, (at, at))


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_oldest_goes_first_and_what_runs_stays(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(oldlogs, "MAX_BYTES", 25)
    for age_s, name in enumerate([f"{OLD}.log", f"{OLD}.log.1", f"{OLD}.log.2", f"{LIVE}.log", "events"]):
        make(tmp_path, name, 10, age_s)

    oldlogs.prune(str(tmp_path), {LIVE})

    assert left(tmp_path) == {f"{OLD}.log", f"{OLD}.log.1", f"{LIVE}.log", "events"}


def test_what_is_older_than_a_month_goes_and_names_are_bounded(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(oldlogs, "MAX_FILES", 2)
    make(tmp_path, f"{OLD}.log.2", 1, 31 * 24 * 3600)
    make(tmp_path, f"{LIVE}.log.2", 1, 31 * 24 * 3600)
    for age_s in range(3):
        make(tmp_path, f"MyProdEnv.app02.v1.worker.{age_s + 1}.log", 1, age_s)

    oldlogs.prune(str(tmp_path), {LIVE})

    assert left(tmp_path) == {
        f"{LIVE}.log.2",
        "MyProdEnv.app02.v1.worker.1.log",
        "MyProdEnv.app02.v1.worker.2.log",
    }
    oldlogs.prune(str(tmp_path / "none"), set())


def test_what_runs_of_an_app_or_target_that_is_called_log_stays(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(oldlogs, "MAX_BYTES", 0)
    live = ("MyProdEnv.login.v2.web.1", "MyProdEnv.app02.v2.logs.1")
    for name in (*live, "MyProdEnv.logs.v1.log.1"):
        for end in (".log", ".log.2", ".log.times", ".log.2.times"):
            make(tmp_path, f"{name}{end}", 1, 0)

    oldlogs.prune(str(tmp_path), set(live))

    assert left(tmp_path) == {
        f"{name}{end}" for name in live for end in (".log", ".log.2", ".log.times", ".log.2.times")
    }
