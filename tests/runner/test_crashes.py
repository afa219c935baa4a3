"""Which processes the reconciler writes down as crash-looping, and for how long."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from runner.crashes import Change, compared, note
from stratum.crashing import LOOPS_FROM
from stratum.model import Crash
from stratum.states import ProcessStatus, State
from stratum.store import crashes
from tests.webside import WebSide

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
NAME = "MyProdEnv.app02.v3.worker.1"
OWNERS = {"MyProdEnv.app02": 7}


def status(count, *, state="BACKOFF", lived_s=None, exit_status=1, name=NAME):
    began = None if lived_s is None else AT - timedelta(seconds=lived_s)
    pid = None if lived_s is None else 4711
    since = AT - timedelta(minutes=count) if count else None
    return ProcessStatus(name, pid, State(state), began, count, exit_status, count, since)


def crash(count, *, since_min):
    return Crash(7, NAME, AT - timedelta(minutes=since_min), count, 1, AT)


def compare(known, *statuses):
    return compared({one.process: one for one in known}, statuses, OWNERS, AT)


def test_one_or_two_ends_are_no_loop():
    assert compare([], status(LOOPS_FROM - 1)) == Change((), ())
    assert compare([], status(LOOPS_FROM)) == Change((crash(3, since_min=3),), ())


def test_each_further_end_is_written_down_and_nothing_else():
    before = crash(3, since_min=3)

    assert compare([before], status(3)) == Change((), ())
    assert compare([before], status(4)) == Change((crash(4, since_min=4),), ())


def test_it_is_over_when_it_has_lived_long_enough_is_stopped_or_gone():
    before = crash(5, since_min=5)

    assert compare([before], status(0, state="RUNNING", lived_s=60)).over == (NAME,)
    assert compare([before], status(0, state="STOPPED")).over == (NAME,)
    assert compare([before]).over == (NAME,)


def test_a_new_supervisord_counts_anew_and_the_loop_goes_on():
    before = crash(9, since_min=30)

    assert compare([before], status(0, state="RUNNING", lived_s=3)) == Change((), ())
    assert compare([before], status(1)) == Change((), ())
    (again,) = compare([before], status(3)).noted
    assert (again.since, again.count) == (before.since, 3)


def test_what_belongs_to_no_app_is_left_alone():
    assert compare([], status(9, name="MyProdEnv.gone.v1.web.1")) == Change((), ())


@pytest.fixture
def side(tmp_path):
    side = WebSide.make(tmp_path / "data")
    yield side
    side.close()


def test_a_loop_is_told_to_the_operator_once(side, caplog):
    app = side.app()
    parts: Any = SimpleNamespace(database=side.db)

    for count in (3, 3, 4):
        note(parts, {NAME: status(count)}, {"MyProdEnv.app02": app.id})

    with side.db.read() as tx:
        assert [(one.process, one.count) for one in crashes.crashes(tx, app.id)] == [(NAME, 4)]
    (told,) = caplog.messages
    assert told.startswith("worker.1 of v3 is crash-looping since ")
    note(parts, {}, {})
    with side.db.read() as tx:
        assert crashes.crashes(tx) == []
