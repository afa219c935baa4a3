import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitserver.git.body import BadBody, Body, BodyTooLarge
from gitserver.git.commands import read_head
from gitserver.git.pktline import FLUSH, pkt
from stratum.model import RefUpdate

OID = st.text("0123456789abcdef", min_size=40, max_size=40)
REF = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
UPDATES = st.lists(st.builds(RefUpdate, REF, OID, OID), min_size=1, max_size=5)


def body_of(data: bytes, limit: int = 1 << 20) -> Body:
    return Body(io.BytesIO(data), "", limit)


def head_bytes(updates: list[RefUpdate], capabilities: str) -> bytes:
    lines = [f"{update.old} {update.new} {update.ref}".encode() for update in updates]
    lines[0] += b"\0" + capabilities.encode()
    return b"".join(map(pkt, lines)) + FLUSH


@given(UPDATES, st.binary(max_size=50))
def test_head_is_read_and_the_pack_left(updates, pack):
    raw = head_bytes(updates, " report-status side-band-64k agent=x")
    body = body_of(raw + pack)

    head = read_head(body)

    assert (list(head.updates), head.raw, b"".join(body.rest())) == (updates, raw, pack)
    assert (head.side_band, head.wants_report) == (True, True)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_a_bad_body(data):
    try:
        head = read_head(body_of(data))
    except BadBody:
        return
    assert data.startswith(head.raw) or not head.wants_report


@given(UPDATES, st.sampled_from(["", " ofs-delta agent=x", " report-statusx"]))
def test_git_reports_to_us_also_for_a_client_that_wants_no_report(updates, capabilities):
    shallow = pkt(b"shallow " + b"2" * 40)

    head = read_head(body_of(shallow + head_bytes(updates, capabilities)))

    assert head.raw == shallow + head_bytes(updates, f"{capabilities} report-status")
    assert not head.wants_report


def test_shallow_lines_are_no_commands():
    update = RefUpdate("refs/heads/master", "0" * 40, "1" * 40)
    raw = pkt(b"shallow " + b"2" * 40) + head_bytes([update], "report-status")

    assert read_head(body_of(raw)).updates == (update,)


def test_head_without_end_is_refused_before_it_fills_the_memory():
    endless = pkt(b"%040d %040d refs/heads/x" % (0, 1)) * 100_000

    with pytest.raises(BodyTooLarge):
        read_head(body_of(endless, 1 << 30))


@given(UPDATES, st.lists(st.text(max_size=30).filter(lambda text: text)), st.binary(max_size=50))
def test_options_are_read_and_kept_from_git(updates, options, pack):
    """git would put them into the environment of its hooks, where there is not room for all."""
    asked = head_bytes(updates, "report-status push-options agent=x")
    given_ = b"".join(pkt(option.encode()) for option in options) + FLUSH
    body = body_of(asked + given_ + pack)

    head = read_head(body)

    assert head.options == tuple(option.removesuffix("\n") for option in options)
    assert head.raw == head_bytes(updates, "report-status agent=x")
    assert b"".join(body.rest()) == pack


def test_gzip_bomb_stops_at_the_limit():
    bomb = zlib.compress(bytes(50_000_000), wbits=31)
    body = Body(io.BytesIO(bomb), "gzip", 1 << 20)

    with pytest.raises(BodyTooLarge):
        sum(map(len, body.rest()))


@given(st.binary(max_size=300_000), st.integers(min_value=1, max_value=1000))
def test_gzip_is_inflated_in_pieces(data, first):
    body = Body(io.BytesIO(zlib.compress(data, wbits=31)), "gzip", 1 << 20)

    assert body.exactly(first) + b"".join(body.rest()) == data
