"""Reading what became of an app's processes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.events import last_events, parse

NAME = "MyProdEnv.app02.v3.worker.1"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("started\t4711\t\t0", "started (pid 4711)"),
        ("not-started\t0\t\t0", "could not be started"),
        ("exited\t4711\t0\t3.21", "ended by itself (exit 0) after 3.2 s"),
        ("exited\t4711\t-9\t3.21", "ended by itself (SIGKILL) after 3.2 s"),
        ("crash-looping\t4711\t1\t3.21", "is crash-looping"),
        ("held-back\t4711\t\t3.21", "writes more than 16 MiB a second, and is held back"),
        ("stopped\t4711\t-15\t60", "stopped (SIGTERM) after 60.0 s"),
        ("stopped\t0\t\t0", "stopped while it waited for its next start"),
    ],
)
def test_each_change_is_said_in_words(fields, said):
    event = parse(f"1763805731.5\t{NAME}\t{fields}")

    assert event is not None
    assert (event.process, event.message) == (NAME, said)


@given(st.one_of(st.text(), st.lists(st.text(), min_size=6, max_size=6).map("\t".join)))
def test_a_line_that_is_none_is_left_out(line):
    parse(line)


@given(st.floats() | st.text(), st.text(), st.text())
def test_numbers_of_any_size_are_no_error(at, pid, lived_s):
    parse(f"{at}\t{NAME}\texited\t{pid}\t1\t{lived_s}")


def test_the_last_of_a_target_are_listed_and_what_was_cut_is_not(tmp_path: Path):
    lines = [f"{at}\tE.a.v1.{target}.1\tstarted\t7\t\t0" for at, target in enumerate(["web", "worker"] * 3)]
    (tmp_path / "events").write_text("\n".join([*lines, "6\tE.a.v1.wor"]))

    assert [event.at.timestamp() for event in last_events(tmp_path / "events", 2, "worker")] == [3, 5]
    assert len(last_events(tmp_path / "events", 100)) == 6
    assert last_events(tmp_path / "events", 0) == []
    assert last_events(tmp_path / "none", 9) == []


def test_a_rotation_while_it_is_read_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file, plain = tmp_path / "events", Path.read_text
    file.with_name("events.1").write_text(f"1\t{NAME}\tstarted\t7\t\t0\n")
    file.write_text(f"2\t{NAME}\tstarted\t8\t\t0\n3\t{NAME}\tstarted\t9\t\t0\n")

    def read_and_rotate(path: Path, **given: str) -> str:
        text = plain(path, **given)
        if file.exists():
            file.replace(file.with_name("events.1"))
        return text

    monkeypatch.setattr(Path, "read_text", read_and_rotate)

    assert [event.pid for event in last_events(file, 2)] == [8, 9]
