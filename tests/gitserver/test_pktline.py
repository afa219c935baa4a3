from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gitserver.git.pktline import FLUSH, MAX_PAYLOAD, TailKeeper, pkt, side_band, size_of

PACKETS = st.lists(
    st.one_of(st.binary(max_size=40).map(pkt), st.sampled_from([FLUSH, b"0001", b"0002", b"0004"]))
)


def passed(stream: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """Feed a stream in pieces; return what went out, and what was kept."""
    keeper, out = TailKeeper(), b""
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        out += keeper.feed(stream[start:stop])
    return out, keeper.tail


@given(PACKETS, st.lists(st.integers(min_value=0)))
def test_only_the_last_flush_is_kept_however_the_stream_is_cut(packets, cuts):
    stream = b"".join(packets)

    assert passed(stream + FLUSH, cuts) == (stream, FLUSH)


@given(PACKETS, st.binary(max_size=40).map(pkt), st.lists(st.integers(min_value=0)))
def test_stream_that_does_not_end_in_a_flush_goes_out_whole(packets, last, cuts):
    stream = b"".join(packets) + last

    assert passed(stream, cuts) == (stream, b"")


@given(st.binary(), st.lists(st.integers(min_value=0)))
def test_nothing_is_lost_of_what_is_no_pkt_line(stream, cuts):
    out, kept = passed(stream, cuts)

    assert out + kept == stream


def test_flush_within_a_report_is_data():
    report = pkt(b"\x01" + pkt(b"unpack ok\n") + FLUSH)

    assert passed(report, [len(report) - 4]) == (report, b"")


@given(st.integers(min_value=0, max_value=3 * MAX_PAYLOAD))
def test_side_band_packets_hold_all_and_are_of_legal_size(length):
    packets = list(side_band(2, b"x" * length))

    assert all(5 < size_of(packet[:4]) == len(packet) <= 65520 for packet in packets)
    assert b"".join(packet[5:] for packet in packets) == b"x" * length
