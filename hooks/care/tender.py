"""The thread that tends all repositories, one at a time, when nobody pushes to them."""

import logging
import threading
import time
from pathlib import Path

from hooks.care import keeping, processes, upkeep
from hooks.care.stock import unindexed
from hooks.care.turns import TURNS, Turns, Upkeep
from hooks.sweep import sweep, sweep_one
from stratum.layout import Layout
from stratum.ownership import is_alive
from stratum.store import Database

log = logging.getLogger(__name__)

Step = tuple[tuple[str, ...], bytes | Path]  # words after `git`, and what it is to read

LOOK_EVERY_S = 60.0  # at all; at those that are pushed to much, sooner
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 3600.0  # after an upkeep that did not come to its end
LONGEST_URGENT_PAUSE_S = 300.0


class Tender:
    """Looks at all repositories again and again."""

    def __init__(self, layout: Layout, db: Database, turns: Turns = TURNS) -> None:
        self._layout, self._db, self._turns = layout, db, turns
        self._orphans: dict[Path, list[str]] = {}  # `pid:starttime` of what an earlier web process left
        self._pause_s: dict[tuple[Path, upkeep.Due | None], float] = {}
        self._not_before: dict[tuple[Path, upkeep.Due | None], float] = {}

    def clear(self) -> None:
        """Begin anew, before the first request: end upkeeps that were left, and remove what kills left.

        A receive that was left goes on; its repository is not tended before it has ended.
        """
        workers = processes.at_work(self._layout.repos.resolve())
        processes.end_upkeep(workers)
        for worker in workers:
            if not worker.tends:
                repo = self._layout.repos / worker.repo.name
                self._orphans.setdefault(repo, []).append(worker.name)
        sweep(self._layout, lock_age_s=0.0)

    def look(self) -> None:
        """Tend what needs it."""
        for repo in sorted(self._layout.repos.glob("[0-9]*.git")):
            self._look_at(repo)

    def look_at_busy(self, timeout_s: float) -> None:
        """Wait for repositories that are pushed to much, and tend those that need it."""
        for repo in sorted(self._turns.busy(timeout_s)):
            self._look_at(repo)

    def tend(self, repo: Path, what: upkeep.Due) -> bool:
        """Do what is due in a repository; whether it came to its end."""
        began = time.monotonic()
        steps = self._steps(repo, what)
        with self._turns.tending(repo, is_urgent=what is upkeep.Due.URGENT) as turn:
            is_done = turn is not None and _did(turn, steps)
            if turn is not None and (turn.was_killed or not (is_done or turn.gave_way)):
                sweep_one(self._layout, repo)  # index-pack (2.39) leaves what it wrote when it fails, too
        if is_done:
            upkeep.done(repo, what)
            log.info("upkeep of %s (%s) took %.1f s", repo.name, what.value, time.monotonic() - began)
        return is_done

    def _look_at(self, repo: Path) -> None:
        what = None
        try:
            if not any(map(is_alive, self._orphans.get(repo, ()))):
                what = upkeep.due(repo)
                self._tend_in_time(repo, what)
        except Exception as error:  # of many kinds, where a repository is damaged
            log.warning("%s could not be tended: %r", repo.name, error)
            self._wait(repo, what)

    def _tend_in_time(self, repo: Path, what: upkeep.Due | None) -> None:
        if what is None or time.monotonic() < self._not_before.get((repo, what), 0):
            return
        if self.tend(repo, what):
            for other in upkeep.Due:
                self._pause_s.pop((repo, other), None)
        else:
            self._wait(repo, what)

    def _steps(self, repo: Path, what: upkeep.Due) -> list[Step]:
        """Keep what is needed, which may take many writes, before anybody could wait for us."""
        app_id = int(repo.stem)
        keeping.keep_needed(repo, self._db, app_id)
        steps: list[Step] = [(words, b"") for words in upkeep.STEPS[what]]
        taking_up: list[Step] = [(upkeep.INDEX_PACK, pack) for pack in unindexed(repo)]
        if what is not upkeep.Due.WHOLE:  # joining needs none of them, and a damaged one must not prevent it
            return [*steps, *taking_up]
        return [*taking_up, (("update-ref", "--stdin"), keeping.unneeded(repo, self._db, app_id)), *steps]

    def _wait(self, repo: Path, what: upkeep.Due | None) -> None:
        """Let pushes of a busy repository be, longer each time."""
        longest_s = LONGEST_URGENT_PAUSE_S if what is upkeep.Due.URGENT else LONGEST_PAUSE_S
        pause_s = min(self._pause_s.get((repo, what), FIRST_PAUSE_S), longest_s)
        self._not_before[repo, what] = time.monotonic() + pause_s
        self._pause_s[repo, what] = pause_s * 2


def start(layout: Layout, db: Database) -> None:
    """Clear, then tend in the background, in the process that serves requests."""
    tender = Tender(layout, db)
    try:
        tender.clear()
    except Exception:  # no repository, however damaged, is to keep the web process from starting
        log.exception("clearing repositories failed; the sweep tries again")
    threading.Thread(target=_run, args=(tender,), name="tender", daemon=True).start()


def _did(turn: Upkeep, steps: list[Step]) -> bool:
    environ = upkeep.environ()
    idly = not turn.is_urgent
    return all(turn.run(upkeep.program(*words, idly=idly), environ, stdin) for words, stdin in steps)


def _run(tender: Tender) -> None:
    look_at = 0.0
    while True:
        try:
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + LOOK_EVERY_S
                tender.look()
            tender.look_at_busy(max(0.0, look_at - time.monotonic()))
        except Exception:
            log.exception("tending repositories failed; trying again")
            time.sleep(1)
