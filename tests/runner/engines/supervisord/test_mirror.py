from pathlib import Path

import pytest

from runner.engines.supervisord.mirror import LATEST_S, QUIET_S, Mirror


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Logger:
    def __init__(self) -> None:
        self.said: list[str] = []

    def critical(self, text: str) -> None:
        self.said.append(text)


class Mirrored:
    """A mirror in a loop whose clock stands still unless it is told."""

    def __init__(self, file: Path) -> None:
        self.file, self.clock, self.logger = file, Clock(), Logger()
        self.wakes: list[float] = []
        self.mirror = Mirror(str(file), self.logger, self.clock, self.wakes.append)

    def look_after(self, seconds: float) -> str:
        self.clock.now += seconds
        self.mirror.look()
        return self.file.read_text() if self.file.exists() else ""


@pytest.fixture
def mirrored(tmp_path: Path) -> Mirrored:
    return Mirrored(tmp_path / "apps.conf")


def test_changes_are_written_together_once_they_have_come_to_a_rest(mirrored: Mirrored) -> None:
    mirrored.mirror.put("a", "[program:a]\n")
    assert mirrored.look_after(QUIET_S / 2) == ""
    mirrored.mirror.put("b", "[program:b]\n")
    assert mirrored.look_after(QUIET_S / 2) == ""

    written = mirrored.look_after(QUIET_S)

    assert written.endswith("\n\n[program:a]\n\n[program:b]\n")
    assert mirrored.wakes == pytest.approx([QUIET_S / 2, QUIET_S / 2])


def test_changes_that_never_rest_are_written_a_while_after_the_first(mirrored: Mirrored) -> None:
    for number in range(10):
        mirrored.mirror.put(f"p{number}", f"[program:p{number}]\n")
        mirrored.look_after(LATEST_S / 9)

    assert "p8" in mirrored.file.read_text()


def test_what_goes_leaves_the_file_and_what_was_never_there_changes_nothing(mirrored: Mirrored) -> None:
    mirrored.mirror.put("a", "[program:a]\n")
    mirrored.look_after(QUIET_S)
    mirrored.mirror.drop("unknown")
    assert mirrored.look_after(QUIET_S / 2) and mirrored.wakes == []

    mirrored.mirror.drop("a")

    assert "program:a" not in mirrored.look_after(QUIET_S)
    assert not mirrored.mirror.holds("a", "[program:a]\n")


def test_who_is_about_to_read_it_finds_all_changes_and_no_other_file_without_any(mirrored: Mirrored) -> None:
    mirrored.mirror.put("a", "[program:a]\n")
    mirrored.mirror.catch_up()
    first = mirrored.file.stat().st_ino

    with mirrored.file.open():  # so that no other file gets its number
        mirrored.mirror.catch_up()
        mirrored.look_after(LATEST_S)
        assert mirrored.file.stat().st_ino == first

    assert "[program:a]" in mirrored.file.read_text()


def test_a_file_that_cannot_be_written_is_told_of_once_and_ends_nothing(tmp_path: Path) -> None:
    mirrored = Mirrored(tmp_path / "not-there" / "apps.conf")
    mirrored.mirror.put("a", "[program:a]\n")

    mirrored.look_after(QUIET_S)
    mirrored.look_after(LATEST_S)

    (said,) = mirrored.logger.said
    assert "apps.conf is behind what runs" in said
