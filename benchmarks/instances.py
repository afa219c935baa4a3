"""A Stratum to measure: the tests' own, with the defaults a person gets.

BENCH_FOLDER chooses where it lies, /tmp if it is not set. ext4 is slow to make files where many were
removed in the last five minutes: it passes over each of them (ext4/ialloc.c, `recently_deleted`). What
makes many files is therefore best measured on a file system of its own, and removes nothing until its end.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.served import Served

SETTLE_S = 3.0


def new_folder(prefix: str) -> Path:
    """Make a folder that every account can reach."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("BENCH_FOLDER", "/tmp")))
    folder.chmod(0o755)
    return folder


@contextmanager
def fresh(**settings: str) -> Iterator[Served]:
    """Start one in a temporary folder, signed in and at rest; stop and remove it at the end."""
    served = Served(new_folder("stratum-bench-"), settings=settings)
    try:
        served.up()
        served.login()
        time.sleep(SETTLE_S)
        yield served
    finally:
        served.end()
