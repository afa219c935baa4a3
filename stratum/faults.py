"""Named points at which a test may stop a part of Stratum, to kill it or something else there.

Nothing happens unless STRATUM_FAULTS_DIR is set. A test makes `<dir>/<point>`; whoever reaches the
point first renames that file to `<point>.reached` (its content then is its pid) and waits until
`<point>.go` appears. tests/integration/test_kill.py goes through all points.
"""

import os
import time
from pathlib import Path

from stratum.settings import faults_dir

POINTS = (
    "receive.admitted",  # who pushes is known; nothing is started yet
    "receive.began",  # git has been started, and waits for the first byte
    "receive.asked",  # the objects are in quarantine, and the pre-receive hook asks
    "receive.locked",  # the app's push lock is held
    "receive.checked",  # the pushed Procfile is sound; nothing is written yet
    "receive.journaled",  # the push row is on disk; the ref has not moved
    "receive.answered",  # the hook has been told "yes"; the ref may or may not have moved
    "receive.moved",  # git has moved the ref; the push is still pending
    "receive.accepted",  # push accepted and build queued; no nudge yet
    "receive.kept",  # a hidden ref keeps the commit from git's gc
    "receive.nudged",
    "receive.reported",  # git has ended, and the pusher's client has been handed its report
    "receive.followed",  # the pusher sees the build's log
    "build.claimed",
    "build.unpacked",
    "build.installed",
    "build.sealed",  # the slug is in its place; no release yet
    "build.released",  # release and rollout are recorded; no nudge yet
    "rollout.claimed",
    "rollout.started",  # new overlap processes are started, not probed
    "rollout.probed",
    "rollout.replaced",  # replace targets run the new release; the router still has the old web
    "rollout.switched",
    "rollout.live",  # recorded as live; old overlap processes still run
    "rollout.stopped",
)
GATED_POINTS = (
    "receive.gated",  # the build that decides is queued; the ref has not moved
    "build.waiting",  # what it has made is recorded; nothing is released yet
    "receive.built",  # it has ended; nothing is decided yet
)
PHASE_POINTS = (  # of a release that has a release phase, after rollout.claimed
    "phase.recorded",  # it is recorded as running; it is not started
    "phase.started",
    "phase.ended",  # nothing is recorded of its end
    "phase.succeeded",  # which is recorded; supervisord still knows it
)
DELIVERY_POINTS = (  # of what a web hook has delivered, before those of its push
    "delivery.recorded",  # it is queued, on the disk; nobody is told, nor nudged
    "fetch.begun",
    "fetch.fetched",  # into the scratch repository
    "review.made",  # the app of a pull request is there, and its build; nothing is fetched
    "review.outfitted",  # its variables are recorded
    "fetch.pushed",  # the build is queued; the delivery still says that it is, too
)
STEP_POINTS = (  # of a rollout in several rounds, after rollout.started
    "rollout.relieved",  # requests go to the new and to what is left; what is relieved still runs
)
WAIT_LIMIT_S = 60.0


def reach(point: str) -> None:
    """Stop here if a test asked for it; at most WAIT_LIMIT_S."""
    folder = faults_dir()
    if folder is None:
        return
    armed, reached = folder / point, folder / f"{point}.reached"
    try:
        armed.rename(reached)
    except FileNotFoundError:
        return
    _announce(reached)
    _wait_for(folder / f"{point}.go")


def _announce(reached: Path) -> None:
    scratch = reached.with_suffix(f".{os.getpid()}")
    scratch.write_text(str(os.getpid()))
    scratch.rename(reached.with_name(f"{reached.name}.pid"))


def _wait_for(go: Path) -> None:
    deadline = time.monotonic() + WAIT_LIMIT_S
    while not go.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
