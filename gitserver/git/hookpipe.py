"""Two pipes through git to its pre-receive hook: it asks, the request that started git answers.

The pipes are the capability: no port, no token, no second thread, and whoever answers knows the
user. When this process dies the hook reads EOF and refuses. git passes the descriptors on to the
hook; receive.autogc=false keeps a background gc from holding them.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from gitserver.git.commands import ref_name
from stratum.model import RefUpdate

_FIELDS = 3  # at least: quarantine (may be empty), lines, an empty field, what follows the last NUL
MAX_ANSWER = 60_000  # the pipe takes 64 KiB without anybody reading, so answering never blocks


@dataclass(frozen=True, slots=True)
class Question:
    """What the hook asks.

    Attributes:
        quarantine: where objects lie that are not accepted yet; empty when none were sent.
    """

    quarantine: str
    updates: tuple[RefUpdate, ...]


class HookPipe:
    """Our ends of the pipes, and until `started` also git's."""

    def __init__(self) -> None:
        self._ask, self._ask_child = os.pipe()
        self._answer_child, self._answer = os.pipe()
        self._open = {self._ask, self._ask_child, self._answer_child, self._answer}
        self._received = b""

    def environ(self) -> dict[str, str]:
        """Variables that tell the hook script its ends."""
        return {"STRATUM_ASK": str(self._ask_child), "STRATUM_ANSWER": str(self._answer_child)}

    def child_ends(self) -> tuple[int, int]:
        """Descriptors that git must inherit."""
        return self._ask_child, self._answer_child

    def started(self) -> None:
        """Close git's ends on our side, so that the death of either is seen by the other."""
        self._close(self._ask_child, self._answer_child)

    def fileno(self) -> int:
        """Descriptor that becomes readable when the hook asks, or git has ended."""
        return self._ask

    def read(self) -> Question | None:
        """Read what is there; return a question once it is whole.

        Raises:
            EOFError: git has ended.
        """
        data = os.read(self._ask, 65536)
        if not data:
            raise EOFError
        self._received += data
        fields = self._received.split(b"\0")
        if len(fields) < _FIELDS or fields[-2] or fields[-1]:
            return None
        self._received = b""
        quarantine, *lines = fields[:-2]
        return Question(os.fsdecode(quarantine), tuple(map(_update, lines)))

    def answer(self, code: int, lines: Iterable[str] = ()) -> None:
        """Let the hook say lines and exit; a hook that is gone is as good as told."""
        said = bytearray()
        for line in lines:
            encoded = b"o" + line.encode("utf-8", "replace").replace(b"\n", b" ") + b"\n"
            if len(said) + len(encoded) <= MAX_ANSWER:
                said += encoded
        try:
            os.write(self._answer, bytes(said) + b"x%d\n" % code)
        except BrokenPipeError:
            return

    def close(self) -> None:
        """Close all that is still open; a hook that waits then refuses."""
        self._close(*self._open)

    def _close(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            if descriptor in self._open:
                self._open.discard(descriptor)
                os.close(descriptor)


def _update(line: bytes) -> RefUpdate:
    old, new, ref = line.split(b" ", 2)
    return RefUpdate(ref_name(ref), old.decode(), new.decode())
