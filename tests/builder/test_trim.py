"""The cache of an app's builds stays below its bound."""

import os
import subprocess
import sys
from pathlib import Path

from builder.driver.trim import trim

KIB = 1024


def unit(path: Path, used_at: int, size: int = 64 * KIB) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_bytes(os.urandom(size))
    os.utime(path, (used_at, used_at))
    return path


def test_what_was_used_longest_ago_goes_first_wherever_it_is(tmp_path):
    newest = unit(tmp_path / "python/kept/a", 4)
    old = unit(tmp_path / "python/kept/b", 2)
    oldest = unit(tmp_path / "buildpacks/x.git", 1)
    young = unit(tmp_path / "multi/python/kept/c", 3)

    assert trim(tmp_path, 160 * KIB, {"python", "multi"}) == [oldest, old]
    assert newest.exists()
    assert young.exists()
    assert trim(tmp_path, 160 * KIB, {"python", "multi"}) == []


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
    Path(name, "file").write_bytes(bytes(range(256)) * 512)
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
