"""What a crash-looping process said last, with the values of its variables masked.

Who lists processes may read their logs, but a list is also what gets passed on: into tickets, chats,
and the answers of tools.
"""

from collections.abc import Mapping

from gitserver.services import Services
from stratum import secrets
from stratum.buildlog import last_lines
from stratum.errors import Unavailable
from stratum.masking import Mask
from stratum.processes import Process
from stratum.store import releases

LINES = 10


def last_said(services: Services, process: Process) -> list[str]:
    """Return the last lines; none for a process that is well, and where nothing could be masked."""
    crash = process.crash
    if crash is None:
        return []
    try:
        mask = Mask(_variables(services, crash.app_id, process.release))
    except Unavailable:
        return []
    path = services.instance.layout.process_log(crash.app_id, crash.process)
    return last_lines(path, LINES, mask.whole)


def _variables(services: Services, app_id: int, version: int) -> Mapping[str, str]:
    with services.database.read() as tx:
        release = releases.find_release(tx, app_id, version)
        sealed = None if release is None else releases.get_config(tx, app_id, release.config_version)
    return secrets.unseal(services.instance.layout.config_key, sealed)
