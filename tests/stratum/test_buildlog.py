import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.buildlog import Log, harmless, last_lines, read_from

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def joined(parts: list[str | bytes]) -> bytes:
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def test_each_kind_of_line_has_its_prefix(tmp_path):
    with Log(tmp_path / "deep" / "1.log") as log:
        log.step("Procfile: web")
        log.indent("two\nlines")
        log.error("no\nreally")
        log.output(b"raw\n  kept\n")

    assert read_from(log.path, 0) == (
        b"-----> Procfile: web\n       two\n       lines\n"
        b" !     no\n !     really\n"
        b"       raw\n         kept\n"
    )


def test_output_cannot_forge_our_lines():
    """Cursor movement, colours and carriage returns of a build are taken out."""
    assert harmless(b"a\x1b[2K\x1b[1A\rb\x1b]0;title\x07c\x00\x08d\r\n") == b"bcd\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xc2\x00\x9b31mFORGED", "\ufffd\ufffd31mFORGED"),
        (b"\xc2\x1b[0m\x9b31mFORGED", "\ufffd\ufffd31mFORGED"),
        (b"\x9b31mFORGED", "\ufffd31mFORGED"),
        ("\x9b31mred".encode(), "red"),
        ("\x9d0;title\x9cb".encode(), "b"),
        ("a\u202egnp.exe\u2066b\u2069".encode(), "agnp.exeb"),
        (b"\x1b]0;never ended\nkept", "\nkept"),
        ("Größe ✓".encode(), "Größe ✓"),
    ],
)
def test_what_forges_is_found_in_text_and_not_in_bytes(data, expected):
    assert harmless(data).decode() == expected


HOSTILE = st.sampled_from(
    ["\x1b", "[", "]", "m", "31", "\x9b", "\x9d", "\x07", "\\", "\r", "\n", "\x00", "\u202e", "\u2069", "é"]
)


@given(st.binary() | st.lists(HOSTILE | st.binary(max_size=2)).map(joined))
def test_harmless_output_holds_no_control_character(data):
    clean = harmless(data)

    text = clean.decode()
    assert not [one for one in text if unicodedata.category(one) == "Cc" and one not in "\t\n"]
    assert not [one for one in text if unicodedata.bidirectional(one) in BIDI]
    assert harmless(clean) == clean


def test_two_writers_append_whole_lines(tmp_path):
    with Log(tmp_path / "1.log") as one, Log(tmp_path / "1.log") as two:
        one.step("a")
        two.step("b")
        one.step("c")

    assert last_lines(tmp_path / "1.log", 2) == ["-----> b", "-----> c"]


def test_a_log_is_followed_by_offset_and_may_be_missing(tmp_path):
    assert read_from(tmp_path / "none.log", 0) == b""
    assert last_lines(tmp_path / "none.log", 5) == []
    (tmp_path / "1.log").write_bytes(b"0123456789")

    assert read_from(tmp_path / "1.log", 4, 3) == b"456"
    assert read_from(tmp_path / "1.log", 10) == b""
