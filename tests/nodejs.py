"""Node.js for tests: there, or a clear skip; where CI is set nothing is skipped silently."""

import os
import shutil

import pytest

MISSING = [program for program in ("node", "npm") if shutil.which(program) is None]
REASON = f"needs {' and '.join(MISSING)}: as root, sh scripts/test_needs.sh"


def need_node() -> None:
    """Skip the test module where there is no Node.js, or fail it in CI."""
    if not MISSING:
        return
    if os.environ.get("CI"):
        pytest.fail(REASON, pytrace=False)
    pytest.skip(REASON, allow_module_level=True)
