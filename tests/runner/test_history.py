"""What became of processes, as the reconciler has it in the database."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner import history
from runner.history import History
from stratum.errors import Unavailable
from stratum.model import App
from stratum.store import Database, Transaction, environments, events
from tests.noted import new_history, note, noted, rotate
from tests.webside import WebSide

OLD = 1_600_000_000_000_000  # a number of September 2020


@pytest.fixture
def side(tmp_path: Path) -> Iterator[WebSide]:
    side = WebSide.make(tmp_path / "data")
    yield side
    side.close()


@pytest.fixture
def app(side: WebSide) -> App:
    return side.app()


def recorded(side: WebSide, app: App, target: str | None = None) -> list[int | None]:
    """The pids of what is recorded of an app, oldest first."""
    with side.db.read() as tx:
        return [one.pid for one in events.last(tx, app.id, 10_000, target)]


def test_what_is_noted_is_recorded_as_it_is_and_once(side: WebSide, app: App) -> None:
    other, layout, reads = side.app("other"), side.instance.layout, new_history(side)
    note(layout, app.id, 1)
    note(layout, app.id, 2, target="web")
    note(layout, other.id, 3)

    for reader in (reads, reads, new_history(side)):
        reader.record()

    assert (recorded(side, app), recorded(side, app, "web"), recorded(side, other)) == ([1, 2], [2], [3])
    with side.db.read() as tx:
        assert events.last(tx, app.id, 10) == noted(layout.process_events(app.id))
        assert events.newest(tx, app.id) == noted(layout.process_events(app.id))[-1].number


def test_where_nothing_is_new_nothing_is_written_and_nothing_asked(side: WebSide, app: App) -> None:
    note(side.instance.layout, app.id, 1)
    own = Database.open(side.instance.layout.database)
    reads = new_history(side, own)
    reads.record()

    with closing(side.db.changes()) as changes:
        changes.happened()
        new_history(side).record()
        own.read = None  # type: ignore[method-assign, assignment]  # asked, it would fail
        reads.record()
        assert not changes.happened()
    own.close()


def test_apps_that_are_gone_are_passed_over_and_take_theirs_along(side: WebSide, app: App) -> None:
    gone, layout, reads = side.app("gone"), side.instance.layout, new_history(side)
    note(layout, gone.id, 1)
    reads.record()
    with side.db.write() as tx:
        environments.remove_app(tx, gone.id)
    note(layout, gone.id, 2)
    note(layout, app.id, 3)

    reads.record()

    assert (recorded(side, gone), recorded(side, app)) == ([], [3])
    with side.db.read() as tx:
        assert events.places(tx, [gone.id]) == {}


def test_of_an_app_the_newest_stay_and_of_all_what_is_not_old(
    side: WebSide, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, layout = side.app("other"), side.instance.layout
    monkeypatch.setattr(events, "KEPT", 30)
    monkeypatch.setattr(history, "PRUNE_AFTER", 10)
    file = layout.process_events(other.id)
    file.parent.mkdir(parents=True)
    file.write_text(f"{OLD}\t1600000000.0\tMyProdEnv.other.v1.web.1\tstarted\t7\t\t0\n")
    note(layout, other.id, 8)
    reads = new_history(side)
    for pid in range(1, 101):
        note(layout, app.id, pid)
        if pid % 7 == 0:
            reads.record()

    assert recorded(side, other) == [8]
    kept = recorded(side, app)
    assert kept == list(range(99 - len(kept), 99))
    assert 30 <= len(kept) < 30 + 10 + 7


@pytest.mark.parametrize("spoilt", ["\n\n", "nonsense\n", f"9\t1.0\tE.a.v1.web.1\texited\t{'9' * 40}\t\t1\n"])
def test_what_is_none_of_ours_is_passed_over_for_good(side: WebSide, app: App, spoilt: str) -> None:
    layout, reads = side.instance.layout, new_history(side)
    note(layout, app.id, 1)
    with layout.process_events(app.id).open("a") as file:
        file.write(spoilt)
    reads.record()
    note(layout, app.id, 2)
    reads.record()

    assert recorded(side, app) == [1, 2]


def test_a_flood_is_recorded_in_batches_between_which_others_write(
    side: WebSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart of a thousand programs."""
    apps, layout = [side.app(f"app{number}") for number in range(20)], side.instance.layout
    for pid in range(2000):
        note(layout, apps[pid % 20].id, pid + 1)
    sizes: list[int] = []
    plain = events.record

    def record(tx: Any, reads: Any) -> None:
        sizes.append(sum(len(one.found) for one in reads))
        plain(tx, reads)

    monkeypatch.setattr(events, "record", record)
    new_history(side).record()

    assert sum(sizes) == 2000
    assert max(sizes) < history.BATCH + 2000 / 20 + 1
    assert all(len(recorded(side, app)) == 100 for app in apps)


