from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gitserver.git.pktline import FLUSH, MAX_PAYLOAD, Packets, pkt, side_band, size_of


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(at % (len(stream) + 1) for at in cuts)})
    return [stream[start:stop] for start, stop in pairwise(edges)]


@given(st.lists(st.one_of(st.none(), st.binary(max_size=40))), st.lists(st.integers(min_value=0)))
def test_packets_are_given_whole_however_the_stream_is_cut(payloads, cuts):
    stream = b"".join(FLUSH if payload is None else pkt(payload) for payload in payloads)
    packets = Packets()

    found = [payload for piece in cut(stream, cuts) for payload in packets.feed(piece)]

    assert (found, packets.rest) == (payloads, b"")


@given(st.binary(), st.lists(st.integers(min_value=0)))
def test_what_is_no_pkt_line_is_an_error_or_kept(stream, cuts):
    packets, given_back = Packets(), b""
    try:
        for piece in cut(stream, cuts):
            for payload in packets.feed(piece):
                given_back += FLUSH if payload is None else pkt(payload)
    except ValueError:
        return
    assert len(given_back) + len(packets.rest) == len(stream)


@given(st.integers(min_value=0, max_value=3 * MAX_PAYLOAD))
def test_side_band_packets_hold_all_and_are_of_legal_size(length):
    packets = list(side_band(2, b"x" * length))

    assert all(5 < size_of(packet[:4]) == len(packet) <= 65520 for packet in packets)
    assert b"".join(packet[5:] for packet in packets) == b"x" * length
