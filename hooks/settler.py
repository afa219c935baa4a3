"""Finishes, in the background of the web process, what an earlier one left when it was killed.

The web process does this itself: pushes are its own, and `settle` knows from the push lock that no
request is behind a pending row.
"""

import logging
import threading
import time

from hooks.care import tender
from hooks.gate import cancel_abandoned
from hooks.parts import Parts
from hooks.settle import settle
from hooks.sweep import sweep
from stratum.stillness import Watchdog
from stratum.store import pushes

log = logging.getLogger(__name__)

EVERY_S = 1.0
SWEEP_EVERY_S = 60.0


def start(parts: Parts) -> None:
    """Begin, in the process that serves requests: threads do not survive a fork.

    On return nothing that a killed web process left can hold up, or meet, the first push.
    """
    tender.start(parts.instance.layout, parts.database)
    threading.Thread(target=_run, args=(parts,), name="settler", daemon=True).start()


def settle_all(parts: Parts) -> None:
    """Settle the pending pushes of all apps once."""
    with parts.database.read() as tx:
        apps = {push.app_id for push in pushes.pending(tx)}
    for app_id in sorted(apps):
        if settle(parts.instance, parts.database, app_id):
            parts.nudges.build(app_id)


def _run(parts: Parts) -> None:
    swept_at, watchdog = time.monotonic(), Watchdog(parts.instance.layout)
    while True:
        try:
            watchdog.look()
            settle_all(parts)
            cancel_abandoned(parts)
            if time.monotonic() - swept_at > SWEEP_EVERY_S:
                swept_at = time.monotonic()
                sweep(parts.instance.layout)
        except Exception:
            log.exception("settling pushes failed; trying again")
        time.sleep(EVERY_S)
