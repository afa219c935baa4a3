"""The head of a push: which refs it wants to move, and what its client understands.

`git receive-pack` reads the very same bytes afterwards and decides; we read them for the client's
capabilities, and to refuse names that could forge lines of the receive hook.

Source: gitprotocol-pack(5), "Reference Update Request and Packfile Transfer".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gitserver.git.body import BadBody, Body, BodyTooLarge
from gitserver.git.pktline import FLUSH, HEADER, REPORT, pkt, side_band, size_of
from stratum.model import RefUpdate

MAX_HEAD = 4 << 20  # some 40,000 refs

_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\x00-\x1f\x7f]+)\n?")
_SHALLOW = re.compile(rb"shallow [0-9a-f]{40}\n?")


@dataclass(frozen=True, slots=True)
class Head:
    """What precedes the pack.

    Attributes:
        raw: the bytes as they came, for git to read again.
    """

    updates: tuple[RefUpdate, ...]
    capabilities: frozenset[str]
    raw: bytes

    @property
    def side_band(self) -> bool:
        """Whether the client takes progress beside the report."""
        return "side-band-64k" in self.capabilities

    @property
    def wants_report(self) -> bool:
        """Whether the client reads a report at all."""
        return bool(self.capabilities & {"report-status", "report-status-v2"})


def read_head(body: Body) -> Head:
    """Read up to the flush that ends the commands.

    Raises:
        BadBody: the bytes are no such head.
        BodyTooLarge: they are more than MAX_HEAD.
    """
    raw, lines = bytearray(), []
    while True:
        header = body.exactly(HEADER)
        size = _size(header)
        line = body.exactly(size - HEADER) if size else b""
        raw += header + line
        if not size:
            break
        if len(line) != size - HEADER:
            raise BadBody(_CUT)
        if len(raw) > MAX_HEAD:
            raise BodyTooLarge(MAX_HEAD)
        lines.append(line)
    return _parsed(lines, bytes(raw))


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


def _parsed(lines: list[bytes], raw: bytes) -> Head:
    updates: list[RefUpdate] = []
    capabilities: frozenset[str] = frozenset()
    for line in lines:
        if _SHALLOW.fullmatch(line):
            continue
        command, nul, words = line.partition(b"\0")
        if nul and not updates:
            capabilities = frozenset(words.decode("utf-8", "replace").split())
        updates.append(_update(command))
    return Head(tuple(updates), capabilities, raw)


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


def report_of(head: Head) -> Iterable[bytes]:
    """Say that all the updates are done, as receive-pack would; without the flush that ends it all."""
    if not head.wants_report:
        return ()
    lines = [b"unpack ok\n"]
    lines += [b"ok %s\n" % update.ref.encode("utf-8", "surrogateescape") for update in head.updates]
    report = b"".join(map(pkt, lines)) + FLUSH
    return side_band(REPORT, report) if head.side_band else (report,)
