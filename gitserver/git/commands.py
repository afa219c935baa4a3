"""The head of a push: which refs it wants to move, and what its client understands.

git is given what we have understood, written anew: it takes `side-band-64k=1` for `side-band-64k`, and
capabilities from every line (2.39, builtin/receive-pack.c, read_head_info), and who reads otherwise
than git does not find its report.

Source: gitprotocol-pack(5), "Reference Update Request and Packfile Transfer".
"""

import re
from dataclasses import dataclass

from gitserver.git.body import BadBody, Body, BodyTooLarge
from gitserver.git.pktline import FLUSH, HEADER, MAX_PAYLOAD, pkt, size_of
from hooks.options import MAX_OPTIONS
from stratum.model import RefUpdate

MAX_HEAD = 4 << 20  # some 40,000 refs
MAX_OPTIONS_BYTES = 65536
_OPTIONS = "push-options"
REPORTS = frozenset(("report-status", "report-status-v2"))
_FLAGS = REPORTS | {"side-band-64k", "quiet", "atomic", _OPTIONS}
_WITH_VALUE = re.compile(r"(agent|session-id|object-format)=[!-~]+")

_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\x00-\x1f\x7f]+)\n?")
_SHALLOW = re.compile(rb"shallow [0-9a-f]{40}\n?")


@dataclass(frozen=True, slots=True)
class Head:
    """What precedes the pack.

    Attributes:
        options: what was given with `git push -o`, in order.
        capabilities: those that we and git know; others are left out.
        raw: what git is to read. The options are ours: git would only hand them to its hooks, in an
            environment that has no room for all.
        options: those allowed and one more, if there are more.
        shallow: ids of commits whose parents the client lacks.
    """

    updates: tuple[RefUpdate, ...]
    capabilities: frozenset[str]
    raw: bytes
    options: tuple[str, ...] = ()
    shallow: tuple[str, ...] = ()

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
        BodyTooLarge: they are more than MAX_HEAD, or the options more than MAX_OPTIONS_BYTES.
    """
    lines = _lines(body, MAX_HEAD)
    shallow = [line for line in lines if _SHALLOW.fullmatch(line)]
    commands = [line for line in lines if not _SHALLOW.fullmatch(line)]
    words = _words(commands)
    updates = tuple(map(_update, commands))
    capabilities = frozenset(words)
    raw = _framed(shallow, updates, words)
    options = _lines(body, MAX_OPTIONS_BYTES, least=HEADER) if _OPTIONS in capabilities else []
    cut = tuple(line.removesuffix(b"\n").removeprefix(b"shallow ").decode() for line in shallow)
    return Head(updates, capabilities, raw, tuple(map(_option, options[: MAX_OPTIONS + 1])), cut)


def _lines(body: Body, limit: int, *, least: int = HEADER + 1) -> list[bytes]:
    """Read packets up to a flush, or the end of an empty body.

    Args:
        least: length of the shortest that there may be; an option can be empty.
    """
    lines, total = [], 0
    while size := _size(body.exactly(HEADER), least):
        line = body.exactly(size - HEADER)
        if len(line) != size - HEADER:
            raise BadBody(_CUT)
        total += size
        if total > limit:
            raise BodyTooLarge(limit)
        lines.append(line)
    return lines


def _words(commands: list[bytes]) -> list[str]:
    """Read the capabilities, which follow the first command; git's clients separate them by blanks."""
    first, *others = commands or [b""]
    if any(b"\0" in line for line in others):
        message = "Capabilities are given with the first command."
        raise BadBody(message)
    words = first.removesuffix(b"\n").partition(b"\0")[2].decode("utf-8", "replace").split(" ")
    return [word for word in words if word in _FLAGS or _WITH_VALUE.fullmatch(word)]


def _framed(shallow: list[bytes], updates: tuple[RefUpdate, ...], words: list[str]) -> bytes:
    """Write the head for git, which is to report even to a client that does not want it.

    By that we know which refs have moved.
    """
    if not (shallow or updates):
        return b""
    wanted = [word for word in words if word != _OPTIONS]
    if not REPORTS.intersection(words):
        wanted.append("report-status")
    lines = [
        f"{update.old} {update.new} {update.ref}".encode("utf-8", "surrogateescape") for update in updates
    ]
    if lines:
        lines[0] += b"\0 " + " ".join(wanted).encode()
    if any(len(line) > MAX_PAYLOAD for line in lines):
        message = "A command is longer than git takes."
        raise BadBody(message)
    return b"".join(map(pkt, [*shallow, *lines])) + FLUSH


def _option(line: bytes) -> str:
    return line.removesuffix(b"\n").decode("utf-8", "replace")


_CUT = "The request ends within its commands."


def _size(header: bytes, least: int) -> int:
    """Length of a packet; 0 for the flush, and for a body that is empty."""
    if not header:
        return 0
    try:
        size = size_of(header)
    except ValueError as error:
        raise BadBody(_CUT) from error
    if 0 < size < least:
        raise BadBody(_CUT)
    return size


def _update(line: bytes) -> RefUpdate:
    command = line.partition(b"\0")[0]
    match = _COMMAND.fullmatch(command)
    if match is None:
        message = f"{command[:200]!r} is no command of a push."
        raise BadBody(message)
    old, new, ref = match.groups()
    return RefUpdate(ref_name(ref), old.decode(), new.decode())


def ref_name(name: bytes) -> str:
    """Decode a ref; bytes that are not UTF-8 survive as surrogates, for the policy to refuse."""
    return name.decode("utf-8", "surrogateescape")
