"""Keeping what hook scripts have printed: a file for each event, and the one before it."""

import fcntl
import logging
from datetime import UTC, datetime
from pathlib import Path

from stratum.buildlog import harmless
from stratum.hookscripts.running import Ended

log = logging.getLogger(__name__)

MAX_BYTES = 1 << 20


def keep(folder: Path, name: str, app: str, ended: Ended) -> None:
    """Append a run; that it cannot be kept is no trouble of the deploy's.

    Args:
        folder: of all events.
        name: of the script, with its event.
        app: which it ran for, with its environment.
    """
    at = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    said = f"== {at} {name} for {app}: {ended.trouble or f'succeeded after {ended.seconds:.1f} s'}\n"
    text = harmless(ended.output)
    whole = said.encode() + text + (b"" if text.endswith(b"\n") or not text else b"\n")
    try:
        _append(folder / f"{name.partition('/')[0]}.log", whole)
    except OSError as error:
        log.warning("the output of %s cannot be kept: %s", name, error)


def _append(file: Path, text: bytes) -> None:
    with file.with_name(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # builders, appliers and the web process write here
        if file.exists() and file.stat().st_size > MAX_BYTES:
            file.rename(file.with_name(f"{file.name}.1"))
        with file.open("ab") as open_file:
            open_file.write(text)
