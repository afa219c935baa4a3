"""Git's pkt-line framing: four hex digits of length, then data. Pure: bytes in, bytes out.

Source: gitprotocol-common(5); side band and sizes from gitprotocol-pack(5) (LARGE_PACKET_MAX 65520,
of which four are the length and one the band).
"""

from collections.abc import Iterator

FLUSH = b"0000"
MAX_PAYLOAD = 65515  # of a side-band packet
REPORT, PROGRESS = 1, 2  # bands
KEEPALIVE = b"0005\x02"

HEADER = 4


def pkt(data: bytes) -> bytes:
    """Frame one packet."""
    return b"%04x%s" % (len(data) + HEADER, data)


def side_band(band: int, data: bytes) -> Iterator[bytes]:
    """Frame data of any length as packets of one band."""
    for start in range(0, len(data), MAX_PAYLOAD):
        yield pkt(bytes([band]) + data[start : start + MAX_PAYLOAD])


def size_of(header: bytes) -> int:
    """Return the length that four hex digits tell; 0 to 3 are flush and its kin.

    Raises:
        ValueError: they are no length of a packet; 4, a packet without data, is one.
    """
    if len(header) != HEADER or not header.isalnum():
        message = f"{header!r} begins no pkt-line"
        raise ValueError(message)
    return int(header, 16)


class TailKeeper:
    """Passes a stream of packets on, but keeps the flush that ends it, so that more can be said first.

    A flush counts only at the boundary of a packet: the report within band 1 ends in `0000` too.
    Packets are not gathered whole: of those under way what is there is passed on.
    """

    def __init__(self) -> None:
        self.tail = b""  # the kept flush, or the beginning of a header
        self._left = 0  # bytes to come of the packet under way
        self._lost = False  # not pkt-lines at all: passed through

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the stream; return those that may go out now."""
        if self._lost:
            return data
        out = bytearray(data[: self._left])
        rest = self.tail + data[self._left :] if len(data) > self._left else self.tail
        self._left -= len(out)
        self.tail = b""
        return bytes(out + self._whole_headers(rest))

    def _whole_headers(self, rest: bytes) -> bytes:
        done = 0
        while len(rest) - done >= HEADER:
            if rest[done:] == FLUSH:
                break
            try:
                size = max(size_of(rest[done : done + HEADER]), HEADER)
            except ValueError:
                self._lost = True
                return rest
            self._left = max(0, done + size - len(rest))
            done = min(done + size, len(rest))
        self.tail = rest[done:]
        return rest[:done]
