import os
import signal
import subprocess

from runner.engines.supervisord import members
from tests.waiting import wait_until


def test_a_group_lives_while_a_member_does_and_a_zombie_is_none() -> None:
    leader = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        assert members.lives(leader.pid)
        members.kill(leader.pid)
        wait_until(lambda: not members.lives(leader.pid))
        os.killpg(leader.pid, 0)  # the kernel still knows the zombie
    finally:
        assert leader.wait() == -signal.SIGKILL
    assert not members.lives(leader.pid)
    members.kill(leader.pid)
