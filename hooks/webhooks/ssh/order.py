"""What the program that speaks SSH is told, and what it answers, each by a pipe of its own.

No argument, no variable and no file has it, as the order holds a private key.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from io import FileIO
from typing import Any

MAX_BYTES = 8_000  # of either; two pages, which a pipe takes without a reader at the least (pipe(7))
MAX_DETAIL = 1_000  # characters, of the last: the other server's words may have any number


class Verdict(StrEnum):
    """How it went."""

    DONE = "done"  # whatever git makes of it
    HOST_KEY = "host-key"  # it is not the server that was expected
    DENIED = "denied"  # the server does not take the deploy key
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Order:
    """Whom to ask for what.

    Attributes:
        address: to connect to, as it was looked up and checked.
        command: empty: only the host key is asked for.
        host_keys: lines, of which the server must prove to have one.
        private_keys: offered in this order.
        sign_in_s: from connecting to the deploy key's being taken, or the host key's being shown.
        patience_s: after which a server that is asked something has to have said something.
    """

    address: str
    port: int
    user: str = ""
    command: str = ""
    host_keys: tuple[str, ...] = ()
    private_keys: tuple[str, ...] = ()
    sign_in_s: float = 30.0
    patience_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """How it went.

    Attributes:
        detail: a clause; in it the other server may have its own words.
        host_key: the line of the one that the server has shown, where that was of interest.
    """

    verdict: Verdict
    detail: str = ""
    host_key: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it went well, as far as SSH is concerned."""
        return self.verdict is Verdict.DONE


@dataclass(frozen=True, slots=True)
class Pipes:
    """The program's ends of both, to be handed on to it, and our end of what it answers.

    Attributes:
        passed: descriptors: where its order comes from, and where its answer goes.
    """

    passed: tuple[int, int]
    answers: int

    def answer(self) -> Answer | None:
        """Return what was answered until now; None: nothing, as by a program that was killed."""
        with suppress(BlockingIOError, ValueError, TypeError, KeyError):
            said = json.loads(os.read(self.answers, MAX_BYTES))
            return Answer(Verdict(said["verdict"]), said["detail"], said["host_key"])
        return None


@contextmanager
def pipes(order: Order) -> Iterator[Pipes]:
    """Hand an order over, once: who reads it leaves nothing to those who come after."""
    with ExitStack() as ends:
        order_read, order_write = _pipe(ends)
        answer_read, answer_write = _pipe(ends)
        order_write.write(json.dumps(asdict(order)).encode())
        order_write.close()
        os.set_blocking(answer_read.fileno(), False)
        yield Pipes((order_read.fileno(), answer_write.fileno()), answer_read.fileno())


def take(descriptor: int) -> Order:
    """Read the order; afterwards nobody can."""
    said: dict[str, Any] = json.loads(os.read(descriptor, MAX_BYTES))
    os.close(descriptor)
    said |= {name: tuple(said[name]) for name in ("host_keys", "private_keys")}
    return Order(**said)


def give(descriptor: int, answer: Answer) -> None:
    """Answer, without waiting for anybody to read it."""
    kept = replace(answer, detail=answer.detail[-MAX_DETAIL:])
    os.write(descriptor, json.dumps(asdict(kept), ensure_ascii=False).encode("utf-8", "replace"))
    os.close(descriptor)


def _pipe(ends: ExitStack) -> list[FileIO]:
    """Make a pipe that is closed with others: its end to read from, and its end to write to."""
    return [ends.enter_context(FileIO(end, mode)) for end, mode in zip(os.pipe(), "rw", strict=True)]
