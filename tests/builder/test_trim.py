"""The cache of an app's builds stays below its bound."""

import os
import subprocess
import sys
from pathlib import Path

from builder.driver.trim import trim
from stratum.door.limits.filling import Filling

MIB = 1024 * 1024


def unit(path: Path, used_at: int, size: int = MIB) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_bytes(os.urandom(size))
    os.utime(path, (used_at, used_at))
    return path


def test_what_was_used_longest_ago_goes_first_wherever_it_is(tmp_path):
    newest = unit(tmp_path / "python/kept/a", 4)
    old = unit(tmp_path / "python/kept/b", 2)
    oldest = unit(tmp_path / "buildpacks/x.git", 1)
    young = unit(tmp_path / "multi/python/kept/c", 3)

    assert trim(tmp_path, 5 * MIB // 2, {"python", "multi"}) == [oldest, old]
    assert newest.exists()
    assert young.exists()
    assert trim(tmp_path, 5 * MIB // 2, {"python", "multi"}) == []


def test_the_mark_of_what_is_not_on_the_disk_yet_stays(tmp_path):
    mark = tmp_path / ".unsynced"
    mark.write_text("this boot\n")
    os.utime(mark, (1, 1))
    unit(tmp_path / "x", 2)

    assert trim(tmp_path, 0, set()) == [tmp_path / "x"]
    assert mark.read_text() == "this boot\n"


def test_what_a_foreign_buildpack_keeps_goes_whole(tmp_path):
    foreign = tmp_path / "0123abcd"
    unit(foreign / "deep" / "er", 1)
    os.utime(foreign, (1, 1))
    (tmp_path / "link").symlink_to("/etc")

    assert trim(tmp_path, 0, set()) == [foreign, tmp_path / "link"]
    assert list(tmp_path.iterdir()) == []


def test_folders_closed_to_writing_go_as_well(tmp_path):
    closed = unit(tmp_path / "x", 1)
    closed.chmod(0o500)

    trim(tmp_path, 0, set())

    assert not closed.exists()


def test_a_thousand_folders_in_each_other_go_as_well(tmp_path):
    young = unit(tmp_path / "young", 2)
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("d" * 200, dir_fd=handle)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.write(file := os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=handle), os.urandom(2 * MIB))
    os.close(file)
    os.close(handle)
    deep = tmp_path / ("d" * 200)
    os.utime(deep, (1, 1))

    assert trim(tmp_path, 2 * MIB, set()) == [deep]
    assert list(tmp_path.iterdir()) == [young]


def test_a_file_counts_as_for_the_limit_of_a_build(tmp_path):
    """As much as its inode is of the disk, at least: what is kept would else go over that limit alone."""
    (tmp_path / "kept" / "small").mkdir(parents=True)
    for number in range(200):
        (tmp_path / "kept" / "small" / str(number)).touch()
    limits = Filling((tmp_path / "kept",))

    most = next(size for size in range(0, 64 * MIB, 4096) if not limits.is_above(size, 10))

    assert trim(tmp_path, most, set()) == []
    assert trim(tmp_path, most - 8192, set()) == [tmp_path / "kept" / "small"]


# Relative, since an ordinary user may not come to where tests have their folders.
CLOSED = """
import os
from pathlib import Path
from builder.buildpacks.kept import Kept
from builder.driver.trim import trim
if os.geteuid() == 0:
    os.setgroups([]); os.setresgid(65533, 65533, 65533); os.setresuid(65533, 65533, 65533)
for name in ("python/kept/a", "foreign/deep"):
    Path(name).mkdir(parents=True)
    Path(name, "file").write_bytes(bytes(range(256)) * 4096)
for name in ("python/kept/a", "python/kept", "foreign/deep"):
    os.chmod(name, 0)
Kept(Path("python"), "b").keep(Path("foreign"), {})
print(sorted(map(str, trim(Path(), 10, {"python"}))), os.listdir(), os.listdir("python/kept"))
"""


def test_folders_closed_to_reading_count_and_go_as_well(tmp_path):
    tmp_path.chmod(0o777)
    argv = [sys.executable, "-c", CLOSED]
    environ = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("['foreign', 'python/kept/a'] ['python'] []\n", "")
