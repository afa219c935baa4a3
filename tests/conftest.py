"""How a run of many tests is shared out, and fixtures of the tests on a whole instance."""

import os
import signal
import sys

import pytest

from tests.forking import ease
from tests.hanging import pytest_configure, pytest_runtest_teardown  # noqa: F401 - hooks
from tests.served import Served

# A shell starts what it sends to the background with SIGINT ignored, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Rewriting all test modules takes 7 s: each process of a run uses what `make lint` or one before has kept.
sys.dont_write_bytecode = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Run one process more than there are cores, since tests also wait: for timers, git and each other."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items):
    """Begin with what takes long, so that at a run's end no process is left alone with much to do."""
    items.sort(key=lambda item: item.get_closest_marker("integration") is None)


def pytest_collection_finish():
    """Make forks cheap, now that the process holds what it will hold for long."""
    ease()


def pytest_report_teststatus(report):
    """Show the line that a round of the soak has left, in place of a letter."""
    line = dict(getattr(report, "user_properties", ())).get("line")  # a failed collection has none
    return (report.outcome, f"\n{line} ", line) if line and report.when == "call" else None


@pytest.fixture(scope="session")
def served():
    """One Stratum for all tests that leave it as they found it but for their own apps."""
    instance = Served.in_new_folder(
        STRATUM_WEB_START_TIMEOUT_S="15",
        STRATUM_STOP_GRACE_S="3",
        STRATUM_TRUST_PUSHERS="true",  # the manual makes a token for CI, as whoever runs the tests
    )
    instance.up()
    instance.login()
    yield instance
    instance.end()


@pytest.fixture
def own():
    """A Stratum of the test's own, to be killed and started at will; not yet up."""
    instance = Served.in_new_folder(STRATUM_STOP_GRACE_S="3")
    yield instance
    instance.end()
