"""Waiting for what will happen, instead of sleeping for as long as it may take."""

import glob
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import RemoteDisconnected
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
TRIES = 5
SHORTEST_REST_S, LONGEST_REST_S = 0.01, 0.1  # some states last a second only


def wait_until(predicate: Callable[[], T], timeout: float = 30.0) -> T:
    """Ask until the answer is true, return it; fail after `timeout` seconds; a busy machine takes many.

    It rests for as long as asking takes: what is asked may be what is waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        asked_at = time.monotonic()
        if answer := predicate():
            return answer
        now = time.monotonic()
        if now > deadline:
            message = f"still {answer!r} after {timeout} s"
            raise AssertionError(message)
        time.sleep(min(LONGEST_REST_S, max(SHORTEST_REST_S, now - asked_at)))


def asked(ask: Callable[[], T]) -> T:
    """Ask through the router, again where it closes the connection: it does so with new ones while it loads.

    A browser does the same. That no request fails is for those tests to see that keep their connections.
    """
    for _ in range(TRIES - 1):
        with suppress(ConnectionResetError, RemoteDisconnected):
            return ask()
    return ask()


def found(folder: Path, pattern: str) -> list[str]:
    """What matches below a folder; `Path.glob` fails where a folder goes while it looks."""
    return glob.glob(pattern, root_dir=folder, recursive=True, include_hidden=True)  # noqa: PTH207
