"""What a pusher is told of a step that fails."""

import os
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from builder.bench import Bench
from builder.narration import Narration
from stratum.door.errors import StepOverLimit, StepTimedOut
from stratum.errors import BuildFailed
from stratum.model import NO_OPTIONS

MEND = "Correct the file."


class FakeDoor:
    """Its steps print a text and end with an exit code; None when their time is over, "" over a limit."""

    def __init__(self, printed, code):
        self.printed, self.code = printed, code

    def run(self, *step, stdin, stdout, timeout_s, leash):
        os.write(stdout, self.printed)
        if self.code is None:
            raise StepTimedOut("compile", timeout_s)
        if self.code == "":
            raise StepOverLimit("compile", "it used more than 4 GiB of memory, and was ended.", "STRATUM_X")
        return self.code


@pytest.fixture
def fail(tmp_path):
    def fail(printed, code, limit_s=60):
        settings = SimpleNamespace(build_timeout_s=limit_s)
        shop: Any = SimpleNamespace(door=FakeDoor(printed, code), instance=SimpleNamespace(settings=settings))
        build: Any = SimpleNamespace(app_id=1, number=1, options=NO_OPTIONS)
        with closing(Narration(tmp_path / "1.log")) as narration:
            bench = Bench(shop, build, narration)
            bench.doing = "Installing"
            with pytest.raises(BuildFailed) as caught:
                bench.run("compile", mend=MEND)
        return caught.value

    return fail


def test_the_last_twenty_lines_are_told_without_colours(fail):
    lines = [f"line {number}" for number in range(30)]
    failure = fail("".join(f"\x1b[31m{line}\x1b[0m\n" for line in lines).encode(), 1)

    assert failure.output == tuple(lines[-20:])
    assert str(failure) == "\n".join(
        ["Installing failed (exit code 1). Its last lines:", *lines[-20:-1], f"{lines[-1]} {MEND}"]
    )


def test_a_single_line_is_told_with_what_failed(fail):
    assert fail(b"no such package\n", 1).message == "Installing failed (exit code 1): no such package"


def test_a_time_limit_is_told_with_the_last_lines(fail):
    assert fail(b"one\ntwo\n", None).message == (
        "Installing failed: the build took longer than 60 s and was ended. Its last lines:\none\ntwo"
    )


def test_a_limit_is_told_with_its_setting_and_the_last_lines(fail):
    assert str(fail(b"one\n", "")) == (
        "Installing failed: it used more than 4 GiB of memory, and was ended. Its last lines:\none "
        "An operator may raise STRATUM_X."
    )


@pytest.mark.parametrize("limit_s", [60, 0])
def test_a_step_that_printed_nothing_in_its_time_is_said_to(fail, limit_s):
    assert fail(b"", None, limit_s).message == (
        f"Installing failed: the build took longer than {limit_s} s and was ended. It had printed nothing."
    )


def test_a_killed_step_names_the_signal_and_what_may_help(fail):
    failure = fail(b"linking\n", 137)

    assert failure.message == "Installing failed, killed by SIGKILL (9): linking"
    assert "memory" in failure.hint


def test_another_signal_is_a_crash(fail):
    failure = fail(b"", 139)

    assert failure.message == "Installing failed, killed by SIGSEGV (11): It had printed nothing."
    assert failure.hint.startswith("Its program crashed")


@pytest.mark.parametrize("code", [1, 127, 128, 255])
def test_any_other_end_has_its_exit_code_and_the_advice_of_the_step(fail, code):
    failure = fail(b"no such package\n", code)

    assert failure.message == f"Installing failed (exit code {code}): no such package"
    assert failure.hint == MEND


def test_a_full_disk_goes_before_the_signal(fail):
    assert fail(b"No space left on device\n", 137).hint.startswith("The server's disk is full.")
