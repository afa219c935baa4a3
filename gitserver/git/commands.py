"""The head of a push: which refs it wants to move, and what its client understands.

`git receive-pack` reads the very same bytes afterwards and decides; we read them for the client's
capabilities, and to refuse names that could forge lines of the receive hook.

Source: gitprotocol-pack(5), "Reference Update Request and Packfile Transfer".
"""

import re
from dataclasses import dataclass

from gitserver.git.body import BadBody, Body, BodyTooLarge
from gitserver.git.pktline import FLUSH, HEADER, pkt, size_of
from stratum.model import RefUpdate

MAX_HEAD = 4 << 20  # some 40,000 refs
_OPTIONS = "push-options"
REPORTS = frozenset(("report-status", "report-status-v2"))

_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\x00-\x1f\x7f]+)\n?")
_SHALLOW = re.compile(rb"shallow [0-9a-f]{40}\n?")


@dataclass(frozen=True, slots=True)
class Head:
    """What precedes the pack.

    Attributes:
        options: what was given with `git push -o`, in order.
        raw: what git is to read: the bytes as they came, but for the options. Those are ours, and git
            would only hand them to its hooks, in an environment that has no room for all.
    """

    updates: tuple[RefUpdate, ...]
    capabilities: frozenset[str]
    raw: bytes
    options: tuple[str, ...] = ()

    @property
    def side_band(self) -> bool:
        """Whether the client takes progress beside the report."""
        return "side-band-64k" in self.capabilities

    @property
    def wants_report(self) -> bool:
        """Whether the client reads a report at all."""
        return bool(self.capabilities & REPORTS)


def read_head(body: Body) -> Head:
    """Read up to the flush that ends the commands, or the options that follow them.

    Raises:
        BadBody: the bytes are no such head.
        BodyTooLarge: they are more than MAX_HEAD.
    """
    lines = _lines(body)
    updates, capabilities = _parsed(lines)
    if _OPTIONS not in capabilities:
        return Head(updates, capabilities, _framed(_with_report(lines, capabilities)))
    options = tuple(line.removesuffix(b"\n").decode("utf-8", "replace") for line in _lines(body))
    kept = [_without_options(line) for line in _with_report(lines, capabilities)]
    return Head(updates, capabilities, _framed(kept), options)


def _lines(body: Body) -> list[bytes]:
    """Read packets up to a flush, or the end of an empty body."""
    lines, total = [], 0
    while size := _size(body.exactly(HEADER)):
        line = body.exactly(size - HEADER)
        if len(line) != size - HEADER:
            raise BadBody(_CUT)
        total += size
        if total > MAX_HEAD:
            raise BodyTooLarge(MAX_HEAD)
        lines.append(line)
    return lines


def _framed(lines: list[bytes]) -> bytes:
    return b"".join(map(pkt, lines)) + FLUSH if lines else b""


def _with_report(lines: list[bytes], capabilities: frozenset[str]) -> list[bytes]:
    """Have git report even to a client that does not want it: by that we know which refs have moved."""
    if capabilities & REPORTS:
        return lines
    first = next((n for n, line in enumerate(lines) if not _SHALLOW.fullmatch(line)), None)
    if first is None:
        return lines
    command, _, words = lines[first].removesuffix(b"\n").partition(b"\0")
    asking = b"%s\0%s report-status" % (command, words)
    return [*lines[:first], asking, *lines[first + 1 :]]


def _without_options(line: bytes) -> bytes:
    command, nul, words = line.partition(b"\0")
    kept = (word for word in words.split(b" ") if word.strip() != _OPTIONS.encode())
    return command + nul + b" ".join(kept)


_CUT = "The request ends within its commands."


def _size(header: bytes) -> int:
    """Length of a packet; 0 for the flush, and for a body that is empty."""
    if not header:
        return 0
    try:
        size = size_of(header)
    except ValueError as error:
        raise BadBody(_CUT) from error
    if 0 < size <= HEADER:
        raise BadBody(_CUT)
    return size


def _parsed(lines: list[bytes]) -> tuple[tuple[RefUpdate, ...], frozenset[str]]:
    updates: list[RefUpdate] = []
    capabilities: frozenset[str] = frozenset()
    for line in lines:
        if _SHALLOW.fullmatch(line):
            continue
        command, nul, words = line.partition(b"\0")
        if nul and not updates:
            capabilities = frozenset(words.decode("utf-8", "replace").split())
        updates.append(_update(command))
    return tuple(updates), capabilities


def _update(command: bytes) -> RefUpdate:
    match = _COMMAND.fullmatch(command)
    if match is None:
        message = f"{command[:200]!r} is no command of a push."
        raise BadBody(message)
    old, new, ref = match.groups()
    return RefUpdate(ref_name(ref), old.decode(), new.decode())


def ref_name(name: bytes) -> str:
    """Decode a ref; bytes that are not UTF-8 survive as surrogates, for the policy to refuse."""
    return name.decode("utf-8", "surrogateescape")
