import os
import signal
import subprocess

import pytest

from stratum.door import owner, proc
from tests.doors import NOBODY, as_uid


def looked_at(process: proc.Process) -> bool:
    """Look as root may in a container: only processes of one's own uid."""
    root = os.getuid()

    def at(pid: int) -> str:
        if os.getuid() == root:
            raise PermissionError
        return f"{pid} ü\udcff"

    return owner.look([process], at) == {process.pid: f"{process.pid} ü\udcff"}


@pytest.fixture
def others():
    with subprocess.Popen(["sleep", "100"], user=NOBODY, group=NOBODY, extra_groups=[]) as process:
        yield proc.read(process.pid)
        process.kill()


@pytest.mark.skipif(os.getuid() != 0, reason="separate uids need root")
def test_what_root_may_not_see_is_looked_at_as_its_owner(others: proc.Process):
    assert looked_at(others)


@pytest.mark.skipif(os.getuid() != 0, reason="separate uids need root")
def test_not_to_be_let_look_is_an_error_and_not_an_empty_answer(others: proc.Process):
    def at(_pid: int) -> str:
        if os.getuid() == NOBODY:
            os.kill(os.getpid(), signal.SIGKILL)
        raise PermissionError

    with pytest.raises(OSError, match="the processes of uid 65534 cannot be looked at"):
        owner.look([others], at)


@pytest.mark.parametrize("error", [FileNotFoundError, ProcessLookupError])
def test_what_has_ended_meanwhile_is_left_out(error: type[OSError]):
    def at(_pid: int) -> str:
        raise error

    assert owner.look([proc.Process(1, 0, 1, 1, 1, 1000)], at) == {}


def test_an_ordinary_user_sees_its_own_only():
    def look() -> dict[int, str]:
        def at(_pid: int) -> str:
            raise PermissionError

        return owner.look([proc.Process(1, 0, 1, 1, 1, 1000)], at)

    assert as_uid(os.getuid() or NOBODY, look) == {}
