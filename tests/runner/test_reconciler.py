"""What the reconciler does beside what."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from runner import jobs, reconciler
from stratum.fence import Fence

ROUNDS = 3


class Recovery:
    """Counts how often it was asked to run, and keeps its thread for good after some."""

    def __init__(self) -> None:
        self.runs = 0
        self.has_run = threading.Event()

    def run(self) -> None:
        self.runs += 1
        if self.runs == ROUNDS:
            self.has_run.set()
            threading.Event().wait()


def test_what_the_dead_have_left_is_taken_back_while_mending_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the door, which copies a slug, or for a supervisord that does not answer."""
    recovery = Recovery()

    def wait(_prefix: str) -> list[object]:
        assert recovery.has_run.wait(30)
        raise SystemExit

    instance = SimpleNamespace(redis_url="unix:///nonexistent.sock", fence=Fence(False, 1000))
    parts: Any = SimpleNamespace(instance=instance, sections=SimpleNamespace(status=wait))
    monkeypatch.setattr(jobs, "parts", lambda: parts)
    monkeypatch.setattr(reconciler, "Recovery", lambda *_: recovery)
    monkeypatch.setattr(reconciler, "EVERY_S", 0.01)
    for beside in ("settle_on", "route_on", "end_strays_on"):
        monkeypatch.setattr(reconciler.Reconciler, beside, lambda _self: None)

    with pytest.raises(SystemExit):
        reconciler.main()

    assert recovery.runs == ROUNDS
