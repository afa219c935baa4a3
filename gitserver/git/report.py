"""What git answers to a push: its progress passed on, its report kept and told in plain words.

Source: gitprotocol-pack(5), "Report Status"; with `report-status-v2` a line `option …` may follow
each `ok`. builtin/receive-pack.c of git 2.39 sends the report after the refs have moved and before
it asks the post-receive hook.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gitserver.git.commands import Head, ref_name
from gitserver.git.pktline import FLUSH, PROGRESS, REPORT, Packets, pkt, side_band

MAX_SAID = 16 << 10  # of git's progress, kept to find the reason of a failure
MAX_WORDS = 50  # of git's reason why a ref was refused
UNPACKED = "ok"
UNPACKER_ERROR = "unpacker error"  # what git says of each ref when it could not unpack

_OK, _NG = b"ok ", b"ng "
Reason = Callable[[str, str], str]  # of a ref, and git's own words for why → ours


@dataclass(frozen=True, slots=True)
class Report:
    """A report as git made it.

    Attributes:
        unpack: `ok`, or what failed.
        lines: one for each ref, and its options, in git's order.
        refs: names that were pushed; git parts a name from its words by a blank, of which a name that it
            refuses may have some.
    """

    unpack: str
    lines: tuple[bytes, ...]
    refs: frozenset[bytes] = frozenset()

    @classmethod
    def parsed(cls, data: bytes, refs: frozenset[bytes] = frozenset()) -> "Report | None":
        """Read pkt-lines up to a flush; None when they are no report."""
        try:
            lines = [line.removesuffix(b"\n") for line in Packets().feed(data) if line is not None]
        except ValueError:
            return None
        if not lines or not lines[0].startswith(b"unpack "):
            return None
        return cls(_text(lines[0].removeprefix(b"unpack ")), tuple(lines[1:]), refs)

    def told(self, reason: Reason) -> bytes:
        """Frame it again, with other words for why refs were refused."""
        unpack = self.unpack if self.unpack == UNPACKED else "refused"  # why is said of each ref
        lines = [f"unpack {unpack}".encode("utf-8", "replace"), *self._refs(reason)]
        return b"".join(pkt(line + b"\n") for line in lines) + FLUSH

    @property
    def moved(self) -> frozenset[str]:
        """The refs that have moved."""
        oks = (line.removeprefix(_OK) for line in self.lines if line.startswith(_OK))
        return frozenset(map(ref_name, oks))

    @property
    def refused(self) -> frozenset[str]:
        """The refs that have not."""
        refused = (line.removeprefix(_NG) for line in self.lines if line.startswith(_NG))
        return frozenset(ref_name(self._parted(line)[0]) for line in refused)

    def _refs(self, reason: Reason) -> Iterator[bytes]:
        for line in self.lines:
            if line.startswith(_NG):
                ref, why = self._parted(line.removeprefix(_NG))
                said = reason(ref_name(ref), _text(why))
                yield b"ng %s %s" % (ref, said.encode("utf-8", "replace"))
            else:
                yield line

    def _parted(self, line: bytes) -> tuple[bytes, bytes]:
        """Split into the name, the longest that was pushed, and the words; else at the first blank."""
        name = line
        for _ in range(MAX_WORDS):
            name = name.rpartition(b" ")[0]
            if name in self.refs:
                return name, line[len(name) + 1 :]
        ref, _, why = line.partition(b" ")
        return ref, why


def all_taken(head: Head) -> Report:
    """Say that all the updates are done, as receive-pack would."""
    refs = _names(head)
    return Report(UNPACKED, tuple(b"ok %s" % ref for ref in refs), frozenset(refs))


def none_taken(head: Head) -> Report:
    """Say of all the updates that they could not be unpacked, as receive-pack would."""
    refs, words = _names(head), UNPACKER_ERROR.encode()
    return Report(UNPACKER_ERROR, tuple(b"ng %s %s" % (ref, words) for ref in refs), frozenset(refs))


def framed(head: Head, report: bytes) -> bytes:
    """Send a report as the client of a push asked for it; without the flush that ends it all."""
    if not head.wants_report:
        return b""
    return b"".join(side_band(REPORT, report)) if head.side_band else report


class Answer:
    """Reads what `git receive-pack` writes.

    Attributes:
        said: the end of what it told as progress.
    """

    def __init__(self, head: Head) -> None:
        self._side_band = head.side_band
        self._refs = frozenset(_names(head))
        self._packets = Packets()
        self._report = b""
        self.said = b""

    @property
    def report(self) -> Report | None:
        """The report, as far as it has come."""
        return Report.parsed(self._report, self._refs)

    @property
    def is_whole(self) -> bool:
        """Whether all of the report has come: the refs have moved that it says so of."""
        return self._report.endswith(FLUSH) and _ends_in_flush(self._report)

    def feed(self, data: bytes) -> bytes:
        """Take what git wrote; return what the client may have at once: whole packets of progress."""
        if not self._side_band:
            self._report += data
            return b""
        out = b""
        try:
            for packet in self._packets.feed(data):
                out += self._passed(packet)
        except ValueError:  # not git's words any more; there is no report to be had of it
            self._side_band = False
        return out

    def _passed(self, packet: bytes | None) -> bytes:
        if not packet:
            return b""
        band, payload = packet[0], packet[1:]
        if band == REPORT:
            self._report += payload
            return b"" if payload else pkt(packet)  # an empty one keeps the connection alive
        if band == PROGRESS:
            self.said = (self.said + payload)[-MAX_SAID:]
        return pkt(packet)


def _names(head: Head) -> list[bytes]:
    return [update.ref.encode("utf-8", "surrogateescape") for update in head.updates]


def _ends_in_flush(data: bytes) -> bool:
    try:
        packets = list(Packets().feed(data))
    except ValueError:
        return False
    return bool(packets) and packets[-1] is None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
