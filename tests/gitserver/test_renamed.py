"""Advice within a fetch's answer, wherever its pieces are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gitserver.git.pktline import FLUSH, pkt
from gitserver.git.renamed import advised

ACKS = pkt(b"acknowledgments\n") + pkt(b"NAK\n") + pkt(b"ready\n") + b"0001"
V0 = pkt(b"shallow %s" % (b"1" * 40)) + FLUSH + pkt(b"NAK\n")
PACK = pkt(b"\x01PACK") + pkt(b"\x02done\n") + FLUSH
ADVICE = pkt(b"\x02Go there.\n")


def cut(data, places):
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return iter([data[start:end] for start, end in pairwise(edges)])


@given(
    st.sampled_from([pkt(b"packfile\n"), ACKS + pkt(b"packfile\n"), V0, b""]),
    st.lists(st.integers(min_value=0)),
)
def test_advice_stands_before_the_pack(lead, places):
    assert b"".join(advised(cut(lead + PACK, places), "Go there.")) == lead + ADVICE + PACK


@given(st.lists(st.integers(min_value=0)))
def test_an_answer_without_a_pack_stays_as_it_is(places):
    refs = pkt(b"1" * 40 + b" refs/heads/x000dpackfile\n") + FLUSH

    assert b"".join(advised(cut(refs, places), "Go there.")) == refs


@given(st.lists(st.integers(min_value=0)))
def test_a_pack_without_bands_stays_as_it_is(places):
    answer = pkt(b"NAK\n") + b"PACK\0\0\0\2"

    assert b"".join(advised(cut(answer, places), "Go there.")) == answer


@given(st.lists(st.binary()))
def test_any_bytes_go_through(pieces):
    given_, passed = b"".join(pieces), b"".join(advised(iter(pieces), "Go there."))

    assert passed.replace(ADVICE, b"") == given_.replace(ADVICE, b"")
