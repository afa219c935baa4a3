"""Builds that take more of the machine than they may, and builds that leave things behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratum.door import birthmark, proc
from tests.doors import House, Raised

pytestmark = pytest.mark.integration

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="separate uids need root")
SETTINGS = {
    "STRATUM_BUILD_MEMORY_BYTES": str(200 << 20),
    "STRATUM_BUILD_PROCESSES": "100",
    "STRATUM_BUILD_DISK_BYTES": str(60 << 20),
}
MEMORY = r"StepOverLimit: close failed: it used more than 200 MiB of memory, and was ended\."
PROCESSES = (
    r"StepOverLimit: close failed: it had more than 100 processes and threads at once, and was ended\."
)
DISK = r"close failed: it filled more than 60 MiB of disk, the app's cache included \(.+\), and was"
HOLD = "python3 -c 'import time; held = b\"x\" * (SIZE << 20); print(1, flush=True); time.sleep(100)'"
HOLD_NAMELESS = """
import os, time
held = [open(str(n), "wb", 0) for n in range(4)]
for file in held:
    os.remove(file.name)
    file.write(bytes(20 << 20))
time.sleep(100)
"""
FILL_DEEP = """
import os
for n in range(2500):
    os.mkdir("d" * 20)
    os.chdir("d" * 20)
for n in range(4):
    open(str(n), "wb").write(bytes(20 << 20))
"""
BARE = '{"standing": [], "missing": {}, "as_user": false, "bwrap": ""}'


@pytest.fixture(
    params=[
        pytest.param((True, True), id="fenced", marks=needs_root),
        pytest.param((True, False), id="fenced by uid only", marks=needs_root),
        pytest.param((False, True), id="unfenced"),
        pytest.param((False, False), id="unfenced and bare"),
    ]
)
def house(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A door whose builds may do little, with namespaces and without."""
    fenced, with_namespaces = request.param
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    made = House(fenced=fenced, settings=SETTINGS)
    if not with_namespaces:
        made.layout.fences.write_text(BARE)
        made.layout.fences.chmod(0o644)
    if fenced:
        made.start()
    yield made
    made.end()


def left(house: House) -> list[proc.Process]:
    """Processes of the build, wherever they have gone: by uid, or by the scratch in their environment."""
    if house.fence.fenced:
        uid = house.fence.build_uid(7)
        return list(proc.snapshot(lambda found: found == uid).values())
    return [found for found in proc.snapshot().values() if house.folder.name in environment(found.pid)]


def environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("size", [[300], [80, 80, 80]])
def test_too_much_memory_ends_a_build(house: House, size: list[int]):
    holders = " & ".join(HOLD.replace("SIZE", str(one)) for one in size)

    with pytest.raises(Raised, match=MEMORY):
        house.script(f"unset BASH_ENV; {holders} & wait")

    assert left(house) == []


@pytest.mark.parametrize(
    "take",
    [
        "held = mmap.mmap(-1, 300 << 20); held.write(bytes(300 << 20)); time.sleep(100)",
        "pid = os.fork(); held = mmap.mmap(-1, 150 << 20); held.write(bytes(150 << 20)); time.sleep(100)",
    ],
)
def test_memory_for_sharing_is_memory(house: House, take: str):
    with pytest.raises(Raised, match=MEMORY):
        house.script(f"unset BASH_ENV; exec python3 -c 'import mmap, os, time; {take}'")


def test_memory_that_would_be_no_processs_cannot_be_had(house: House):
    said = house.script(
        """unset BASH_ENV
        python3 -c 'import os; os.memfd_create("x")' 2>&1 | tail -1
        unshare -Urm true 2>&1
        python3 -c 'import ctypes; print(ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600))'
        exit 0"""
    )

    memfd, namespace, shared = said.splitlines()
    assert "Function not implemented" in memfd
    assert "Operation not permitted" in namespace
    assert shared == "-1"


def test_what_forks_share_counts_once(house: House):
    fork = "import os, time; held = b'x' * (100 << 20); [os.fork() for _ in range(2)]; time.sleep(1)"

    house.script(f'unset BASH_ENV; python3 -c "{fork}"; exit 0')


def test_a_fork_bomb_ends_a_build(house: House):
    with pytest.raises(Raised, match=PROCESSES):
        house.script("unset BASH_ENV; bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 100")

    assert left(house) == []


def test_threads_count_as_processes(house: House):
    start = (
        "import threading, time; [threading.Thread(target=time.sleep, args=(9,)).start() for _ in range(110)]"
    )

    with pytest.raises(Raised, match=PROCESSES):
        house.script(f'unset BASH_ENV; python3 -c "{start}"')


@pytest.mark.parametrize(
    "fill",
    [
        "for i in 1 2 3 4; do head -c 20M /dev/zero > $i; done; sleep 100",
        "head -c 20M /dev/zero > $UV_CACHE_DIR/x; cp $UV_CACHE_DIR/x a; cp a b; cp a $TMPDIR/c; sleep 100",
        "exec head -c 100M /dev/zero > one",
        "for i in 1 2; do head -c 40M /dev/zero > $i; done; exit 0",
        "cd $TMPDIR; exec python3 -c '" + HOLD_NAMELESS + "'",
        "exec python3 -c '" + FILL_DEEP + "'",
    ],
)
def test_too_much_disk_ends_a_build(house: House, fill: str):
    with pytest.raises(Raised, match=DISK):
        house.script(f"unset BASH_ENV; {fill}")


def test_an_exit_code_is_no_signal(house: House):
    house.script("unset BASH_ENV; exit 153", code=153)


def test_a_build_within_its_limits_is_left_alone(house: House):
    house.script("unset BASH_ENV; head -c 10M /dev/zero > a; seq 50 | xargs -P 20 -n 1 test; exit 0")


def test_a_build_that_forks_twice_and_sheds_everything_is_gone_with_its_step(house: House):
    house.script(
        "unset BASH_ENV; (setsid env -i MARK=$PWD setsid sh -c 'sleep 1000 & sleep 1000' &); sleep .2; exit 0"
    )

    assert left(house) == []


def test_all_of_a_build_carries_the_number_of_its_instance(house: House):
    said = house.script("unset BASH_ENV; env -i setsid -w cat /proc/self/limits; exit 0")

    assert birthmark.carried(said.encode()) == birthmark.number(house.layout.instance_id)


def test_a_build_that_forks_all_the_time_ends_with_its_time(house: House):
    with pytest.raises(Raised, match="StepTimedOut"):
        house.script("unset BASH_ENV; while :; do (setsid sleep 5 &) ; sleep 0.1; done", timeout_s=1)

    assert left(house) == []
