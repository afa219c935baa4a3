"""End a process of tests that hangs while it puts a test's parts away.

pytest-timeout stops its clock once a test has failed, as by its own limit (`pytest_exception_interact` of
2.4), and pytest's faulthandler does the same. So a test that hung, and whose fixtures then waited for the
same thing, held a whole run up until its machine's time was over, and said nothing.
"""

import faulthandler
import os
from collections.abc import Generator
from typing import cast

import pytest

_STDERR = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is the run's own stderr, before each test has one that is kept for its report."""
    config.stash[_STDERR] = os.dup(2)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Give it as long again as a test may take; then say where it hangs, and end: xdist makes another."""
    limit_s = float(item.config.getoption("timeout") or cast("str", item.config.getini("timeout")))
    faulthandler.dump_traceback_later(limit_s, exit=True, file=item.config.stash[_STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
