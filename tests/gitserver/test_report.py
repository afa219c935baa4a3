from hypothesis import example, given
from hypothesis import strategies as st

from gitserver.git import reasons
from gitserver.git.commands import Head
from gitserver.git.pktline import FLUSH, Packets, pkt, side_band
from gitserver.git.report import Answer, Report, all_taken, framed
from stratum.buildlog import harmless
from stratum.model import RefUpdate

UPDATES = tuple(RefUpdate(f"refs/heads/{name}", "0" * 40, "1" * 40) for name in "ab")
OK = pkt(b"unpack ok\n") + pkt(b"ok refs/heads/a\n") + pkt(b"ok refs/heads/b\n") + FLUSH


def head(*capabilities: str) -> Head:
    return Head(UPDATES, frozenset(capabilities), b"")


def answering(*, side: bool) -> Answer:
    return Answer(head("side-band-64k") if side else head())


def as_it_is(ref: str, words: str) -> str:
    return words


def test_report_says_ok_for_every_ref_and_in_the_band_that_the_client_takes():
    report = all_taken(head()).told(as_it_is)

    assert report == OK
    assert framed(head("report-status", "side-band-64k"), report) == pkt(b"\x01" + OK)
    assert framed(head("report-status-v2"), report) == OK
    assert framed(head("side-band-64k"), report) == b""


def test_refused_refs_get_our_words_and_the_others_stay():
    given_ = b"".join(
        map(
            pkt,
            (
                b"unpack ok\n",
                b"ok refs/heads/a\n",
                b"option refname refs/heads/c\n",
                b"ng refs/heads/b shallow update not allowed\n",
            ),
        )
    )

    found = Report.parsed(given_ + FLUSH)
    assert found is not None
    told = found.told(lambda ref, words: reasons.of_ref(words))

    assert told.startswith(pkt(b"unpack ok\n") + pkt(b"ok refs/heads/a\n"))
    assert pkt(b"option refname refs/heads/c\n") in told
    assert b"ng refs/heads/b your clone is shallow" in told
    assert b"fetch-depth: 0" in told


NAMES = st.text("ab ", min_size=1, max_size=6).map("refs/heads/{}".format)


@given(st.lists(st.tuples(NAMES, st.sampled_from(["declined", "funny refname", ""])), max_size=5))
def test_names_with_blanks_are_told_from_the_words_that_follow(said):
    """Whichever of them begin with others: the longest that was pushed."""
    updates = tuple(RefUpdate(ref, "0" * 40, "1" * 40) for ref, _ in said)
    lines = [pkt(f"ng {ref} {words}\n".encode()) for ref, words in said]
    answer = Answer(Head(updates, frozenset(), b""))
    answer.feed(pkt(b"unpack ok\n") + b"".join(lines) + FLUSH)
    found = answer.report
    assert found is not None

    told = Report.parsed(found.told(lambda ref, words: f"{ref}={words}"))

    assert told is not None
    assert told.lines == tuple(f"ng {ref} {ref}={words}".encode() for ref, words in said)
    assert found.refused == frozenset(ref for ref, _ in said)


@given(st.binary(), st.integers(min_value=1, max_value=80))
def test_progress_goes_out_at_once_and_the_report_is_kept(noise, size):
    stream = b"".join(side_band(2, noise)) + b"".join(side_band(1, OK)) + FLUSH
    answer, out = answering(side=True), b""
    for start in range(0, len(stream), size):
        out += answer.feed(stream[start : start + size])

    told = b"".join(payload[1:] for payload in Packets().feed(out) if payload)
    assert told == noise
    assert answer.report == Report.parsed(OK, frozenset((b"refs/heads/a", b"refs/heads/b")))


@given(st.booleans(), st.integers(min_value=1, max_value=80), st.text("0", min_size=1, max_size=80))
def test_refs_have_moved_once_all_of_the_report_has_come(side, size, zeros):
    lines = (
        b"unpack ok\n",
        f"ok refs/heads/{zeros}\n".encode(),
        b"ng refs/heads/a no\n",
        b"ok refs/heads/b\n",
    )
    report = b"".join(map(pkt, lines)) + FLUSH
    stream = b"".join(side_band(1, report)) + FLUSH if side else report
    answer = answering(side=side)
    for start in range(0, len(stream), size):
        assert not answer.is_whole or (side and start >= len(stream) - len(FLUSH))
        answer.feed(stream[start : start + size])

    assert answer.is_whole
    assert answer.report is not None
    assert answer.report.moved == {f"refs/heads/{zeros}", "refs/heads/b"}


@given(st.lists(st.binary()), st.booleans())
@example([b"10000"], False)
@example([b"x0000"], False)
def test_any_bytes_of_git_are_survived(pieces, side):
    answer = answering(side=side)
    for piece in pieces:
        answer.feed(piece)
    assert not answer.is_whole or answer.report is None or answer.report.moved is not None
    report = answer.report
    if report is not None:
        assert Report.parsed(report.told(lambda ref, words: "no")) is not None


@given(st.binary(), st.text())
def test_reasons_are_one_harmless_line(said, words):
    for reason in (reasons.of_pack(said), reasons.of_ref(words)):
        assert harmless(reason.encode()) == reason.encode()
        assert len(reason.splitlines()) <= 1
        assert len(reason) <= reasons.MAX_REASON


def test_what_git_says_of_a_pack_is_told_plainly():
    said = {
        b"error: object 5e0ee2a4f7b3c1: hasDotgit: contains '.git'\nfatal: fsck error in packed object\n": (
            "object 5e0ee2a4f7b3 is not sound: hasDotgit: contains '.git'"
        ),
        b"fatal: Out of memory, malloc failed (tried to allocate 400000001 bytes)\n": (
            "unpacking it takes more memory than a push may use here"
        ),
        b"": (
            "git ended on the server before it had unpacked the push: push again; where that ends so, too,"
            " the push takes more than the server gives to one"
        ),
    }

    assert {text: reasons.of_pack(text) for text in said} == said


def test_what_failed_before_a_pack_was_unpacked_is_told_by_the_status_alone():
    """As where the disk has no room for one folder more (seen on ext4, git 2.39)."""
    assert reasons.of_pack(b"", "unable to create temporary object directory") == (
        "the server cannot keep it, most likely for want of room: tell its operator"
    )
    assert reasons.of_pack(b"", "index-pack abnormal exit") == reasons.of_pack(b"")
    assert reasons.of_pack(b"fatal: early EOF", "index-pack abnormal exit") == (
        "it was cut on its way: push again"
    )
