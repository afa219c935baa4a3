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

    def __init__(self, is_awaited: bool = False) -> None:
        self.runs, self.is_awaited = 0, is_awaited
        self.has_run = threading.Event()

    def run(self) -> None:
        self.runs += 1
        if self.runs == ROUNDS:
            self.has_run.set()
            threading.Event().wait()


class Changes:
    """Of a database to which somebody writes, or nobody does."""

    def __init__(self, happen: bool) -> None:
        self._happen = happen

    def happened(self) -> bool:
        return self._happen

    def close(self) -> None:
        pass


def test_what_the_dead_have_left_is_taken_back_while_mending_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the door, which copies a slug, or for a supervisord that does not answer."""
    recovery = Recovery()

    def wait() -> list[object]:
        assert recovery.has_run.wait(30)
        raise SystemExit

    instance = SimpleNamespace(redis_url="unix:///nonexistent.sock", fence=Fence(False, 1000))
    database = SimpleNamespace(changes=lambda: Changes(happen=True))
    parts: Any = SimpleNamespace(
        instance=instance, engine=SimpleNamespace(status=wait, mark=str), database=database
    )
    monkeypatch.setattr(jobs, "parts", lambda: parts)
    monkeypatch.setattr(reconciler, "Recovery", lambda *_: recovery)
    monkeypatch.setattr(reconciler, "EAGER_S", 0.01)
    for beside in ("settle_on", "route_on", "end_strays_on", "record_on"):
        monkeypatch.setattr(reconciler.Reconciler, beside, lambda _self: None)

    with pytest.raises(SystemExit):
        reconciler.main()

    assert recovery.runs == ROUNDS


@pytest.mark.parametrize(("happen", "is_awaited"), [(True, False), (False, True)])
def test_what_is_waited_for_is_looked_at_more_often(
    monkeypatch: pytest.MonkeyPatch, happen: bool, is_awaited: bool
) -> None:
    """Whatever else the reconciler does every so often comes round but once in this test."""
    recovery: Any = Recovery(is_awaited)
    parts: Any = SimpleNamespace(database=SimpleNamespace(changes=lambda: Changes(happen)))
    monkeypatch.setattr(reconciler, "EAGER_S", 0.01)
    monkeypatch.setattr(reconciler, "EVERY_S", 1000.0)

    looking = threading.Thread(target=reconciler.Reconciler(parts, recovery).recover_on, daemon=True)
    looking.start()

    assert recovery.has_run.wait(30)


def test_nothing_is_looked_at_again_while_all_is_as_it_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, looked_at = iter(["a", "a", "a", "b", "b", "c", "c", "c"]), list[str]()
    now = ""

    def mark() -> str:
        nonlocal now
        now = next(asked, "")
        if not now:
            raise SystemExit
        return now

    def mend(loop: reconciler.Reconciler) -> None:
        looked_at.append(now)
        loop.is_settled = now != "c"  # of which something has to be looked at again and again

    database = SimpleNamespace(changes=lambda: Changes(happen=False))
    parts: Any = SimpleNamespace(database=database, engine=SimpleNamespace(mark=mark))
    recovery: Any = Recovery()
    monkeypatch.setattr(reconciler, "EVERY_S", 0.0)
    monkeypatch.setattr(reconciler.Reconciler, "mend", mend)

    with pytest.raises(SystemExit):
        reconciler.Reconciler(parts, recovery).mend_on()

    assert looked_at == ["a", "b", "c", "c", "c"]
