"""Steps of builds by the door, on real processes: what each gets, and that nothing of it outlives it."""

import os
import secrets
import signal
import subprocess

import pytest

from stratum.door import proc
from stratum.door.fencing import network
from tests.doors import APP, House, Raised, arguments, needs_root
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NAP = str(
    secrets.randbelow(10**6) + 10**6
)  # by which processes of this run are known, whatever their pids inside

# Sets processes loose in every way a program can, and tells when they are all there.
LOOSE = """
sleep NAP & echo >> naps
setsid sleep NAP & echo >> naps
(setsid env -i /bin/sleep NAP & echo >> naps)
env -i setsid /bin/sh -c '/bin/sleep NAP & echo >> naps; /bin/sleep NAP' &
while [ $(wc -l < naps) -lt 4 ]; do sleep 0.01; done
mv naps ../home/naps
""".replace("NAP", NAP)


def set_loose(house: House) -> None:
    """Wait until LOOSE has done its work."""
    wait_until((house.scratch() / "home" / "naps").exists)


def loose() -> list[int]:
    """The pids of what LOOSE has started, in this run of the tests, that are there now."""
    return [pid for pid in proc.snapshot() if NAP.encode() in arguments(pid)]


def test_a_step_gets_the_callers_environment_and_its_own_folders(house: House):
    house.unpack({"evil.sh": "env -0 > environment; id -u > uid; umask >> uid; ulimit -c >> uid; exit 0"})
    strange = "a\n'\"%;# ü\\"
    house.step("close", env={"BASH_ENV": "./evil.sh", "STRANGE": strange, "HOME": "/nowhere"})

    source = house.scratch() / "source"
    found = dict(entry.split("=", 1) for entry in (source / "environment").read_text().split("\0")[:-1])
    left_out = {"_", "PWD", "OLDPWD", "SHLVL", *network.environ()}
    found = {name: value for name, value in found.items() if name not in left_out}
    assert found == {
        "BASH_ENV": "./evil.sh",
        "STRANGE": strange,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(house.scratch() / "home"),
        "TMPDIR": str(house.scratch() / "tmp"),
        "UV_CACHE_DIR": str(house.layout.cache(APP)),
        "STRATUM_BUILD": f"{house.layout.instance_id}/{APP}/1",
    }
    assert (source / "uid").read_text().split() == [str(house.fence.build_uid(APP)), "0022", "0"]


def test_a_step_holds_no_file_of_ours_and_gains_no_privilege(house: House):
    said = house.script("ls /proc/$$/fd; grep NoNewPrivs /proc/$$/status; exit 0")

    assert said.split() == ["0", "1", "2", "NoNewPrivs:", "1"]


def test_a_failed_step_tells_its_exit_code(house: House):
    assert house.script("echo no >&2; exit 42", code=42) == "no\n"
    house.call(lambda: house.door.discard(APP, 1))
    house.script("kill -9 $$", code=137)


def test_what_a_step_leaves_behind_is_ended_with_it(house: House):
    house.script(LOOSE + "exit 0")

    set_loose(house)
    assert loose() == []


def test_a_step_that_takes_too_long_is_ended_with_all_it_started(house: House):
    with pytest.raises(Raised, match=r"StepTimedOut: close failed: it took longer than 5 s and was ended"):
        house.script(LOOSE + "sleep 1000", timeout_s=5)

    set_loose(house)
    assert loose() == []


def test_a_step_ends_when_its_caller_is_killed(house: House):
    pid = os.fork()
    if pid == 0:
        house.script(LOOSE + "sleep 1000")
        os._exit(0)
    set_loose(house)
    wait_until(lambda: len(loose()) == 5)
    caller = [child.pid for child in proc.snapshot().values() if child.parent == pid]

    for one in (pid, *caller):
        os.kill(one, signal.SIGKILL)
    os.waitpid(pid, 0)

    wait_until(lambda: not loose())


@needs_root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_step_outlives_the_door(fenced: House, number: signal.Signals):
    pid = os.fork()
    if pid == 0:
        try:
            fenced.script(LOOSE + "sleep 1000")
        finally:
            os._exit(0)
    set_loose(fenced)
    wait_until(lambda: len(loose()) == 5)

    fenced.stop(number)
    os.waitpid(pid, 0)
    if number == signal.SIGKILL:
        fenced.start()

    wait_until(lambda: not loose())


def test_discard_ends_what_a_killed_door_has_left(house: House):
    """As if the door had been killed during a step: a marked process works on in the scratch."""
    house.unpack({"file": ""})
    env = {"STRATUM_BUILD": f"{house.layout.instance_id}/{APP}/1", "PATH": os.environ["PATH"]}
    uid = house.fence.build_uid(APP)
    left = (
        subprocess.Popen(["sleep", "1000"], env=env, user=uid, group=uid, extra_groups=[])
        if os.getuid() == 0
        else subprocess.Popen(["sleep", "1000"], env=env)
    )

    house.call(lambda: house.door.discard(APP, 1))

    assert left.wait(30) == -signal.SIGKILL
