"""The thread that tends all repositories, one at a time, when nobody pushes to them."""

import logging
import threading
import time
from pathlib import Path

from hooks.care import keeping, processes, upkeep
from hooks.care.turns import TURNS, Turns, Upkeep
from hooks.sweep import sweep, sweep_one
from stratum.errors import StratumError
from stratum.layout import Layout
from stratum.ownership import is_alive
from stratum.store import Database

log = logging.getLogger(__name__)

Step = tuple[tuple[str, ...], bytes]  # words after `git`, and what it is to read

LOOK_EVERY_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 3600.0  # after an upkeep that did not come to its end


class Tender:
    """Looks at all repositories again and again."""

    def __init__(self, layout: Layout, db: Database, turns: Turns = TURNS) -> None:
        self._layout, self._db, self._turns = layout, db, turns
        self._orphans: dict[Path, list[str]] = {}  # `pid:starttime` of what an earlier web process left
        self._pause_s: dict[Path, float] = {}
        self._not_before: dict[Path, float] = {}

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
            try:
                self._look_at(repo)
            except (OSError, StratumError) as error:
                log.warning("%s could not be tended: %s", repo.name, error)
                self._wait(repo)

    def tend(self, repo: Path, what: upkeep.Due) -> bool:
        """Do what is due in a repository; whether it came to its end."""
        began = time.monotonic()
        steps = self._steps(repo, what)
        with self._turns.tending(repo) as turn:
            is_done = turn is not None and _did(turn, steps)
            if turn is not None and turn.was_killed:
                sweep_one(self._layout, repo)
        if is_done:
            upkeep.done(repo, what)
            log.info("upkeep of %s (%s) took %.1f s", repo.name, what.value, time.monotonic() - began)
        return is_done

    def _look_at(self, repo: Path) -> None:
        if any(map(is_alive, self._orphans.get(repo, ()))) or time.monotonic() < self._not_before.get(
            repo, 0
        ):
            return
        what = upkeep.due(repo)
        if what is None:
            return
        if self.tend(repo, what):
            self._pause_s.pop(repo, None)
        else:
            self._wait(repo)

    def _steps(self, repo: Path, what: upkeep.Due) -> list[Step]:
        """Keep what is needed, which may take many writes, before anybody could wait for us."""
        app_id = int(repo.stem)
        keeping.keep_needed(repo, self._db, app_id)
        steps: list[Step] = [(words, b"") for words in upkeep.STEPS[what]]
        if what is upkeep.Due.WHOLE:
            steps.insert(0, (("update-ref", "--stdin"), keeping.unneeded(repo, self._db, app_id)))
        return steps

    def _wait(self, repo: Path) -> None:
        """Let pushes of a busy repository be, longer each time."""
        pause_s = min(self._pause_s.get(repo, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self._not_before[repo] = time.monotonic() + pause_s
        self._pause_s[repo] = pause_s * 2


def start(layout: Layout, db: Database) -> None:
    """Clear, then tend in the background, in the process that serves requests."""
    tender = Tender(layout, db)
    try:
        tender.clear()
    except OSError:
        log.exception("clearing repositories failed; the sweep tries again")
    threading.Thread(target=_run, args=(tender,), name="tender", daemon=True).start()


def _did(turn: Upkeep, steps: list[Step]) -> bool:
    environ = upkeep.environ()
    return all(turn.run(upkeep.program(*words), environ, stdin) for words, stdin in steps)


def _run(tender: Tender) -> None:
    while True:
        try:
            tender.look()
        except Exception:
            log.exception("tending repositories failed; trying again")
        time.sleep(LOOK_EVERY_S)
