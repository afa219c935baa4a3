import io
import re
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitserver.git.body import BadBody, Body, BodyTooLarge
from gitserver.git.commands import MAX_OPTIONS_BYTES, Head, read_head
from gitserver.git.pktline import FLUSH, pkt
from hooks.options import MAX_OPTIONS
from stratum.model import RefUpdate

OID = st.text("0123456789abcdef", min_size=40, max_size=40)
REF = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
FLAGS = {"report-status", "report-status-v2", "side-band-64k", "quiet", "atomic", "push-options"}
UPDATE = [RefUpdate("refs/heads/master", "0" * 40, "1" * 40)]
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
    assert_same_for_git(head)


def git_reads(raw: bytes) -> tuple[list[bytes], set[str]]:
    """Read a head as git 2.39 does: connect.c, parse_feature_value, with each line that has features."""
    commands, found = [], set()
    body = body_of(raw)
    while size := int(body.exactly(4) or b"0", 16):
        command, _, features = body.exactly(size - 4).removesuffix(b"\n").partition(b"\0")
        commands += [] if command.startswith(b"shallow ") else [command]
        for feature in FLAGS:
            if re.search(rb"(^|[ \t\n\r])%s($|[ \t\n\r=])" % feature.encode(), features.split(b"\0")[0]):
                found.add(feature)
    return commands, found


def assert_same_for_git(head: Head) -> None:
    commands, flags = git_reads(head.raw)
    expected = [f"{update.old} {update.new} {update.ref}" for update in head.updates]
    assert commands == [line.encode("utf-8", "surrogateescape") for line in expected]
    forced = {"report-status"} if head.updates and not head.wants_report else set()
    assert flags == ((head.capabilities & FLAGS) - {"push-options"}) | forced


WORDS = st.one_of(
    st.sampled_from(sorted(FLAGS)),
    st.builds("{}{}{}".format, st.text(max_size=3), st.sampled_from(sorted(FLAGS)), st.text(max_size=3)),
    st.text(max_size=10),
)


@given(UPDATES, st.lists(st.tuples(WORDS, st.sampled_from(" \t\n\r\x0b\x0c\x1c\x85\xa0\u2028=\0"))))
@example(UPDATE, [("report-status", " "), ("side-band-64k=1", "")])
@example(UPDATE, [("report-status", " "), ("side-band-64k", "="), ("", "")])
@example(UPDATE, [("report-status", "\x0b"), ("side-band-64k", "")])
@example(UPDATE, [("report-status", "\xa0"), ("side-band-64k", "")])
@example(UPDATE, [("report-status", "\t"), ("side-band-64k", "\r")])
@example(UPDATE, [("agent=x", "\0"), ("side-band-64k", "")])
@example(UPDATE, [("push-options=", " "), ("report-status-v2=", " ")])
def test_git_understands_of_the_capabilities_what_we_do(updates, words):
    capabilities = "".join(word + blank for word, blank in words)

    try:
        head = read_head(body_of(head_bytes(updates, capabilities) + FLUSH))
    except BadBody:
        return
    assert list(head.updates) == updates
    assert_same_for_git(head)


def test_capabilities_of_another_line_than_the_first_are_refused():
    first, second = head_bytes(UPDATE, "report-status"), head_bytes(UPDATE, "side-band-64k")

    with pytest.raises(BadBody):
        read_head(body_of(first[: -len(FLUSH)] + second))


HEADER_AND_IDS = f"ffff{'0' * 40} {'1' * 40} \0"


@pytest.mark.parametrize("capabilities", ["", "agent=" + "x" * 60_000, "agent=x " * 8000 + "atomic"])
def test_command_that_would_not_fit_into_its_packet_is_refused(capabilities):
    name = "x" * (0xFFFF - len(HEADER_AND_IDS) - len(capabilities))

    with pytest.raises(BadBody):
        read_head(body_of(head_bytes([RefUpdate(name, "0" * 40, "1" * 40)], capabilities)))


@given(UPDATES, st.sampled_from(["", " ofs-delta agent=x", " report-statusx"]))
def test_git_reports_to_us_also_for_a_client_that_wants_no_report(updates, capabilities):
    shallow = pkt(b"shallow " + b"2" * 40)

    head = read_head(body_of(shallow + head_bytes(updates, capabilities)))

    agent = "agent=x " if "agent" in capabilities else ""
    assert head.raw == shallow + head_bytes(updates, f" {agent}report-status")
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
    options = options[:MAX_OPTIONS]
    given_ = b"".join(pkt(option.encode()) for option in options) + FLUSH
    body = body_of(asked + given_ + pack)

    head = read_head(body)

    assert head.options == tuple(option.removesuffix("\n") for option in options)
    assert head.raw == head_bytes(updates, " report-status agent=x")
    assert b"".join(body.rest()) == pack


def test_more_options_than_allowed_are_cut_one_too_late():
    """So that they are refused in a line for the ref, by who knows how many are allowed."""
    asked = head_bytes(UPDATE, "push-options") + b"".join(pkt(b"%d" % n) for n in range(5000)) + FLUSH
    body = body_of(asked + b"PACK")

    assert read_head(body).options == tuple(map(str, range(MAX_OPTIONS + 1)))
    assert b"".join(body.rest()) == b"PACK"


def test_options_without_end_are_refused_before_much_of_them_is_read():
    asked = head_bytes(UPDATE, "push-options") + b"0005x" * 20_000
    body = body_of(asked)

    with pytest.raises(BodyTooLarge) as raised:
        read_head(body)
    assert raised.value.limit == MAX_OPTIONS_BYTES


def test_gzip_bomb_stops_at_the_limit():
    bomb = zlib.compress(bytes(50_000_000), wbits=31)
    body = Body(io.BytesIO(bomb), "gzip", 1 << 20)

    with pytest.raises(BodyTooLarge):
        sum(map(len, body.rest()))


@given(st.binary(max_size=300_000), st.integers(min_value=1, max_value=1000))
def test_gzip_is_inflated_in_pieces(data, first):
    body = Body(io.BytesIO(zlib.compress(data, wbits=31)), "gzip", 1 << 20)

    assert body.exactly(first) + b"".join(body.rest()) == data
