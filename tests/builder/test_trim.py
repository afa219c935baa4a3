"""The cache of an app's builds stays below its bound."""

import os
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
