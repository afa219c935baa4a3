"""What an engine has noted of an app's processes, and noting it as the plugin in supervisord does."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from runner.engines.supervisord import journal
from runner.history import History
from stratum.events import Event, parse
from stratum.layout import EVENTS, Layout
from stratum.store import Database
from tests.webside import WebSide


def noted(file: Path) -> list[Event]:
    """Read both files."""
    there = [path for path in (file.with_name(f"{EVENTS}.1"), file) if path.exists()]
    lines = [line for path in there for line in path.read_text().splitlines()]
    return [event for event in map(parse, lines) if event is not None]


def note(layout: Layout, app_id: int, pid: int, target: str = "worker", kind: str = "started") -> None:
    """Note that a process was started, whose pid the test knows it by."""
    file = layout.process_events(app_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    name = f"MyProdEnv.app02.v3.{target}.1"
    journal.note(f"{file.parent}/{name}.log", "1763805731.5", name, kind, pid, "", "0.000")


def new_history(side: WebSide, database: Database | None = None) -> History:
    """A reconciler's that has just begun."""
    parts: Any = SimpleNamespace(instance=side.instance, database=database or side.db)
    return History(parts)


def rotate(layout: Layout, app_id: int) -> None:
    """Have what was noted so far become the older file."""
    file = layout.process_events(app_id)
    if file.exists():
        file.replace(file.with_name(f"{EVENTS}.1"))