class Impatient(Database):
    """Gives up at once where another writer holds the file."""

    def write(  # type: ignore[override]  # any context manager does
        self, *, synced: bool = True, patience_s: float = 0.01
    ) -> AbstractContextManager[Transaction]:
        return super().write(synced=synced, patience_s=0.01)


def test_what_a_busy_database_does_not_take_is_recorded_later(side: WebSide, app: App) -> None:
    note(side.instance.layout, app.id, 1)
    own = Impatient.open(side.instance.layout.database)
    reads = new_history(side, own)
    with side.db.write(), pytest.raises(Unavailable):
        reads.record()

    reads.record()

    assert recorded(side, app) == [1]
    own.close()


STEPS = st.lists(st.sampled_from(["note", "note", "rotate", "record", "break off", "begin anew", "clear"]))


class _BrokenOff(Exception):
    """As a kill is to a transaction."""


@given(STEPS)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_over_rotations_and_ends_of_the_reconciler_each_is_recorded_once(steps: list[str]) -> None:
    """But for what goes before anybody has read it: with a rotation, what the older file had."""
    with tempfile.TemporaryDirectory() as folder:
        side = WebSide.make(Path(folder, "data"))
        app, layout, reads = side.app(), side.instance.layout, new_history(side)
        pids, unread, unread_older = list[int](), False, False
        for step in steps:
            if step == "record" or (step == "rotate" and unread_older) or (step == "clear" and unread):
                reads.record()
                unread = unread_older = False
            if step == "note":
                pids.append(len(pids) + 1)
                note(layout, app.id, pids[-1])
                unread = True
            elif step == "rotate":
                rotate(layout, app.id)
                unread, unread_older = False, unread
            elif step == "clear" and layout.process_events(app.id).exists():
                layout.process_events(app.id).write_text("")
            elif step == "break off":
                _break_off(reads)
            elif step == "begin anew":
                reads = new_history(side)
        reads.record()

        assert recorded(side, app) == pids
        side.close()


def _break_off(reads: History) -> None:
    """End a look in the middle of its transaction, after all was written."""
    with pytest.MonkeyPatch.context() as patch, suppress(_BrokenOff):
        plain = events.record

        def record(tx: Any, found: Any) -> None:
            plain(tx, found)
            raise _BrokenOff

        patch.setattr(events, "record", record)
        reads.record()


def test_killed_at_any_moment_the_reconciler_loses_nothing_and_doubles_nothing(
    side: WebSide, app: App
) -> None:
    pids: list[int] = []
    for after_s in (0.0, 0.002, 0.005, 0.01, 0.02, 0.05):
        recorder = os.fork()
        if recorder == 0:
            _record_until_killed(side)
        until, most = time.monotonic() + after_s, len(pids) + 300  # none is to be rotated away
        while time.monotonic() < until or len(pids) < most - 290:
            if len(pids) < most:
                pids.append(len(pids) + 1)
                note(side.instance.layout, app.id, pids[-1])
        os.kill(recorder, signal.SIGKILL)
        os.waitpid(recorder, 0)

    new_history(side).record()

    assert recorded(side, app) == pids


def _record_until_killed(side: WebSide) -> None:
    side.db.forget_connections()
    reads = new_history(side)
    while True:
        with suppress(Exception):
            reads.record()
