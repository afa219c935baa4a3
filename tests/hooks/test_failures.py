"""Jobs done again and again: a failure stays with its job, and is not said each time."""

import logging

from hooks import failures
from hooks.failures import Failures


def fail(kept: Failures, job: str) -> None:
    with kept.kept_from_others(job):
        raise OSError(job)


def test_a_failure_is_said_once_for_each_job_and_its_end_too(caplog):
    caplog.set_level(logging.INFO)
    kept = Failures()
    for _ in range(3):
        fail(kept, "settling pushes of app 1")
        fail(kept, "settling pushes of app 2")
    for _ in range(2):
        with kept.kept_from_others("settling pushes of app 1"):
            pass

    first, second, end = (record.getMessage() for record in caplog.records)
    assert first.startswith("settling pushes of app 1 failed")
    assert second.startswith("settling pushes of app 2 failed")
    assert end == "settling pushes of app 1 succeeds again"


def test_a_failure_that_lasts_is_said_again(caplog, monkeypatch):
    kept = Failures()
    fail(kept, "job")
    monkeypatch.setattr(failures, "SAY_EVERY_S", 0.0)
    fail(kept, "job")

    assert len(caplog.records) == 2
