"""What a master has rehearsed no fork of it compiles again: it took a sixth of an applier's job."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import CacheStats, ExecutionContext

from builder.jobs import build_queued
from stratum.model import BuildState
from stratum.store.rehearsal import rehearse
from tests.stage import Stage
from tests.yard import Yard

pytestmark = pytest.mark.integration
SLEEPS = "exec sleep 1000"


@pytest.fixture
def yard():
    made = Yard.make()
    yield made
    made.remove()


@contextmanager
def compiled() -> Iterator[list[str]]:
    """The statements that are compiled meanwhile, each with who has it run."""
    found: list[str] = []

    def note(
        _conn: Connection,
        _cursor: object,
        statement: str,
        _given: object,
        made: ExecutionContext,
        _many: bool,
    ) -> None:
        if made.compiled is not None and made.cache_hit is not CacheStats.CACHE_HIT:  # type: ignore[attr-defined]
            callers = [
                f"{one.filename}:{one.lineno}"
                for one in traceback.extract_stack()
                if "/store/" in one.filename
            ]
            found.append(f"{callers[-1] if callers else ''} {statement}")

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_after_a_rehearsal_a_rollout_compiles_no_statement(stage: Stage):
    app = stage.new_app()
    targets = {"worker": SLEEPS, "other": SLEEPS}
    assert stage.deploy(app, targets, worker=1, other=1).error == ""
    with stage.parts.database.read() as tx:
        tx.engine.clear_compiled_cache()
    rehearse(stage.parts.database)
    _, queued = stage.release(app, targets)

    with compiled() as found:
        done = stage.apply(app, queued)

    assert done.error == ""
    assert not found, "\n".join(found)


def test_after_a_rehearsal_a_build_compiles_no_statement(yard: Yard):
    app = yard.app({"Procfile": "web: x\n", "requirements.txt": "six==1.17.0\n"})
    with yard.shop.db.read() as tx:
        tx.engine.clear_compiled_cache()
    rehearse(yard.shop.db)

    with compiled() as found:
        build_queued(yard.shop, app.id)

    assert yard.builds(app)[0].state is BuildState.SUCCEEDED
    assert not found, "\n".join(found)
