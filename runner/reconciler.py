"""Compares what is wished with what is, every two seconds, and mends the difference.

What somebody waits for, work that was lost or never begun, is looked at twice a second while there is any.

`stratum.prefork` runs `main` as one process. It does nothing that a rollout does: it brings back
what went away by itself, and wakes whoever should be at work. Nothing that fails stops it.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from queue import Empty, SimpleQueue

from runner import crashes, jobs
from runner.apply import folders, running
from runner.apply.converge import Converged, clear, converge
from runner.apply.parts import Parts
from runner.apply.ports import robbed as robbed_ports
from runner.deviation import Wished, apps_of, deviating, orphaned, owners
from runner.history import History
from runner.news import News
from runner.recover import Recovery
from runner.strays import Restarts, end_strays_of
from stratum.errors import ReleaseUnusable, Unavailable
from stratum.model import App, Formation, RolloutState
from stratum.ownership import exclusive
from stratum.queue import Nudges
from stratum.store import environments, releases, rollouts, sites
from stratum.store import formation as formation_store
from stratum.store import names as app_names

log = logging.getLogger(__name__)

EVERY_S = 2.0
EAGER_S = 0.5
GUARD_EVERY_S = 0.25
STRAYS_EVERY_S = 30.0
SETTLE_EVERY_S = 30.0
ERASE_EVERY_S = 900.0
_BUSY = (RolloutState.QUEUED, RolloutState.RUNNING, RolloutState.LIVE)


def main() -> None:
    """Reconcile until killed."""
    parts = jobs.parts()  # those that runner.worker has warmed
    reconciler = Reconciler(parts, Recovery(parts, Nudges(parts.instance.redis_url)))
    if parts.instance.fence.fenced:
        threading.Thread(target=reconciler.guard_on, name="guard", daemon=True).start()
    threading.Thread(target=reconciler.settle_on, name="settle", daemon=True).start()
    threading.Thread(target=reconciler.recover_on, name="recovery", daemon=True).start()
    threading.Thread(target=reconciler.route_on, name="routes", daemon=True).start()
    threading.Thread(target=reconciler.end_strays_on, name="strays", daemon=True).start()
    threading.Thread(target=reconciler.record_on, name="history", daemon=True).start()
    reconciler.mend_on()


class Reconciler:
    """Looks at everything, again and again.

    Attributes:
        is_settled: the last look has found all as it should be, and nothing that time alone may change.
    """

    def __init__(self, parts: Parts, recovery: Recovery) -> None:
        self._parts, self._recovery = parts, recovery
        self._restarts, self._suspected = Restarts(), SimpleQueue[App]()
        self._suspects: set[int] = set()  # ids of apps that wait in it
        self._left_erased_at = float("-inf")
        self.is_settled = False
        self._history = History(parts)

    def once(self) -> None:
        """Look at everything once."""
        self.recover()
        self.end_strays()
        self.mend()
        self.end_suspected()
        _guarded("removing folders of releases", self.clear_folders)
        self.route()
        self.record()

    def recover_on(self) -> None:
        """Recover again and again, and soon after something was recorded; what a thread of its own runs.

        Mending waits for the door, which may copy or remove trees for minutes; a build whose builder is
        lost is to be taken back in seconds.
        """
        while True:
            _guarded("watching for work", self._recover_at_news)
            time.sleep(EVERY_S)

    def _recover_at_news(self) -> None:
        looked_at = float("-inf")
        with closing(self._parts.database.changes()) as changes:
            while True:
                due_s = EAGER_S if self._recovery.is_awaited else EVERY_S
                if changes.happened() or time.monotonic() - looked_at >= due_s:
                    looked_at = time.monotonic()
                    self.recover()
                time.sleep(EAGER_S)

    def recover(self) -> None:
        """Take back what the dead have left, and remind of what waits."""
        _guarded("taking back what the dead have left", self._recovery.run)

    def mend_on(self) -> None:
        """Mend again and again, where there may be something to mend."""
        while True:
            _guarded("watching for what is to be mended", self._mend_at_news)
            time.sleep(EVERY_S)

    def _mend_at_news(self) -> None:
        with closing(self._parts.database.changes()) as changes:
            news = News(self._parts.engine, changes)
            while True:
                if news.is_due():
                    self.mend()
                    if self.is_settled:
                        news.settled()
                time.sleep(EVERY_S)

    def mend(self) -> None:
        """Make true what is wished."""
        self.is_settled = False
        _guarded("converging", self.converge)

    def route_on(self) -> None:
        """Route again and again; what a thread of its own runs, since mending may wait for the door."""
        while True:
            self.route()
            time.sleep(EVERY_S)

    def route(self) -> None:
        """Have the router do what is recorded: its routes, and the pages in apps' places."""
        _guarded("routing", self._parts.router.ensure)

    def record_on(self) -> None:
        """Record again and again; what a thread of its own runs, since what is not read in time is gone."""
        while True:
            self.record()
            time.sleep(EVERY_S)

    def record(self) -> None:
        """Have what became of processes in the database."""
        _guarded("recording what became of processes", self._history.record)

    def guard_on(self) -> None:
        """Guard again and again; what a thread of its own runs, since nothing may delay it."""
        while True:
            _guarded("guarding ports", self.guard)
            time.sleep(GUARD_EVERY_S)

    def settle_on(self) -> None:
        """Have new folders on disk, and old ones off it; in a thread, since a disk may take its time."""
        while True:
            if time.monotonic() - self._left_erased_at >= ERASE_EVERY_S:
                _guarded("erasing what builds have left", self.erase_left)
            time.sleep(SETTLE_EVERY_S)
            _guarded("removing folders of releases", self.clear_folders)
            _guarded("syncing folders of releases", self._parts.door.settle_releases)

    def erase_left(self) -> None:
        """Erase scratch whose builder was killed before it could: the app's next build may never come."""
        self._left_erased_at = time.monotonic()
        with self._parts.database.read() as tx:
            apps = environments.list_apps(tx)
        for app in apps:
            with exclusive(self._parts.build_lock(app.id)) as is_held:
                is_swept = not is_held or self._parts.door.sweep(app.id)
            if not is_swept:
                self._parts.door.erase_left(app.id)

    def guard(self) -> None:
        """Route nothing to a port that another app has taken; converging gives its process another."""
        with self._parts.database.read() as tx:
            routes = formation_store.routes(tx)
        given = [(app_id, port) for app_id, ports in routes.items() for port in ports]
        robbed = robbed_ports(self._parts, given)
        if robbed:
            log.warning("another account listens on routed ports: %s", sorted(robbed))
            with self._parts.database.write() as tx:
                formation_store.unroute(tx, robbed)
            self._parts.router.ensure()

    def end_strays_on(self) -> None:
        """End strays again and again; what a thread of its own runs, since of many apps it takes long."""
        while True:
            self.end_strays()
            self.end_suspected(STRAYS_EVERY_S)

    def end_suspected(self, for_s: float = 0.0) -> None:
        """End what crashed processes have set loose, for so long, as converging sees that they run again."""
        until = time.monotonic() + for_s
        with suppress(Empty):
            while True:
                app = self._suspected.get(timeout=max(0.0, until - time.monotonic()))
                self._suspects.discard(app.id)
                _guarded(f"ending strays of {app.label}", partial(end_strays_of, self._parts, app))

    def end_strays(self) -> None:
        """End what belongs to no process that there is, and tell of it.

        What is about to be started waits for none of this: converging ends its app's strays first.
        """
        _guarded("ending strays", self._end_all_strays)

    def _end_all_strays(self) -> None:
        with self._parts.database.read() as tx:
            apps = environments.list_apps(tx)
        for app in self._parts.engine.untidy(apps):
            _guarded(f"ending strays of {app.label}", partial(end_strays_of, self._parts, app))

    def clear_folders(self) -> None:
        """Remove what is left of releases that do not run, since an applier or the door was killed."""
        there = self._parts.door.release_versions()
        with self._parts.database.read() as tx:
            apps, current = environments.list_apps(tx), releases.current_releases(tx)
        for app in apps:
            kept = {current[app.id].version} if app.id in current else set()
            if there.get(app.id, set()) - kept:
                _guarded(f"clearing folders of {app.label}", partial(self._clear_folders_of, app))

    def _clear_folders_of(self, app: App) -> None:
        with exclusive(self._parts.apply_lock(app.id)) as is_held:
            if is_held:
                folders.clear(self._parts, app)
        folders.erase(self._parts, app.id)  # which may take minutes, and nobody is to wait for it

    def converge(self) -> None:
        """Have every app run what is wished of it; one that fails stops no other."""
        # In this order: a process that is there belongs to an app that the database, read later, knows.
        statuses = {status.name: status for status in self._parts.engine.status()}
        wished = self._wished()
        restarted = self._restarts.since(statuses.values())
        for app in apps_of(restarted, wished):
            if app.id not in self._suspects:
                self._suspects.add(app.id)
                self._suspected.put(app)
        _guarded("noting crashes", partial(crashes.note, self._parts, statuses, owners(wished)))
        _guarded("rolling back", partial(crashes.roll_back, self._parts))
        different, orphans = deviating(wished, statuses), orphaned(wished, statuses)
        for app in different:
            _guarded(f"converging {app.label}", partial(self._converge_app, app.id))
        self._end_orphans(orphans)
        crash = any(one.crashes for one in statuses.values()) or crashes.are_known(self._parts)
        self.is_settled = not (different or orphans or crash)

    def _end_orphans(self, names: list[str]) -> None:
        if names:
            log.warning("ending processes of apps that are no more: %s", ", ".join(names))
        self._parts.engine.stop(None, names)

    def _wished(self) -> list[Wished]:
        with self._parts.database.read() as tx:
            apps, current = environments.list_apps(tx), releases.current_releases(tx)
            formations, routes = formation_store.formations(tx), formation_store.routes(tx)
            names, served = app_names.all_names(tx), sites.all_served(tx)
            busy = {rollout.app_id for rollout in rollouts.in_state(tx, *_BUSY)}
        nothing = Formation()
        return [
            Wished(
                app,
                names[app.id],
                current.get(app.id),
                formations.get(app.id, nothing),
                app.id in busy,
                len(routes.get(app.id, ())),
                served.get(app.id, sites.NONE).version,
            )
            for app in apps
        ]

    def _converge_app(self, app_id: int) -> None:
        with exclusive(self._parts.apply_lock(app_id)) as is_held:
            if not is_held:
                return
            with self._parts.database.read() as tx:
                app = environments.get_app(tx, app_id)
                if app is None or any(one.app_id == app_id for one in rollouts.in_state(tx, *_BUSY)):
                    return
                release = releases.current_releases(tx).get(app_id)
                formation = formation_store.get_formation(tx, app_id)
            if app.destroying:  # takes long: an applier's work, should it ever have been forgotten
                with self._parts.database.write() as tx:
                    rollouts.add_rollout(tx, app_id, cause="destroy", who="")
                return
            done = converge(self._parts, app, release, formation)
            reached = running.reached(self._parts, app, done.wish.routed())
            self._parts.router.route(app, reached, site=done.wish.site, patience_s=0)
            clear(self._parts, done.wish)
            folders.clear(self._parts, app)
        _tell(app, done)


def _tell(app: App, done: Converged) -> None:
    for one in done.stopped:
        log.warning("stopped %s of %s, which is not wished, or was ending", one.name, app.label)
    for name, error in ((process.name, started.error) for process, started in done.started):
        if error:
            log.error("%s of %s could not be started: %s", name, app.label, error)
        else:
            log.info("started %s of %s again", name, app.label)


def _guarded(what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except (Unavailable, ReleaseUnusable) as error:
        log.warning("%s: %s", what, error)
    except Exception:
        log.exception("%s failed", what)
