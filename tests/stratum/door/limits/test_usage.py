"""What processes and folders take, counted on real ones."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stratum.door.limits import usage
from stratum.door.limits.descent import Descent
from stratum.door.limits.filling import Filling
from stratum.door.limits.openfiles import nameless

HOLD = "import time; held = b'x' * (50 << 20); print(1, flush=True); time.sleep(100)"
SHARE = """
import os, time
held = b"x" * (50 << 20)
if all(os.fork() for _ in range(2)):
    print(1, flush=True)
time.sleep(100)
"""
MIB = 1 << 20
SHARE_OPENLY = """
import mmap, os, time
held = mmap.mmap(-1, 50 << 20)
held.write(bytes(50 << 20))
if os.fork():
    held[::4096]
    print(1, flush=True)
else:
    held[::4096]
time.sleep(100)
"""


@contextmanager
def running(program: str) -> Iterator[tuple[int, list[int]]]:
    """A program and its forks in a session of their own: the folder of all processes, and their pids."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    folder = os.open("/proc", os.O_RDONLY)
    try:
        assert process.stdout
        assert process.stdout.readline() == "1\n"
        yield folder, [pid for pid in usage.inside(folder) if session(pid) == process.pid]
    finally:
        os.close(folder)
        os.killpg(process.pid, 9)
        process.communicate()


def session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def test_memory_of_a_process_is_told_within_a_few_megabytes():
    with running(HOLD) as (folder, pids):
        assert usage.is_above(folder, pids, 50 * MIB)
        assert not usage.is_above(folder, pids, 70 * MIB)
        assert usage.threads(folder, pids) == 1


def test_memory_that_forks_share_counts_once():
    with running(SHARE) as (folder, pids):
        assert usage.is_above(folder, pids, 50 * MIB)
        assert not usage.is_above(folder, pids, 100 * MIB)


def test_memory_shared_on_purpose_counts_and_counts_once():
    with running(SHARE_OPENLY) as (folder, pids):
        assert usage.is_above(folder, pids, 50 * MIB)
        assert not usage.is_above(folder, pids, 95 * MIB)


def test_where_it_may_not_be_looked_into_what_is_shared_counts_for_each(monkeypatch):
    read = usage._read
    monkeypatch.setattr(
        usage, "_read", lambda folder, pid, name: b"" if name == "smaps_rollup" else read(folder, pid, name)
    )
    with running(SHARE) as (folder, pids):
        assert usage.is_above(folder, pids, 150 * MIB)
        assert not usage.is_above(folder, pids, 250 * MIB)


def test_a_process_that_is_gone_takes_nothing():
    folder = os.open("/proc", os.O_RDONLY)
    gone = subprocess.Popen(["true"])
    gone.wait()

    assert not usage.is_above(folder, [gone.pid], 0)
    assert usage.threads(folder, [gone.pid]) == 0
    os.close(folder)


def test_folders_are_counted_with_all_below_and_without_following_links(tmp_path: Path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_bytes(b"x" * MIB)
    (tmp_path / "other").mkdir()
    (tmp_path / "a/link").symlink_to("/usr")

    assert Filling((tmp_path / "a", tmp_path / "other")).is_above(MIB - 1, 10)
    assert not Filling((tmp_path / "a", tmp_path / "missing")).is_above(2 * MIB, 10)


def test_folders_are_counted_to_any_depth(tmp_path: Path):
    bottom = deep(tmp_path, 3000)
    with os.fdopen(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=bottom), "wb") as file:
        file.write(b"x" * MIB)
    os.close(bottom)
    (tmp_path / "zz").mkdir()
    (tmp_path / "zz/file").write_bytes(b"x" * MIB)
    most = 0
    descent = Descent((tmp_path,))
    for found in descent:
        most = max(most, found.st_size)

    assert most >= MIB
    assert Filling((tmp_path,)).is_above(2 * MIB - 1, 20)
    assert Filling((tmp_path,)).has_file_of(MIB)
    assert not Filling((tmp_path,)).has_file_of(MIB + 1)
    subprocess.run(["rm", "-rf", tmp_path], check=True)


def deep(folder: Path, levels: int) -> int:
    """Make folders in folders, further down than a path can say; the last one, open."""
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 20, dir_fd=handle)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    return handle


def test_a_folder_that_becomes_a_link_leads_nowhere(tmp_path: Path):
    bait, inside = tmp_path / "bait", tmp_path / "in/a"
    bait.mkdir()
    (bait / "file").write_bytes(b"x" * MIB)
    inside.mkdir(parents=True)
    descent = iter(Descent((tmp_path / "in",)))
    next(descent)
    inside.rmdir()
    inside.symlink_to(bait)

    assert list(descent) == []


def test_a_folder_that_is_moved_out_leads_nobody_after_it(tmp_path: Path):
    bottom = tmp_path / "in" / "/".join("a" * 80)
    bottom.mkdir(parents=True)
    for name in ("one", "two"):
        (bottom / name).mkdir()
    (tmp_path / "bait").write_bytes(b"x" * MIB)
    descent = Descent((tmp_path / "in",))
    walk = iter(descent)
    for _ in range(81):
        next(walk)
    bottom.rename(tmp_path / "out")

    assert MIB not in [found.st_size for found in walk]


def test_what_is_open_and_has_no_name_counts_once(tmp_path: Path):
    path = tmp_path / "file"
    program = (
        f"import os, time; held = open({str(path)!r}, 'wb'); held.write(bytes({MIB})); held.flush();"
        f"os.remove({str(path)!r}); os.fork() and print(1, flush=True); time.sleep(100)"
    )
    with running(program) as (folder, pids):
        assert nameless(folder, pids, {tmp_path.stat().st_dev}) >= MIB
        assert nameless(folder, pids, {tmp_path.stat().st_dev}) < 2 * MIB
        assert nameless(folder, pids, set()) == 0
    assert Filling((tmp_path,), lambda: 2 * MIB).is_above(MIB, 10)


def test_at_the_end_it_is_counted_once_more_if_the_disk_has_filled(tmp_path: Path):
    filling = Filling((tmp_path,))
    assert not filling.is_above(MIB, 10)
    (tmp_path / "file").write_bytes(os.urandom(2 * MIB))

    assert filling.is_above_at_end(MIB)


def test_counting_goes_on_where_it_was_left(tmp_path: Path):
    for number in range(300):
        (tmp_path / str(number)).write_bytes(b"x" * 4096)
    filling = Filling((tmp_path,))

    looks = 1
    while not filling.is_above(299 * 4096, 0.0):
        looks += 1
        assert looks < 10_000
    assert looks > 1


def test_a_count_that_found_enough_room_rests(tmp_path: Path):
    filling = Filling((tmp_path,))
    assert not filling.is_above(1, 10)
    (tmp_path / "file").write_bytes(b"x" * MIB)
    begun = time.monotonic()

    assert not filling.is_above(1, 10)
    assert time.monotonic() - begun < 1


def test_a_file_counts_as_the_part_of_the_disk_that_its_inode_is(tmp_path: Path):
    """A build with empty files without number would leave no inode to others."""
    disk = os.statvfs(tmp_path)
    each = min(disk.f_blocks * disk.f_frsize // disk.f_files, 16 << 10) if disk.f_files else 0
    if not each:
        pytest.skip("the file system has no limit of inodes (btrfs)")
    for number in range(100):
        (tmp_path / str(number)).touch()

    assert Filling((tmp_path,)).is_above(99 * each - 1, 20)
    filling = Filling((tmp_path,))
    assert not filling.is_above(100 * max(each, 4096), 20)
