import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.buildlog import Log, colored, harmless, last_lines, read_from
from stratum.masking import Mask

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
        ("one\u2028two\u2029three\x85four\x0bfive\x1csix".encode(), "onetwothreefourfivesix"),
        ("Größe ✓".encode(), "Größe ✓"),
    ],
)
def test_what_forges_is_found_in_text_and_not_in_bytes(data, expected):
    assert harmless(data).decode() == expected


PIECES = (
    *("\x1b", "[", "]", "m", "31", ";", "?", "K", "\x9b", "\x9d", "\x07", "\\", "\r", "\n", "\x00"),
    *(
        "\u202e",
        "\u2028",
        "\u2069",
        "é",
        "-----> ",
        " !     ",
        "\x1b[1;31m",
        "\x1b[0m",
        "\x1b[2J",
        "\x1b[38:5:1m",
    ),
)
HOSTILE = st.binary() | st.lists(st.sampled_from(PIECES) | st.binary(max_size=2)).map(joined)
COLOR = re.compile(r"\x1b\[[0-9;]*m")


@given(HOSTILE)
def test_harmless_output_holds_no_control_character(data):
    clean = harmless(data)

    text = clean.decode()
    assert not [one for one in text if unicodedata.category(one) == "Cc" and one not in "\t\n"]
    assert not [one for one in text if unicodedata.bidirectional(one) in BIDI]
    assert harmless(clean) == clean
    assert clean.decode().splitlines() == text.removesuffix("\n").split("\n") or not text


@given(HOSTILE)
def test_with_colours_nothing_else_is_kept(data):
    clean = colored(data)

    assert COLOR.sub("", clean.decode()).encode() == harmless(clean)
    for line in clean.decode().split("\n"):
        assert COLOR.findall(line)[-1:] in ([], ["\x1b[0m"])
        assert "\x1b" not in line or line.endswith("\x1b[0m")
    assert colored(clean) == clean
    assert harmless(clean) == harmless(data), "colours are all that differs"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x1b[31mred", "\x1b[31mred\x1b[0m"),
        (b"\x1b[1;38;5;9mred\x1b[0m", "\x1b[1;38;5;9mred\x1b[0m"),
        (b"\x1b[31mred\ngreen\x1b[m", "\x1b[31mred\x1b[0m\ngreen\x1b[m\x1b[0m"),
        (b"\x1b[31mold\rnew", "new"),
        (b"\x1b[2Ka\x1b[1Ab\x1b]0;title\x07c\x1b[?25ld", "abcd"),
        (b"\x1b\x1b[3\x1b[31mx", "3\x1b[31mx\x1b[0m"),
        ("\x9b31mred".encode(), "red"),
    ],
)
def test_colours_are_kept_and_end_with_their_line(data, expected):
    assert colored(data).decode() == expected


def test_two_writers_append_whole_lines(tmp_path):
    with Log(tmp_path / "1.log") as one, Log(tmp_path / "1.log") as two:
        one.step("a")
        two.step("b")
        one.step("c")

    assert last_lines(tmp_path / "1.log", 2) == ["-----> b", "-----> c"]


@pytest.mark.parametrize("value", ["correct horse", "correct\x07horse"])
def test_last_lines_are_masked_whatever_stands_in_a_value_or_is_put_into_it(tmp_path, value):
    (tmp_path / "1.log").write_text(f"it is {value}!\nit is correct \x1b[31mhorse\n")
    mask = Mask({"PHRASE": value, "SPOKEN": "correct horse"}).whole

    assert "horse" not in " ".join(last_lines(tmp_path / "1.log", 2, mask))


def test_a_log_is_followed_by_offset_and_may_be_missing(tmp_path):
    assert read_from(tmp_path / "none.log", 0) == b""
    assert last_lines(tmp_path / "none.log", 5) == []
    (tmp_path / "1.log").write_bytes(b"0123456789")

    assert read_from(tmp_path / "1.log", 4, 3) == b"456"
    assert read_from(tmp_path / "1.log", 10) == b""
