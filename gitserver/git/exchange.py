"""One git program in conversation: fed from a request's body, read as it answers, by one thread.

The memory it takes is one chunk each way. The program has a process group of its own, so that what
it started ends with it, and limits (stratum/limits.py).
"""

import logging
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO

from gitserver.git.body import CHUNK, BadBody, BodyTooLarge, BodyTooSlow
from gitserver.git.client import GONE, Client
from gitserver.git.deadline import Deadline
from gitserver.git.ending import TERM_GRACE_S, end_children, end_group, ends_within
from stratum.limits import Limits

Handler = Callable[[], bytes | None]

log = logging.getLogger(__name__)

GRACE_S = 10.0  # for git to end by itself once it has said all
ABANDONED_GRACE_S = 0.5  # and once nobody listens, unless it is deep in a pack
MAX_STDERR = 2048
POLL_MS = 500  # between looks at the clock

# What may follow a pack that was taken: the end of the chunks. Who was refused may still be sending.
AFTER_TAKEN_BYTES = 65536
AFTER_S = 2.0


class Exchange:
    """The program and its pipes.

    Args:
        pass_fds: descriptors that it inherits besides.
        limits: in force for it and all it starts; the time counts for the whole exchange.

    Attributes:
        has_timed_out: whether it was ended because it took longer than the limits allow.
        fed: bytes that it has been given.
        has_surplus: whether the client sends more than it needs.
        was_too_slow: whether that was the client's doing, who did not send as quickly as it must.
    """

    def __init__(  # noqa: PLR0913  # the call of a program, and its two ends
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        body: Iterator[bytes],
        client: Client,
        pass_fds: Sequence[int] = (),
        *,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        self._process = subprocess.Popen(
            argv,
            env=environ,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=pass_fds,
        )
        limits.apply(self._process.pid)
        self._stdin = _without_blocking(self._process.stdin)
        self._stdout = _without_blocking(self._process.stdout)
        self._stderr = _without_blocking(self._process.stderr)
        self._body, self._client = body, client
        self._chunk = memoryview(b"")
        self._body_read = False
        self._said = b""  # on stderr
        self._deadline = Deadline(limits.timeout_s)
        self._abandoned = self._pressed = False
        self._has_enough = self.has_surplus = False
        self.fed = 0
        self.has_timed_out = self.was_too_slow = False
        self._poll = select.poll()
        self._handlers: dict[int, Handler] = {}
        self.watch(self._stdout.fileno(), self._read_output)
        self.watch(self._stderr.fileno(), self._read_stderr)
        self._client_fileno = client.fileno()  # which the client forgets once it is gone
        if self._client_fileno >= 0:
            self.watch(self._client_fileno, self._see_client_go, GONE)

    @property
    def pid(self) -> int:
        """Process id of the program, and of its group."""
        return self._process.pid

    def watch(self, descriptor: int, handler: Handler, events: int = select.POLLIN) -> None:
        """Call the handler in `step` when the descriptor is ready; what it returns counts as output."""
        self._handlers[descriptor] = handler
        self._poll.register(descriptor, events)

    def unwatch(self, descriptor: int) -> None:
        """Watch it no more; one that is not watched is let be."""
        if self._handlers.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def step(self) -> bytes | None:
        """Wait for something to happen; return output, maybe none, or None when there will be no more."""
        self._refill()
        if self._stdout.fileno() not in self._handlers:
            return None
        if self._deadline.has_passed:
            self._press()
        output = b""
        for descriptor, _ in self._poll.poll(POLL_MS):
            handler = self._handlers.get(descriptor)
            output += (handler() if handler else None) or b""
        return output

    @property
    def is_sent_all(self) -> bool:
        """Whether the body has been read to its end."""
        return self._body_read

    def abandon(self) -> None:
        """Feed no more, and end the program if it has not ended soon."""
        self._feed_no_more()
        self._abandoned = True
        self._deadline.shorten(ABANDONED_GRACE_S)

    def has_enough(self) -> None:
        """See that the body ends, and read no more of it until `drain`: git asks, so it has all it needs."""
        if not self._has_enough:
            self.has_surplus = bool(self._chunk)
            self._take_no_more()
            self.has_surplus |= not self._body_read and self._discard(1)

    def drain(self) -> None:
        """Read what the client still sends when git has ended: it must have sent all before it reads.

        After what was taken nothing should follow, so there is little patience for it.
        """
        self._take_no_more()
        if self._body_read or self._client.is_gone():
            return
        if not self._deadline.is_paused:
            self._client.pace.allow_at_least(AFTER_S)
            self._discard(sys.maxsize)
        else:
            self._client.pace.allow(AFTER_S)
            self._discard(AFTER_TAKEN_BYTES)

    def pause(self) -> None:
        """Let no time count until `resume`: git waits for others, or must not be ended now."""
        self._deadline.pause()

    def resume(self) -> None:
        """Let time count again."""
        self._deadline.resume()

    def end(self) -> None:
        """End a program that only reads, and so leaves nothing behind: at once if it is still at work."""
        self._stop_feeding()
        if self._stdout.fileno() in self._handlers:
            end_group(self.pid)
        self.close()

    def close(self) -> int:
        """Wait for the end of the program, enforce it if need be, and return its exit status."""
        for pipe in (self._stdin, self._stdout, self._stderr):
            pipe.close()
        if not ends_within(self.pid, GRACE_S):
            end_group(self.pid)
        code = self._process.wait()
        if code and self._said:
            said = self._said.decode("utf-8", "replace").strip()
            log.info("git (pid %d) ended with %d: %s", self.pid, code, said)
        return code

    # -- feeding
    def _refill(self) -> None:
        """Have a chunk to write; this is where we wait for a slow client."""
        while not (self._chunk or self._body_read or self._has_enough or self._deadline.has_passed):
            try:
                chunk = next(self._body, b"")
            except BodyTooSlow:
                self.was_too_slow = True
                self._press()
                return
            except (OSError, BadBody, BodyTooLarge) as error:
                log.info("body of a git request (pid %d) was cut: %s", self.pid, error)
                self._client.left()
                self.abandon()
                return
            if not chunk:
                self._body_read = True
                self._stop_feeding()
            elif not self._stdin.closed:
                self._chunk = memoryview(chunk)
                self.watch(self._stdin.fileno(), self._write, select.POLLOUT)
            # else: git has had enough, but the client must have sent all before it reads our answer

    def _take_no_more(self) -> None:
        self._has_enough = True
        self._stop_feeding()
        self._chunk = memoryview(b"")

    def _discard(self, limit: int) -> bool:
        """Read the body to its end, or to the limit, or as long as the client may; return if more came."""
        read = 0
        try:
            while read < limit and (chunk := next(self._body, b"")):
                read += len(chunk)
        except BodyTooSlow:
            log.info("the client of a git (pid %d) that has all sends on", self.pid)
            return True
        except (OSError, BadBody, BodyTooLarge) as error:
            log.info("body of a git request (pid %d) was cut: %s", self.pid, error)
            self._client.left()
        self._body_read = read < limit
        return read > 0

    def _write(self) -> None:
        try:
            written = os.write(self._stdin.fileno(), self._chunk)
            self._chunk, self.fed = self._chunk[written:], self.fed + written
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._stop_feeding()
            self._chunk = memoryview(b"")
        if not self._chunk and not self._stdin.closed:
            self.unwatch(self._stdin.fileno())

    def _feed_no_more(self) -> None:
        self._stop_feeding()
        self._body_read = True
        self._chunk = memoryview(b"")

    def _stop_feeding(self) -> None:
        if not self._stdin.closed:
            self.unwatch(self._stdin.fileno())
            self._stdin.close()

    def _see_client_go(self) -> None:
        self.unwatch(self._client_fileno)
        self._client.left()
        self.abandon()

    # -- reading
    def _read_output(self) -> bytes:
        data = _read(self._stdout)
        if data == b"":
            self.unwatch(self._stdout.fileno())
        return data or b""

    def _read_stderr(self) -> None:
        data = _read(self._stderr)
        if data == b"":
            self.unwatch(self._stderr.fileno())
        self._said = (self._said + (data or b""))[-MAX_STDERR:]

    # -- ending
    def _press(self) -> None:
        """End what the program started, which it then tells and tidies up; the next time all of it."""
        log.warning("ending git (pid %d), whose time is over", self.pid)
        if self._pressed:
            end_group(self.pid)
            self.unwatch(self._stdout.fileno())
            return
        self._pressed, self.has_timed_out = True, not self._abandoned
        self._feed_no_more()
        end_children(self.pid)
        self._deadline = Deadline(TERM_GRACE_S)


def _without_blocking(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    os.set_blocking(pipe.fileno(), False)
    return pipe


def _read(pipe: IO[bytes]) -> bytes | None:
    """Return what is there, nothing at the end, None when there is nothing yet."""
    try:
        return os.read(pipe.fileno(), CHUNK)
    except BlockingIOError:
        return None
