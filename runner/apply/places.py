"""How many rollouts may take long at once, so that others always find an applier."""

import logging

from runner.apply.parts import Parts
from stratum.buildlog import ARROW, Log, last_lines
from stratum.queue import MOST_PHASES
from stratum.store import builds

log = logging.getLogger(__name__)

_WAITS = (
    "Waiting: {} release phases, startup checks, rounds or slow stops of other apps are under way, "
    "as many as may be at once"
)


def phases_at_once(parts: Parts) -> int:
    """How many rollouts that may take long there may be at once."""
    return MOST_PHASES * parts.instance.settings.appliers


def say_waits(parts: Parts, build_id: int | None) -> None:
    """Tell those who follow a build, once, what its release waits for."""
    if build_id is None:
        return
    with parts.database.read() as tx:
        build = builds.get_build(tx, build_id)
    said = _WAITS.format(phases_at_once(parts))
    try:
        with Log(parts.instance.layout.build_log(build.app_id, build.number)) as lines:
            if ARROW + said not in last_lines(lines.path, 1):
                lines.step(said)
    except OSError as error:
        log.warning("the log of build %d of app %d: %s", build.number, build.app_id, error)
