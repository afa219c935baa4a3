import os
import signal
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from runner.engines.supervisord import launch
from stratum.door import birthmark, proc
from tests.doors import NOBODY, as_uid

MINE, OTHERS = birthmark.number("0123456789ab"), birthmark.number("0123456789ac")
BORN = ("prlimit", f"--locks={MINE}:{MINE}")


def carried() -> int | None:
    return birthmark.carried(proc.limits(os.getpid()))


def test_the_number_stays_with_what_leaves_session_variables_folder_and_parent() -> None:
    loose = 'cd /; (setsid env -i /bin/sh -c "echo \\$\\$; exec sleep 1000 >/dev/null" &)'
    with subprocess.Popen([*BORN, "bash", "-c", loose], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        found = proc.read(int(parent.stdout.readline()))
    assert found
    try:
        assert birthmark.bearers([found], MINE) == {found.pid}
        assert birthmark.bearers([found], OTHERS) == set()
    finally:
        proc.send(found, signal.SIGKILL)


def test_nobody_but_root_makes_it_a_higher_one_and_trying_is_no_error() -> None:
    low, high = sorted((MINE, OTHERS))

    def born_twice() -> int | None:
        birthmark.bear(low)
        birthmark.bear(high)
        return carried()

    assert as_uid(os.getuid() or NOBODY, born_twice) == low


def test_the_launcher_gives_the_same_number() -> None:
    def born() -> int | None:
        launch.bear_mark("0123456789ab")
        return carried()

    assert as_uid(os.getuid(), born) == MINE


def test_what_has_ended_carries_none() -> None:
    with subprocess.Popen([*BORN, "sleep", "1000"]) as process:
        found = proc.read(process.pid)
        assert found
        process.kill()
    assert birthmark.bearers([found], MINE) == set()


@given(st.text(min_size=1, max_size=64))
def test_a_number_is_far_above_a_limit_and_below_that_of_having_none(instance_id: str) -> None:
    assert 1 << 62 <= birthmark.number(instance_id) < 1 << 63


@given(st.binary(), st.integers(0, 2**64 - 1))
def test_any_table_is_read(rest: bytes, number: int) -> None:
    line = f"Max file locks {number:>20} {number:>20} locks\n".encode()

    assert birthmark.carried(b"Limit Soft Hard\n" + line + rest) == number
    assert birthmark.carried(rest.replace(b"Max", b"")) is None
    assert birthmark.carried(b"Max file locks  unlimited  unlimited  locks\n") is None
