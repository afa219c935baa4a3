"""Running one hook script to its end, with all that it has started."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MAX_OUTPUT_BYTES = 64 << 10  # the rest is read and left out
_LOOK_EVERY_S = 0.1
_CHUNK = 8 << 10


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script has ended.

    Attributes:
        trouble: why it has not succeeded, a clause; empty: it has.
        output: what it has printed, as it came.
    """

    trouble: str
    seconds: float
    output: bytes


def run(
    path: Path, environ: Mapping[str, str], told: str, limit_s: float, look: Callable[[], object]
) -> Ended:
    """Run a script in a session of its own, and end what it leaves.

    Args:
        told: for its standard input.
        look: called ten times a second; what it raises ends the script.
    """
    began = time.monotonic()
    # It does not outlive us: who takes over runs it once more.
    argv = ["setpriv", "--pdeathsig", "KILL", "--", str(path)]
    with _readable(told) as stdin:
        try:
            process = subprocess.Popen(
                argv,
                env=dict(environ),
                cwd="/",
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return Ended(f"could not be started: {error.strerror}", 0.0, b"")
    with process:
        output, is_late = _awaited(process, began + limit_s, look)
    seconds = time.monotonic() - began
    trouble = f"was ended after {limit_s:.0f} s" if is_late else _trouble(process.returncode, seconds)
    return Ended(trouble, seconds, output)


def _awaited(
    process: "subprocess.Popen[bytes]", until: float, look: Callable[[], object]
) -> tuple[bytes, bool]:
    """Read what it prints until it has ended; whether it had to be ended for being late."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    os.set_blocking(pipe, False)
    output = bytearray()
    try:
        while not _has_ended(process.pid):
            look()
            if time.monotonic() > until:
                return bytes(output), True
            select.select([pipe], [], [], _LOOK_EVERY_S)
            if not _read(pipe, output):
                time.sleep(_LOOK_EVERY_S / 10)  # it has closed its output, and goes on
        _read(pipe, output)
        return bytes(output), False
    finally:
        # Its group still has its number: the first of it is not waited for yet.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _read(pipe: int, output: bytearray) -> bool:
    """Read what there is; False at the end."""
    while True:
        try:
            chunk = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        output += chunk[: max(0, MAX_OUTPUT_BYTES - len(output))]


def _trouble(status: int, seconds: float) -> str:
    if status == 0:
        return ""
    if status < 0:
        return f"was ended by {_signal_name(-status)} after {seconds:.1f} s"
    return f"ended with exit code {status} after {seconds:.1f} s"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most of the real-time ones have none
        return f"signal {number}"


class _readable:
    """A file without a name that a program can read a text from, however long it is."""

    def __init__(self, text: str) -> None:
        self._descriptor = os.memfd_create("news")
        with os.fdopen(os.dup(self._descriptor), "wb") as file:
            file.write(text.encode())
        os.lseek(self._descriptor, 0, os.SEEK_SET)

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
