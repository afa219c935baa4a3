from pathlib import Path

import pytest

from tests.soaking import Diary


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "soak.log"
    monkeypatch.setenv("SOAK_LOG", str(made))
    return made


def test_what_has_passed_is_done_and_what_has_failed_is_not(path: Path):
    diary = Diary()
    diary.note("seed 7  round 0  receive.moved-git-wiped  told ok  5.1 s")
    diary.note("seed 7  round 0  receive.moved-self  told nothing  4.2 s")
    failure = AssertionError("told ok, but the ref has not moved")
    failure.add_note("seed 7  round 0  build.claimed-self  told ok")
    diary.note("seed 7  round 1  receive.moved-git  told failed  60.0 s", failure)

    done = {"seed 7  round 0  receive.moved-git-wiped", "seed 7  round 0  receive.moved-self"}
    assert diary.done == frozenset()
    assert Diary().done == done
    assert path.read_text().splitlines()[2:] == [
        "seed 7  round 1  receive.moved-git  told failed  60.0 s",
        "    AssertionError('told ok, but the ref has not moved')",
        "    seed 7  round 0  build.claimed-self  told ok",
    ]


def test_a_half_written_line_is_not_done(path: Path):
    path.write_text("seed 7  round 0  receive.moved-git  to")

    assert Diary().done == frozenset()


def test_without_a_file_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SOAK_LOG", raising=False)
    Diary().note("seed 7  round 0  receive.moved-git  told ok  5.1 s")

    assert Diary().done == frozenset()
