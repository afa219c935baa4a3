"""Starting a program without a copy of supervisord. Loaded into supervisord.

A fork copies the tables of all its pages, and later each page that either side writes to: 4 ms of processor
with 3,000 programs, and with 10 as much for what Python does in the child. posix_spawn(3) does neither.
"""

import os
from collections.abc import Mapping

_NO_SUCH = "/nowhere"


def start(program: str, argv: list[str], pipes: Mapping[str, int]) -> int:
    """Start a program in a session of its own, with nothing of ours but its pipes; return its pid.

    Raises:
        OSError: it could not be started.
    """
    ends = {0: pipes["child_stdin"], 1: pipes["child_stdout"], 2: pipes["child_stdout"]}
    actions = [(os.POSIX_SPAWN_DUP2, end, number) for number, end in ends.items()]
    environment = os.environ  # noqa: TID251 - supervisord's own, of which the launcher passes nothing on
    return os.posix_spawn(program, argv, environment, file_actions=actions, setsid=True, setsigmask=())


def can_start() -> bool:
    """Whether this Python can: one that was built with glibc before 2.26 has no sessions here."""
    try:
        os.posix_spawn(_NO_SUCH, [_NO_SUCH], {}, setsid=True)
    except NotImplementedError:
        return False
    except OSError:
        pass
    return True
