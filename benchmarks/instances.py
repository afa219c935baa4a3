"""A Stratum to measure: the tests' own, with the defaults a person gets."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.served import Served

SETTLE_S = 3.0


@contextmanager
def fresh(**settings: str) -> Iterator[Served]:
    """Start one in a temporary folder, signed in and at rest; stop and remove it at the end."""
    served = Served.in_new_folder(**settings)
    try:
        served.up()
        served.login()
        time.sleep(SETTLE_S)
        yield served
    finally:
        served.end()
