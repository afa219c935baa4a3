"""Finishes, in the background of the web process, what an earlier one left when it was killed.

The web process does this itself: pushes are its own, and `settle` knows from the push lock that no
request is behind a pending row.
"""

import threading
import time

from hooks.care import tender
from hooks.failures import Failures
from hooks.gate import cancel_abandoned
from hooks.outgoing.notifier import Notifier
from hooks.outgoing.scripts import HookScripts
from hooks.parts import Parts
from hooks.settle import settle
from hooks.sweep import sweep
from hooks.upstream.teller import Teller
from hooks.webhooks.ending import end_unfetched
from stratum.stillness import Watchdog
from stratum.store import pushes

EVERY_S = 1.0
SWEEP_EVERY_S = 60.0


def start(parts: Parts) -> None:
    """Begin, in the process that serves requests: threads do not survive a fork.

    On return nothing that a killed web process left can hold up, or meet, the first push.
    """
    tender.start(parts.instance.layout, parts.database)
    threading.Thread(target=_run, args=(parts,), name="settler", daemon=True).start()


class Settler:
    """Does what is to be done once a second or so, each job apart: one that fails stops no other."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._failures = parts, Failures()
        self._watchdog = Watchdog(parts.instance.layout)
        self._notifier = Notifier(parts.instance, parts.database)
        self._teller = Teller(parts.instance, parts.database)
        self._scripts = HookScripts(parts.instance, parts.database)
        self._swept_at = time.monotonic()

    def look(self) -> None:
        """Do all of it; never raises."""
        alone = self._failures.kept_from_others
        with alone("looking for processes that stand still"):
            self._watchdog.look()
        with alone("settling pushes"):
            self.settle_all()
        with alone("giving up gated builds"):
            cancel_abandoned(self._parts, self._failures)
        with alone("ending builds that nobody fetches"):
            end_unfetched(self._parts)
        with alone("telling subscribers"):
            self._notifier.look()
        with alone("telling git servers"):
            self._teller.look()
        with alone("running hook scripts"):
            self._scripts.look()
        if time.monotonic() - self._swept_at > SWEEP_EVERY_S:
            self._swept_at = time.monotonic()
            with alone("sweeping repositories"):
                sweep(self._parts.instance.layout)

    def settle_all(self) -> None:
        """Settle the pending pushes of all apps once; the damaged repository of one is its own trouble."""
        with self._parts.database.read() as tx:
            apps = {push.app_id for push in pushes.pending(tx)}
        for app_id in sorted(apps):
            with self._failures.kept_from_others(f"settling pushes of app {app_id}"):
                if settle(self._parts.instance, self._parts.database, app_id):
                    self._parts.nudges.build(app_id)


def _run(parts: Parts) -> None:
    settler = Settler(parts)
    while True:
        settler.look()
        time.sleep(EVERY_S)
