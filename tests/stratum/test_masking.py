import itertools
import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from builder.narration import Narration
from stratum.masking import MAX_PIECE, Mask, Stream


def masked(data: str, **variables: str) -> str:
    return Mask(variables).whole(data.encode()).decode()


def test_a_value_is_replaced_by_its_variables_name_wherever_it_stands():
    said = "url=postgres://u:pa55w0rd@db/x token pa55w0rd\npa55w0rd\n"

    assert masked(said, PASSWORD="pa55w0rd") == (
        "url=postgres://u:[PASSWORD]@db/x token [PASSWORD]\n[PASSWORD]\n"
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "short",
        "true",
        "Production",
        "en_US.UTF-8",
        "requirements.txt",
        "3.11.9",
        "v1.2.3",
        "https://pypi.example.org/",
        "  a  ",
    ],
)
def test_short_values_and_common_words_stay(value: str):
    said = f"before {value} after\n"

    assert masked(said, NAME=value) == said


@pytest.mark.parametrize("value", ["123456", "https://u:p@a.example", "https://a.example/x?key=1", "träume"])
def test_other_values_go(value: str):
    assert masked(f"-{value}-", NAME=value) == "-[NAME]-"


def test_the_longest_value_wins_and_of_equal_ones_the_first_name():
    assert masked("abcdefgh abcdef abcdefg", B="abcdef", A="abcdefgh") == "[A] [B] [B]g"
    assert masked("abcdef", Z="abcdef", A="abcdef") == "[A]"


def test_lines_of_a_value_are_found_however_they_are_indented():
    key = "-----BEGIN KEY-----\nMIIEvQIBADAN\r\nxx\n-----END KEY-----\n"

    assert masked("  -----BEGIN KEY-----\n  MIIEvQIBADAN\n  xx\n", KEY=key) == "  [KEY]\n  [KEY]\n  xx\n"


def test_a_long_line_is_found_in_parts():
    value = "".join(f"{number:05d}" for number in range(MAX_PIECE))

    assert set(masked(value, BLOB=value).split("[BLOB]")) == {""}
    assert len(masked(value, BLOB=value)) == 6 * 5


def test_what_may_be_the_beginning_of_a_value_is_held_back():
    stream = Stream(Mask({"A": "s3cret-long-value", "B": "s3cret"}))

    assert stream.feed(b"it is s3cret") == b"it is "
    assert stream.feed(b"-long") == b""
    assert stream.feed(b"er s3cre") == b"[B]-longer "
    assert stream.rest() == b"s3cre"
    assert stream.feed(b"s3cret") == b""
    assert stream.rest() == b"[B]"


def test_the_end_of_one_value_that_begins_another_hides_neither():
    stream = Stream(Mask({"A": "xxxabc", "B": "abcdef"}))

    assert stream.feed(b"xxxabc") + stream.feed(b"zz") + stream.rest() == b"[A]zz"


TEXT = st.text(st.sampled_from("abc\n"), max_size=40)


@given(
    st.dictionaries(st.sampled_from("XYZ"), st.text(st.sampled_from("abc"), min_size=6, max_size=9)),
    st.lists(TEXT, max_size=12),
)
@example({"X": "aaaaaa", "Y": "aaaaaaaab"}, ["aaaaa", "aaa", "aab"])
def test_however_the_output_is_cut_no_value_is_left_and_nothing_else_changes(variables, chunks):
    mask = Mask(variables)
    stream = Stream(mask)
    data = "".join(chunks).encode()

    said = b"".join([*(stream.feed(chunk.encode()) for chunk in chunks), stream.rest()])

    assert said == mask.whole(data)
    assert not any(value.encode() in said for value in variables.values())
    restored = said
    for name, value in variables.items():
        restored = restored.replace(f"[{name}]".encode(), value.encode())
    assert len(set(variables.values())) < len(variables) or restored == data


def narrated(tmp_path: Path, chunks: list[bytes], *, color: bool = False) -> tuple[str, list[str]]:
    path = tmp_path / "1.log"
    path.unlink(missing_ok=True)
    with closing(Narration(path, color=color)) as said:
        said.mask({"TOKEN": "s3cret-token", "OTHER": "ünïcödé"})
        with said.live() as output:
            for chunk in chunks:
                os.write(output, chunk)
    return path.read_text(), list(said.tail)


SECRET = "a s3cret-token b ünïcödé\n".encode()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, len(SECRET)), max_size=6))
def test_a_value_written_in_pieces_is_in_neither_log_nor_last_lines(tmp_path: Path, cuts):
    places = [0, *sorted(cuts), len(SECRET)]
    chunks = [SECRET[start:end] for start, end in itertools.pairwise(places)]

    assert narrated(tmp_path, chunks) == ("       a [TOKEN] b [OTHER]\n", ["a [TOKEN] b [OTHER]"])


def test_a_value_is_found_where_a_line_without_end_is_cut(tmp_path: Path):
    log, tail = narrated(tmp_path, [b"x" * 8190 + b"s3cr", b"et-token" + b"y" * 9000, b"s3cret-to"])

    assert "s3cret-token" not in log.replace("\n       ", "")
    assert log.replace("\n       ", "").count("[TOKEN]") == 1
    assert tail[-1].endswith("s3cret-to")


@pytest.mark.parametrize("color", [False, True])
def test_colours_within_a_value_hide_it_from_nobody(tmp_path: Path, color: bool):
    log, tail = narrated(tmp_path, [b"is s3c\x1b[31mret\x1b[0m-token\n", b"\x1b[32mok\x1b[0m\n"], color=color)

    assert log.splitlines()[0] == "       is [TOKEN]"
    assert ("\x1b[32mok" in log) == color
    assert tail == ["is [TOKEN]", "ok"]


def test_what_is_no_text_is_no_trouble(tmp_path: Path):
    log, _ = narrated(tmp_path, [b"\xff\xfes3cret-token\xff\n", "ünïc".encode()[:-1] + b"\n"])

    assert "[TOKEN]" in log
