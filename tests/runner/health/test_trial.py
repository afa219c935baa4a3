"""When a check is tried, and what is told of it."""

import pytest

from runner.health.trial import Trial
from stratum.errors import DoorUnavailable
from stratum.model import Check, CheckKind


def run(check: Check, *answers: str, age_s: float = 0.0) -> tuple[Trial, int]:
    """Let it try to its end; return it and how often it was tried."""
    left = list(answers)
    trial = Trial(check, lambda: left.pop(0), age_s)
    trial.start()
    trial.join(60)
    assert not trial.is_alive()
    return trial, len(answers) - len(left)


def test_it_is_tried_until_it_is_passed():
    trial, tried = run(Check(CheckKind.PATH, attempts=5, wait_s=0), "no", "no", "", "no")
    assert (trial.passed, trial.has_failed, tried) == (True, False, 3)


def test_each_attempt_is_told_those_that_fail_alike_together():
    trial, tried = run(
        Check(CheckKind.PATH, attempts=4, wait_s=0), "closed", "it answered 503", "it answered 503", "no"
    )
    assert (trial.passed, trial.has_failed, tried) == (False, True, 4)
    assert trial.story() == (
        "attempt 1 after 0.0 s: closed; attempts 2 to 3 after 0.0 to 0.0 s: it answered 503; "
        "attempt 4 after 0.0 s: no"
    )


def test_the_first_attempt_comes_when_the_process_is_old_enough():
    trial, tried = run(Check(CheckKind.PATH, attempts=1, initial_delay_s=3000), "no", age_s=3000.0)
    assert tried == 1
    assert trial.story() == "attempt 1 after 3000.0 s: no"


def test_one_that_was_called_off_begins_no_attempt():
    begun: list[str] = []
    trial = Trial(Check(CheckKind.UPTIME, uptime_s=3000), lambda: begun.append("") or "no", 0.0)  # type: ignore[func-returns-value]
    trial.start()
    trial.call_off()
    trial.join(60)
    assert not trial.is_alive()
    assert not begun
    assert (trial.passed, trial.has_failed) == (False, False)


@pytest.mark.parametrize("error", [DoorUnavailable("gone"), OSError(28, "No space left on device")])
def test_what_keeps_us_from_trying_is_no_failure_of_the_process(error):
    """A description is written for each attempt, to a file system that may be full."""

    def attempt() -> str:
        raise error

    trial = Trial(Check(CheckKind.COMMAND), attempt, 0.0)
    trial.start()
    trial.join(60)
    assert trial.error is error
    assert not trial.has_failed
