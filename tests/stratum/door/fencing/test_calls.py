"""Which system calls a program is refused, asked of the kernel itself."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from stratum.door.fencing import calls
from stratum.door.spawn import Program, capture

pytestmark = pytest.mark.skipif(bool(calls.missing()), reason="no filter is known for this machine")

TRY = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
try:
    print(eval(sys.argv[1]) == -1 and ctypes.get_errno())
except OSError as error:
    print(error.errno)
"""


def said_of(text: str) -> str:
    argv = (sys.executable, "-IS", "-c", TRY, text)
    code, said = capture(Program(argv, {}, Path("/"), None, refused=calls.filter_()), 30)
    assert code == 0, said
    return said.strip()


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("libc.unshare(0x10000000)", "EPERM"),
        ("libc.unshare(0x10020000)", "EPERM"),
        ("os.memfd_create('x')", "ENOSYS"),
        ("socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)", "EAFNOSUPPORT"),
        ("libc.shmget(0, 1 << 20, 0o1600)", "EINVAL"),
        ("libc.shmget(0, ctypes.c_size_t(1 << 32), 0o1600)", "EINVAL"),
        ("libc.syscall(435, 0, 0)", "ENOSYS"),
        ("libc.syscall(425, 1, 0)", "ENOSYS"),
    ],
)
def test_what_leads_round_a_fence_or_a_limit_is_refused(call: str, reason: str):
    assert said_of(call) == str(getattr(errno, reason))


@pytest.mark.parametrize(
    "call",
    [
        "socket.socket(socket.AF_UNIX) and 0",
        "socket.socket(socket.AF_INET6) and 0",
        "os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)[1]",
        "os.eventfd(0) and 0",
        "__import__('_thread').start_new_thread(print, ('', )) and 0",
    ],
)
def test_what_programs_need_is_not(call: str):
    assert said_of(call).split()[-1] == "False"


def test_bubblewraps_first_process_sets_the_same_filter():
    orders, number = calls.filter_(), calls.number()
    program = (
        f"from stratum.door import prctl; prctl.gain_no_privileges();"
        f"from stratum.door.fencing.bubble_first import confine; confine({orders!r}, {number});"
        "import os; os.memfd_create('x')"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "OSError: [Errno 38]" in ended.stderr
