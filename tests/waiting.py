"""Waiting for what will happen, instead of sleeping for as long as it may take."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(predicate: Callable[[], T], timeout: float = 30.0) -> T:
    """Ask until the answer is true, return it; fail after `timeout` seconds; a busy machine takes many."""
    deadline = time.monotonic() + timeout
    while not (answer := predicate()):
        if time.monotonic() > deadline:
            message = f"still {answer!r} after {timeout} s"
            raise AssertionError(message)
        time.sleep(0.01)
    return answer
