"""Running a git, or another program, that reads what others have sent, to its end, under limits.

What it says is others' words, too: no more of it is kept than is of use, however long it goes on.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

from stratum.limits import Limits

MOST_SAID = 4 << 20  # bytes
MOST_ERRORS = 16 << 10  # bytes, of the last
LOOK_EVERY_S = 1.0
_CHUNK = 64 << 10


class TookTooLong(Exception):
    """It was ended, for its time was over."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a git has ended.

    Attributes:
        status: negative: by a signal.
        said: on its standard output; more than MOST_SAID: it was ended for that.
        errors: the last of what it said of itself.
    """

    status: int
    said: bytes
    errors: bytes

    @property
    def is_cut(self) -> bool:
        """Whether it would have said more."""
        return len(self.said) > MOST_SAID


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run.

    Attributes:
        words: the program's, without its name.
        given: a few bytes for its standard input.
        output: a descriptor for its standard output; by default that is kept.
        passed: descriptors that it inherits besides.
        program: git, or what begins another.
    """

    words: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    given: bytes = b""
    output: int = PIPE
    passed: Sequence[int] = ()
    program: Sequence[str] = ("git",)


def run(order: Order, limits: Limits, look: Callable[[], object] = bool) -> Ran:
    """Run a git to its end, and end what it leaves.

    Args:
        look: called once a second meanwhile; what it raises ends the git.

    Raises:
        TookTooLong: it takes longer than the limits allow.
    """
    # It does not outlive us: who takes over begins anew, in the same folder.
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", *order.program, *order.words],
        cwd=order.folder,
        env=dict(order.environ),
        stdin=PIPE,
        stdout=order.output,
        stderr=PIPE,
        start_new_session=True,
        pass_fds=order.passed,
    )
    limits.apply(process.pid)
    try:
        _give(process, order.given)
        said, errors = _heard(process, time.monotonic() + limits.timeout_s, look)
    finally:
        _end(process)
    return Ran(process.returncode, bytes(said), bytes(errors))


def _give(process: "subprocess.Popen[bytes]", given: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(given)
        process.stdin.close()


def _heard(
    process: "subprocess.Popen[bytes]", until: float, look: Callable[[], object]
) -> tuple[bytearray, bytearray]:
    """Hear what it says until it has ended, or says too much."""
    said, errors = bytearray(), bytearray()
    looked_at = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, said), (process.stderr, errors)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, kept)
        while selector.get_map() and len(said) <= MOST_SAID:
            _hear(selector, errors)
            if time.monotonic() > until:
                raise TookTooLong
            if time.monotonic() - looked_at > LOOK_EVERY_S:
                look()
                looked_at = time.monotonic()
    if len(said) <= MOST_SAID:
        _await(process, until)
    return said, errors


def _hear(selector: selectors.BaseSelector, errors: bytearray) -> None:
    for key, _ in selector.select(LOOK_EVERY_S):
        chunk = os.read(key.fd, _CHUNK)
        if not chunk:
            selector.unregister(key.fileobj)
        key.data.extend(chunk)
    del errors[:-MOST_ERRORS]


def _await(process: "subprocess.Popen[bytes]", until: float) -> None:
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise TookTooLong from error


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of a git: what it has started shares its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
