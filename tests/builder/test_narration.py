import os
import re
import time
import unicodedata
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder import narration
from builder.narration import Narration
from stratum.errors import BuildFailed
from tests.waiting import wait_until


def test_output_is_in_the_log_line_by_line_while_the_step_runs(tmp_path: Path):
    path = tmp_path / "1.log"
    with closing(Narration(path)) as said, said.live() as output:
        said.step("Installing")
        os.write(output, b"one\ntw")
        wait_until(lambda: "one" in path.read_text())
        assert path.read_text() == "-----> Installing\n       one\n"
        os.write(output, b"o\nthree")

    assert path.read_text() == "-----> Installing\n       one\n       two\n       three\n"
    assert list(said.tail) == ["one", "two", "three"]


BREAKING = {"Cc", "Zl", "Zp"}
PIECES = (
    *(b"-----> Released v9", b" !     forged", b"\n", b"\n", b"\r", b"\r\n", b"\x1b", b"[", b"31", b"m"),
    *(
        b"\x1b[31m",
        b"\x1b[0m",
        b"\x1b[2K\x1b[1A",
        b"\x1b]0;t\x07",
        b"\x9b1A",
        b"\xe2\x80",
        b"\xa8",
        b"\x0b",
        b"\x00",
    ),
)
COLOR = re.compile("\x1b\\[[0-9;]*m")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chunks=st.lists(st.lists(st.sampled_from(PIECES)).map(b"".join) | st.binary()), color=st.booleans())
def test_whatever_a_step_prints_is_its_own_line_and_moves_nothing(tmp_path: Path, chunks, color):
    path = tmp_path / "1.log"
    path.unlink(missing_ok=True)
    with closing(Narration(path, color=color)) as said:
        said.step("Installing")
        with said.live() as output:
            for chunk in chunks:
                os.write(output, chunk)
        said.step("Done")

    first, *lines, last = path.read_bytes().decode().removesuffix("\n").split("\n")
    assert (first, last) == ("-----> Installing", "-----> Done")
    for line in lines:
        assert line.startswith("       ")
        assert COLOR.search(line) is None or (color and line.endswith("\x1b[0m"))
        assert not [
            one for one in COLOR.sub("", line) if unicodedata.category(one) in BREAKING and one != "\t"
        ]
    assert not [line for line in said.tail if "\x1b" in line]


def test_lines_may_end_as_on_other_systems(tmp_path: Path):
    for color in (False, True):
        path = tmp_path / f"{color}.log"
        with closing(Narration(path, color=color)) as said:
            said.output(b"one\r\ntwo\r\n")

        assert path.read_text() == "       one\n       two\n"


def test_a_long_line_is_cut_where_it_is_told_again(tmp_path: Path):
    with closing(Narration(tmp_path / "1.log")) as said:
        said.output(b"x" * 5000 + b"\n")

    assert list(said.tail) == ["x" * 999 + "…"]


def test_a_step_that_leaves_its_output_open_holds_up_nothing(tmp_path: Path):
    with closing(Narration(tmp_path / "1.log")) as said:
        with said.live() as output:
            left_open = os.dup(output)
            os.write(output, b"rest")
            begun = time.monotonic()
        os.close(left_open)

    assert time.monotonic() - begun < 5
    assert list(said.tail) == ["rest"]


def test_a_line_without_end_is_passed_on_in_pieces(tmp_path: Path):
    path = tmp_path / "1.log"
    with closing(Narration(path)) as said, said.live() as output:
        for _ in range(40):
            os.write(output, b"x" * 1000)

    assert path.read_text().count("x") == 40_000
    assert max(map(len, path.read_text().splitlines())) < 20_000


def test_a_log_that_cannot_be_written_is_remembered_and_stops_nothing(tmp_path: Path):
    full = tmp_path / "1.log"
    full.symlink_to("/dev/full")
    with closing(Narration(full)) as said:
        said.step("Installing")
        with said.live() as output:
            os.write(output, b"out of room\n" * 10_000)

    assert said.mishap is not None
    assert said.mishap.strerror == "No space left on device"
    assert said.tail[-1] == "out of room"


def test_a_log_that_cannot_be_opened_is_remembered(tmp_path: Path):
    with closing(Narration(tmp_path)) as said:
        said.error("never seen")

    assert isinstance(said.mishap, IsADirectoryError)


def test_endless_output_is_read_and_left_out(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(narration, "MAX_OUTPUT_BYTES", 1 << 20)
    path = tmp_path / "1.log"
    with closing(Narration(path)) as said, said.live() as output:
        for number in range(3000):
            os.write(output, f"{number} {'x' * 1000}\n".encode())

    assert path.stat().st_size < 1.3 * (1 << 20)
    assert path.read_text().endswith("       … more than 1 MiB of output; the rest is left out\n")
    assert said.tail[-1].startswith("2999 ")


def test_room_is_counted_as_the_log_grows(tmp_path: Path, monkeypatch):
    """Each empty line is indented, and each byte that is no text takes three."""
    monkeypatch.setattr(narration, "MAX_OUTPUT_BYTES", 1 << 20)
    for number, data in enumerate((b"\n", b"\xff\xff\n")):
        path = tmp_path / f"{number}.log"
        with closing(Narration(path)) as said, said.live() as output:
            for _ in range(200):
                os.write(output, data * 4096)

        assert path.stat().st_size < 1.1 * (1 << 20)


def test_the_end_of_a_failures_log_says_all_of_it(tmp_path: Path):
    path = tmp_path / "1.log"
    lines = [f"line {number}" for number in range(20)]
    with closing(Narration(path)) as said:
        said.failure(BuildFailed("Installing", "", 3, "Mend it.", lines))
        said.failure(BuildFailed("Installing", "It had printed nothing.", 137))
        said.failure(BuildFailed("Installing", "it took long.", hint="Wait.", output=["one"]))

    quoted = "".join(f"       {line}\n" for line in lines)
    assert path.read_text() == (
        f" !     Installing failed (exit code 3)\n !     Its last 20 lines:\n{quoted} !     Mend it.\n"
        " !     Installing failed, killed by SIGKILL (9)\n !     It had printed nothing.\n"
        " !     Installing failed\n !     it took long.\n !     Its last line:\n       one\n !     Wait.\n"
    )


def test_a_program_that_knows_the_mark_shows_steps_among_what_others_print(tmp_path: Path):
    path = tmp_path / "1.log"
    begun: list[str] = []
    with closing(Narration(path)) as said, said.live("m4rk", begun.append) as output:
        os.write(output, b"one\nm4rkTwo\nthree without an endm4rk=Four\nm4rkFive\n-----> six\n")

    assert path.read_text() == (
        "       one\n-----> Two\n       three without an end\n-----> Five\n       -----> six\n"
    )
    assert begun == ["Four"]
    assert list(said.tail) == ["-----> six"]
