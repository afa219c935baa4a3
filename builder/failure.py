"""Whatever stops a build, as the failure that its pusher is told."""

import logging
import uuid

from builder.bench import Bench
from stratum.errors import BuildFailed, StratumError

log = logging.getLogger(__name__)


def explained(bench: Bench, error: Exception) -> BuildFailed:
    """Say what failed at the work at hand; what is nobody's plan gets a number and a traceback in the log."""
    build = bench.build
    if isinstance(error, BuildFailed):
        return error
    if isinstance(error, StratumError):
        log.warning("build %d of app %d: %s", build.number, build.app_id, error)
        return bench.broken(error.message, error.hint)
    if isinstance(error, OSError):
        log.error("build %d of app %d", build.number, build.app_id, exc_info=error)
        return bench.broken(error.strerror or str(error))
    error_id = uuid.uuid4().hex[:8]
    log.error("build %d of app %d: internal error %s", build.number, build.app_id, error_id, exc_info=error)
    hint = "Give the operator this number: the server's log has more."
    return BuildFailed(bench.doing, f"Internal error ({error_id}).", hint=hint)
