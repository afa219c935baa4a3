"""Run the command of a description once, as a process of its app: what a startup check may ask for.

The launcher becomes the app's uid before it reads the description, so root never sees the command.
"""

import sys
from pathlib import Path

from stratum.door import spawn
from stratum.door.strays import Strays
from stratum.fence import Fence
from stratum.layout import Layout

MAX_SAID = 4096  # characters of what it printed last
_LAUNCHER = Path(__file__).resolve().parents[2] / "runner" / "engines" / "supervisord" / "launch.py"


def run(layout: Layout, fence: Fence, app_id: int, process: str, timeout_s: float) -> tuple[int | None, str]:
    """Run it to its end; return its exit code, and the last of what it said.

    Without an exit code it took longer than it may, and was ended with all that it has started.
    """
    try:
        code, said = spawn.capture(_program(layout, fence, app_id, process), timeout_s)
    except TimeoutError:
        strays = Strays(layout, fence)
        strays.end(lambda: strays.of_process(process))
        return None, ""
    return code, said[-MAX_SAID:]


def _program(layout: Layout, fence: Fence, app_id: int, process: str) -> spawn.Program:
    python = str(getattr(sys, "_base_executable", sys.executable))
    uids = (fence.app_uid(app_id), fence.first_app_uid, fence.last_app_uid, fence.service_uid)
    argv = (python, "-IS", str(_LAUNCHER), str(layout.description(process)), layout.instance_id)
    return spawn.Program((*argv, *map(str, uids)), {}, Path("/"), None)
