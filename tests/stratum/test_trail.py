"""Reading a process's output over rotations, from places that can be found again."""

import os
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stratum.trail import BACKUPS, Said, Trail

TEXT = st.text("ab\n", max_size=6)


def rotate(log: Path) -> None:
    for number in (1, 0):
        file = log.with_name(f"log.{number}") if number else log
        if file.exists():
            file.replace(log.with_name(f"log.{number + 1}"))
    log.touch()


def read(trail: Trail) -> list[str]:
    """Read to the end, and close it."""
    with trail:
        return texts(trail)


def texts(trail: Trail) -> list[str]:
    return [said.text for said in trail.lines()]


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


@given(st.lists(st.tuples(TEXT, st.booleans(), st.booleans()), max_size=9))
def test_every_line_comes_once_however_it_is_rotated_and_the_reader_replaced(tmp_path_factory, parts):
    """Nothing is lost as long as the line that a reader is in is kept; what it hands on is a place alone."""
    assume(sum(rotates for _, rotates, _ in parts) <= BACKUPS)
    log = tmp_path_factory.mktemp("log") / "log"
    found: list[str] = []
    log.touch()
    trail = Trail(log)
    for text, rotates, is_replaced in parts:
        append(log, text)
        found += texts(trail)
        if rotates:
            rotate(log)
        if is_replaced:
            place = trail.place
            trail.close()
            trail = Trail(log, place)
    found += texts(trail)
    assert not trail.missed
    trail.close()
    whole = "".join(text for text, _, _ in parts)
    assert found == whole.split("\n")[:-1]


def test_two_rotations_between_looks_lose_nothing(tmp_path: Path):
    log = tmp_path / "log"
    append(log, "one\n")
    trail = Trail.after(log)
    for text in ("two\n", "three\n"):
        append(log, text)
        rotate(log)
    append(log, "four\n")

    assert (read(trail), trail.missed) == (["two", "three", "four"], False)


@pytest.mark.parametrize("look", range(6))
def test_a_rotation_between_looking_at_two_files_loses_nothing(tmp_path: Path, monkeypatch, look: int):
    log = tmp_path / "log"
    append(log, "one\n")
    with Trail(log) as trail:
        found = texts(trail)
        append(log, "two\n")
        rotate(log)
        append(log, "three\n")
        looks = iter(range(100))
        plain, opened = Path.stat, Path.open

        def rotated_before(ask):
            def asked(path: Path, *given, **named):
                if path.name.startswith("log") and not path.name.endswith("times") and next(looks) == look:
                    rotate(log)
                    with opened(log, "a") as file:
                        file.write("four\n")
                return ask(path, *given, **named)

            return asked

        with monkeypatch.context() as patched:
            patched.setattr(Path, "stat", rotated_before(plain))
            patched.setattr(Path, "open", rotated_before(opened))
            found += texts(trail)
        found += texts(trail)

        assert (found, trail.missed) == (["one", "two", "three", "four"], False)


def test_what_stands_after_the_last_line_is_the_rest_and_is_told_again_once_it_is_whole(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text("one\nha")
    with Trail(log) as trail:
        assert [line.text for line in trail.lines()] == ["one"]
        assert [line.text for line in trail.rest()] == ["ha"]
        with log.open("a") as file:
            file.write("lf\n")
        assert [line.text for line in trail.lines()] == ["half"]
        assert trail.rest() == []


def test_what_was_rotated_away_unread_is_told(tmp_path: Path):
    log = tmp_path / "log"
    append(log, "one\n")
    trail = Trail.after(log)
    for number in range(4):
        append(log, f"line {number}\n")
        rotate(log)

    assert (read(trail), trail.missed) == (["line 2", "line 3"], True)


def test_the_last_bytes_begin_with_a_whole_line_and_reach_over_rotations(tmp_path: Path):
    log = tmp_path / "log"
    append(log, "a line of some length\nanother\n")
    rotate(log)
    append(log, "one\ntwo\n")

    assert read(Trail.last(log, 6)) == ["one", "two"]
    assert read(Trail.last(log, 10)) == ["another", "one", "two"]
    assert read(Trail.last(log, 10**6))[0] == "a line of some length"
    assert read(Trail.last(tmp_path / "none", 10)) == []


def test_a_cleared_file_is_read_from_its_beginning(tmp_path: Path):
    log = tmp_path / "log"
    append(log, "one\nhalf a line")
    with Trail(log) as trail:
        assert texts(trail) == ["one"]
        log.write_text("x\n")
        assert texts(trail) == ["half a line", "x"]


def test_a_log_that_comes_later_is_read_whole(tmp_path: Path):
    with Trail.after(tmp_path / "log") as trail:
        assert trail.fresh() == []
        append(tmp_path / "log", "one\ntwo")
        assert texts(trail) == ["one"]


@pytest.mark.parametrize(
    ("since", "expected"),
    [(0, ["a", "b", "c", "d"]), (1999, ["b", "c", "d"]), (2002, ["c", "d"]), (3002, []), (9000, [])],
)
def test_what_was_written_since_a_time_begins_at_its_mark(tmp_path: Path, since, expected):
    log = tmp_path / "log"
    append(log, "a\nb\n")
    (tmp_path / "log.times").write_bytes(struct.pack("<IIII", 0, 1000, 2, 2000))
    (tmp_path / "log.times").rename(tmp_path / "log.1.times")
    os.utime(log, (2000, 2000))
    rotate(log)
    append(log, "c\nd\n")
    (tmp_path / "log.times").write_bytes(struct.pack("<II", 0, 3000) + b"cut")
    os.utime(log, (3000, 3000))

    assert read(Trail.since(log, datetime.fromtimestamp(since, UTC))) == expected


def test_lines_tell_when_they_were_written_where_that_is_marked(tmp_path: Path):
    """Also a line that a rotation parts, whose end counts."""
    log = tmp_path / "log"
    append(log, "a\nb\nhalf")
    (tmp_path / "log.times").write_bytes(struct.pack("<IIII", 2, 1000, 4, 2000))
    with Trail(log) as trail:
        trail.timed = True
        first = trail.fresh()
        (tmp_path / "log.times").rename(tmp_path / "log.1.times")
        rotate(log)
        append(log, " a line\n")
        (tmp_path / "log.times").write_bytes(struct.pack("<II", 0, 3000))
        second = trail.fresh()

    def shown(found: list[Said]) -> list[tuple[str, float | None]]:
        return [(said.text, None if said.at is None else said.at.timestamp()) for said in found]

    assert shown(first) == [("a", None), ("b", 1000)]
    assert shown(second) == [("half a line", 3000)]


def test_a_log_that_was_removed_brings_nothing_back(tmp_path: Path):
    """`supervisorctl clear` leaves the older files, which were read long ago."""
    log = tmp_path / "log"
    append(log, "old\n")
    rotate(log)
    os.utime(tmp_path / "log.1", (1000, 1000))
    append(log, "one\n")
    with Trail(log) as trail:
        assert texts(trail) == ["old", "one"]
        log.unlink()
        append(log, "two\n")
        assert texts(trail) == ["two"]


def test_who_reads_what_grows_faster_comes_to_an_end(tmp_path: Path):
    log = tmp_path / "log"
    append(log, "line\n" * 10)
    with Trail(log) as trail:
        found = 0
        for _ in trail.lines(most=100):
            found += 1
            append(log, "line\n" * 2)
        assert found < 100
        assert len(texts(trail)) == 10 + 2 * found - found, "and the next one goes on where it was"
