"""Following the output of a process, whatever supervisord does with its file."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stratum.processlog import Tail


def test_a_line_that_a_rotation_parts_is_one(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text("one\ntw")
    with Tail(log) as tail:
        assert tail.fresh() == ["one"]
        log.rename(tmp_path / "log.1")
        log.write_text("o\nthree\nfo")
        assert tail.fresh() == ["two", "three"]
        assert tail.rest() == ["fo"]
        assert tail.rest() == []


def test_what_is_written_before_a_rotation_is_not_missed(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text("one\n")
    with Tail(log) as tail:
        assert tail.fresh() == ["one"]
        with log.open("a") as file:
            file.write("two\n")
        log.rename(tmp_path / "log.1")
        log.write_text("three\n")
        assert [*tail.fresh(), *tail.fresh()] == ["two", "three"]


def test_a_file_that_was_cleared_is_read_from_its_beginning(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text("one\nhalf a line")
    with Tail(log) as tail:
        assert tail.fresh() == ["one"]
        log.write_text("x\n")
        assert [*tail.fresh(), *tail.fresh()] == ["half a line", "x"]


@given(st.lists(st.tuples(st.text("ab\n", max_size=6), st.booleans()), max_size=8))
def test_however_it_is_written_and_rotated_every_line_comes_once(
    tmp_path_factory, parts: list[tuple[str, bool]]
):
    folder = tmp_path_factory.mktemp("log")
    log, number, found = folder / "log", 0, []
    log.touch()
    with Tail(log) as tail:
        for text, rotates in parts:
            with log.open("a") as file:
                file.write(text)
            found += tail.fresh()
            if rotates:
                number += 1
                log.rename(folder / f"log.{number}")
                log.touch()
        while lines := tail.fresh():
            found += lines
        found += tail.rest()
    whole = "".join(text for text, _ in parts)
    assert found == whole.removesuffix("\n").split("\n") if whole else found == []
