import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitserver.git.body import BadBody, Body, BodyTooLarge
from gitserver.git.commands import read_head, report_of
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
    assert data.startswith(head.raw)


def test_shallow_lines_are_no_commands():
    update = RefUpdate("refs/heads/master", "0" * 40, "1" * 40)
    raw = pkt(b"shallow " + b"2" * 40) + head_bytes([update], "report-status")

    assert read_head(body_of(raw)).updates == (update,)


def test_head_without_end_is_refused_before_it_fills_the_memory():
    endless = pkt(b"%040d %040d refs/heads/x" % (0, 1)) * 100_000

    with pytest.raises(BodyTooLarge):
        read_head(body_of(endless, 1 << 30))


def test_report_says_ok_for_every_ref_and_in_the_band_that_the_client_takes():
    updates = [RefUpdate(f"refs/heads/{name}", "0" * 40, "1" * 40) for name in "ab"]
    report = pkt(b"unpack ok\n") + pkt(b"ok refs/heads/a\n") + pkt(b"ok refs/heads/b\n") + FLUSH

    def reported(capabilities: str) -> bytes:
        return b"".join(report_of(read_head(body_of(head_bytes(updates, capabilities)))))

    assert reported("report-status side-band-64k") == pkt(b"\x01" + report)
    assert reported("report-status") == report
    assert reported("side-band-64k") == b""


def test_gzip_bomb_stops_at_the_limit():
    bomb = zlib.compress(bytes(50_000_000), wbits=31)
    body = Body(io.BytesIO(bomb), "gzip", 1 << 20)

    with pytest.raises(BodyTooLarge):
        sum(map(len, body.rest()))


@given(st.binary(max_size=300_000), st.integers(min_value=1, max_value=1000))
def test_gzip_is_inflated_in_pieces(data, first):
    body = Body(io.BytesIO(zlib.compress(data, wbits=31)), "gzip", 1 << 20)

    assert body.exactly(first) + b"".join(body.rest()) == data
