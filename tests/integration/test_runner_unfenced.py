"""The rollouts once more as an ordinary user, where root runs the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NOBODY = "65534"


@pytest.mark.parametrize(
    "module",
    [
        "test_runner_rollouts",
        "test_release_folders",
        "test_release_phase",
        "test_engines_ends",
    ],
)
@pytest.mark.skipif(os.getuid() != 0, reason="the other modules run as an ordinary user already")
def test_rollouts_work_as_an_ordinary_user(module: str) -> None:
    root = Path(__file__).parents[2]
    argv = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", sys.executable, "-m", "pytest"]
    ran = subprocess.run(
        [*argv, "-q", "-p", "no:cacheprovider", f"tests/integration/{module}.py"],
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
