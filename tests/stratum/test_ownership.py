import os
import subprocess

import pytest

from stratum.ownership import exclusive, is_alive, is_free, process_name, this_process
from tests.there import there


def test_a_process_is_known_by_pid_and_start():
    child = subprocess.Popen(["sleep", "60"])
    name = process_name(child.pid)
    assert is_alive(name)
    assert not is_alive(f"{child.pid}:1")
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert not is_alive(name), "a zombie is not alive"
    child.wait()
    assert not is_alive(name)
    assert is_alive(this_process())


@pytest.mark.parametrize("name", ["", "x", ":", "0:0", "-1:5", f"{2**22}:7"])
def test_nonsense_is_not_alive(name):
    assert not is_alive(name)


def test_a_lock_is_held_by_one_and_free_after(tmp_path):
    lock = tmp_path / "lock"
    with exclusive(lock) as first, exclusive(lock) as second:
        assert (first, second) == (True, False)
        assert not is_free(lock)

    assert is_free(lock)


def test_a_lock_of_a_killed_process_is_free(tmp_path):
    lock = tmp_path / "lock"
    code = (
        "import sys,time;from pathlib import Path;from stratum.ownership import exclusive\n"
        "with exclusive(Path(sys.argv[1])): print('held',flush=True); time.sleep(60)"
    )
    with subprocess.Popen(["python", "-c", code, str(lock)], stdout=subprocess.PIPE, text=True) as child:
        assert there(child.stdout).readline() == "held\n"
        assert not is_free(lock)
        child.kill()

    assert is_free(lock)
