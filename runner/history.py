"""What became of processes, from the files that an engine writes into the database: each change once.

A look at files that have not grown is a question to the kernel for each app, and none to the database.
"""

import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from runner.apply.parts import Parts
from stratum.events import parse
from stratum.layout import EVENTS
from stratum.store import events
from stratum.store.events import KEPT_S, Read
from stratum.trail import Place, Trail

log = logging.getLogger(__name__)

BATCH = 500  # changes, or what one look at a file finds: others who want to write wait for no more
PRUNE_AFTER = 250  # changes of an app
OLD_EVERY_S = 900.0

_Signature: TypeAlias = tuple[int, int, int]


@dataclass(slots=True)
class History:
    """Reads on, again and again, from where the database says that it was read to."""

    parts: Parts
    _seen: dict[int, _Signature] = field(default_factory=dict)
    _added: dict[int, int] = field(default_factory=dict)  # since an app's were pruned
    _looked_for_old_at: float = float("-inf")

    def record(self) -> None:
        """Record what is new, and remove what is too much then.

        Raises:
            Unavailable: the database cannot be used; what was not recorded is at the next call.
        """
        there = _signatures(self.parts.instance.layout.app_logs)
        grown = [app_id for app_id, signature in there.items() if self._seen.get(app_id) != signature]
        if grown:
            self._record(grown)
        self._seen = there
        self._added = {app_id: count for app_id, count in self._added.items() if app_id in there}
        self._prune()

    def _record(self, app_ids: Collection[int]) -> None:
        with self.parts.database.read() as tx:
            places = events.places(tx, app_ids)
        for batch in _batches(self._reads(app_ids, places)):
            # What a loss of power takes from it the file has still: no reason to wait for the disk.
            with self.parts.database.write(synced=False) as tx:
                events.record(tx, batch)
            for one in batch:
                before = self._added.get(one.app_id, PRUNE_AFTER)  # nobody knows what there was before
                self._added[one.app_id] = before + len(one.found)

    def _reads(self, app_ids: Collection[int], places: Mapping[int, Place]) -> Iterator[Read]:
        layout = self.parts.instance.layout
        for app_id in app_ids:
            with Trail(layout.process_events(app_id), places.get(app_id)) as trail:
                while lines := trail.fresh():
                    found = [event for event in (parse(line.text) for line in lines) if event is not None]
                    place = trail.place
                    if place is not None:
                        yield Read(app_id, found, place)
                if trail.missed:
                    log.warning("what became of processes of app %d came faster than it was read", app_id)

    def _prune(self) -> None:
        due = [app_id for app_id, count in self._added.items() if count >= PRUNE_AFTER]
        if due:
            with self.parts.database.read() as tx:
                upto = events.surplus(tx, due)
            if upto:
                with self.parts.database.write(synced=False) as tx:
                    events.forget(tx, upto)
            self._added.update(dict.fromkeys(due, 0))
        if time.monotonic() - self._looked_for_old_at >= OLD_EVERY_S:
            self._looked_for_old_at = time.monotonic()
            self._forget_old()

    def _forget_old(self) -> None:
        """Numbers are the microseconds of when it was, or a little more (`journal`)."""
        oldest = (time.time_ns() // 1_000_000_000 - KEPT_S) * 1_000_000
        with self.parts.database.read() as tx:
            is_due = events.has_older(tx, oldest)
        if is_due:
            with self.parts.database.write(synced=False) as tx:
                events.forget_older(tx, oldest)


def _batches(reads: Iterator[Read]) -> Iterator[list[Read]]:
    batch: list[Read] = []
    for one in reads:
        batch.append(one)
        if sum(len(each.found) for each in batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _signatures(app_logs: Path) -> dict[int, _Signature]:
    """App id → what changes as soon as something is noted of it, of those of which anything is."""
    found: dict[int, _Signature] = {}
    with os.scandir(app_logs) as folders:
        for folder in folders:
            status = _status(f"{folder.path}/{EVENTS}") or _status(f"{folder.path}/{EVENTS}.1")
            if status is not None and folder.name.isdecimal():
                found[int(folder.name)] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - at each look for each app: a third of what a Path takes
    except OSError:
        return None
