"""Records of builds, each with its log, and of rollouts, that are old enough to go."""

import logging

from runner.apply.parts import Parts
from stratum.door import disk
from stratum.store import records

log = logging.getLogger(__name__)


def prune_builds(parts: Parts) -> int:
    """Remove a number of them, and return how many.

    The logs go first, and for good: cut off in between, it is done again, and no log stays that belongs to
    nothing.
    """
    with parts.database.read() as tx:
        old = records.old_builds(tx, parts.instance.settings.keep_builds)
    if not old:
        return 0
    logs = [parts.instance.layout.build_log(build.app_id, build.number) for build in old]
    for path in logs:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in logs}:
        disk.sync(folder)
    with parts.database.write() as tx:
        records.remove(tx, old)
    log.info("removed the records of %d old builds", len(old))
    return len(old)


def prune_rollouts(parts: Parts) -> int:
    """Remove a number of them, and return how many."""
    with parts.database.read() as tx:
        old = records.old_rollouts(tx, parts.instance.settings.keep_builds)
    if not old:
        return 0
    with parts.database.write() as tx:
        records.remove_rollouts(tx, old)
    log.info("removed the records of %d old rollouts", len(old))
    return len(old)
