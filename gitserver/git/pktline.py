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


class Packets:
    """Cuts a stream into whole packets, whatever pieces it comes in. A flush is given as None.

    What is no pkt-line is kept and never given; `rest` has it.
    """

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Take the next bytes of the stream; give the payloads that are whole now.

        Raises:
            ValueError: at the first header that is none.
        """
        self.rest += data
        while len(self.rest) >= HEADER:
            size = size_of(self.rest[:HEADER])
            if len(self.rest) < size:
                return
            payload = self.rest[HEADER:size] if size >= HEADER else None
            self.rest = self.rest[max(size, HEADER) :]
            yield payload
