"""A hang while a test's parts are put away must end the process, and say where it was."""

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
HANGS = """
import threading
import pytest

@pytest.fixture
def part():
    yield
    threading.Event().wait()

def test_it(part):
    threading.Event().wait()
"""


def test_a_test_that_hangs_and_then_its_fixture_too_ends_and_is_told(tmp_path: Path):
    tests = tmp_path / "test_them.py"
    tests.write_text(HANGS)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.hanging", "--timeout", "0.5", "-n", "1", str(tests)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1, done.stdout
    assert "Timeout" in done.stdout
    assert "crashed while running 'test_them.py::test_it'" in done.stdout
    assert 'test_them.py", line 8 in part' in done.stderr
