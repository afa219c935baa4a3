"""Logs that cannot be written: what is lost, and what is told."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from supervisor import loggers

from runner.engines.supervisord import unlogged
from runner.engines.supervisord.output import TimedLog


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is told, with all that is installed put back at the end."""
    said: list[str] = []
    monkeypatch.setattr(loggers.Handler, "handleError", loggers.Handler.handleError)
    monkeypatch.setattr(loggers.RotatingFileHandler, "doRollover", loggers.RotatingFileHandler.doRollover)
    monkeypatch.setattr(unlogged, "_told_at", float("-inf"))
    monkeypatch.setattr(unlogged, "_tell", said.append)
    unlogged.install()
    return said


def log_to(path: Path, max_bytes: int = 0) -> tuple[Any, TimedLog]:
    logger, handler = loggers.Logger(), TimedLog(str(path), max_bytes, 2)
    handler.setFormat("%(message)s")
    logger.addHandler(handler)
    return logger, handler


def test_what_a_full_disk_does_not_take_is_told_once(told: list[str]) -> None:
    logger, handler = log_to(Path("/dev/full"))
    for _ in range(3):
        logger.info(b"line\n" * 2000)
    with suppress(OSError):  # something may be left of it
        handler.stream.close()

    assert told == [
        "stratum: what was to be written to /dev/full is lost: [Errno 28] No space left on device\n"
    ]


def test_a_rotation_that_breaks_off_is_tried_again(
    told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, handler = log_to(tmp_path / "log", max_bytes=5)

    def break_off(broken: Any) -> None:
        broken.stream.close()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(unlogged, "_roll_over", break_off)
        logger.info(b"first\n")
        logger.info(b"second\n")
    logger.info(b"third\n")
    logger.info(b"fourth")
    handler.close()

    assert len(told) == 1
    assert (tmp_path / "log.1").read_text() == "fourth"
    assert (tmp_path / "log.2").read_text() == "first\nsecond\nthird\n"
