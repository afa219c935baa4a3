"""Sizes are read as git reads them, from packs of every kind of entry."""

import subprocess
import tracemalloc
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitserver.git.limits import overfull, oversized
from gitserver.git.packsizes import BadPack, _long_size, count, oid_of, opened, size_at, sizes, whole_commits
from tests import packs
from tests.packs import delta_bomb, entry, pack_of, repeated, zeros
from tests.repos import commit, git, make_repo


def indexed(folder: Path, pack: bytes) -> Path:
    """Index a pack as a receive does; return the folder of objects."""
    git(folder, "init", "--quiet", "--bare", "quarantine")
    git(folder / "quarantine", "index-pack", "--stdin", "--fix-thin", stdin=pack)
    return folder / "quarantine/objects"


def of_git(repo: Path) -> list[tuple[int, str]]:
    listed = git(
        repo, "cat-file", "--batch-all-objects", "--batch-check=%(objectsize) %(objectname)", "--unordered"
    )
    return sorted((int(line.split()[0]), line.split()[1]) for line in listed.splitlines())


@pytest.mark.parametrize("option", ["--delta-base-offset", "--no-delta-base-offset"])
def test_sizes_are_those_that_git_tells(tmp_path, option):
    """Whole objects and both kinds of deltas, in chains."""
    source = make_repo(tmp_path / "source", {"file": "".join(f"{n}\n" for n in range(5000))})
    for number in range(20):
        text = "".join(f"{n if n != 100 * number else 'changed'}\n" for n in range(5000))
        commit(source, {"file": text, f"noise{number}": Random(number).randbytes(number * 1000)})
    argv = ["git", "pack-objects", "--all", "--stdout", "-q", *([option] if "--no" not in option else [])]
    pack = subprocess.run(argv, cwd=source, input=b"", capture_output=True, check=True).stdout

    objects = indexed(tmp_path, pack)
    told = of_git(objects.parent)

    with opened(objects) as (found,):
        assert sorted((size, oid_of(found, number)) for number, size in enumerate(sizes(found))) == told
        assert count(found) == len(told)


def test_commits_are_found_among_other_objects_and_ids_of_nothing(tmp_path):
    source = make_repo(tmp_path / "source", {"file": "1"})
    wanted = {commit(source, {"file": f"{number}"}) for number in range(60)}
    others = set(git(source, "rev-list", "--objects", "--no-object-names", "HEAD").split()) - wanted
    argv = ["git", "pack-objects", "--all", "--stdout", "-q", "--window=0"]
    pack = subprocess.run(argv, cwd=source, input=b"", capture_output=True, check=True).stdout
    objects = indexed(tmp_path, pack)
    first = git(source, "rev-list", "--max-parents=0", "HEAD")

    nothing = {digit * 40 for digit in "0123456789abcdef"}
    with opened(objects) as (found,):
        assert whole_commits(found, wanted | others | nothing) == wanted | {first}


def test_pack_of_many_objects_takes_little_memory(tmp_path):
    pack = pack_of(entry("blob", b"%d" % number) for number in range(30_000))
    objects = indexed(tmp_path, pack)

    tracemalloc.start()
    try:
        with opened(objects) as (found,):
            assert max(sizes(found)) == 5
            assert whole_commits(found, ["1" * 40]) == set()
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_more_objects_than_allowed_are_told_with_the_limit(tmp_path):
    objects = indexed(tmp_path, pack_of([entry("blob", b"1"), entry("blob", b"2")]))

    with opened(objects) as found:
        excess = overfull(found, 1)
        assert overfull(found, 2) is None

    assert excess is not None
    assert (excess.count, excess.limit) == (2, 1)


def test_bomb_of_a_few_bytes_is_seen(tmp_path):
    pack, base = delta_bomb(40_000_000)
    objects = indexed(tmp_path, pack)

    with opened(objects) as packs_there:
        found = oversized(packs_there, 30_000_000)
        assert oversized(packs_there, 40_000_000) is None

    assert len(pack) < 200
    assert found is not None
    assert (found.size, found.limit) == (40_000_000, 30_000_000)
    assert found.oid not in (base, packs.oid_of("blob", bytes(4000)))


def test_no_pack_holds_nothing_too_large(tmp_path):
    """A push that only moves refs has no quarantine, and one of tags to known objects an empty one."""
    with opened(tmp_path) as found:
        assert found == []


def test_head_of_a_delta_may_hide_behind_empty_blocks():
    """A deflate stream may begin with as many empty blocks as it likes (RFC 1951, 3.2.4)."""
    delta = repeated("0" * 40, 4000, 100)
    start = len(delta) - 1  # not known here: found by its zlib header
    while delta[start : start + 2] != b"\x78\x9c":
        start -= 1
    hidden = delta[: start + 2] + b"\x00\x00\x00\xff\xff" * 1000 + delta[start + 2 :]

    assert size_at(hidden, 0) == 400_000


@given(st.binary(max_size=300), st.integers(0, 7))
def test_short_and_long_way_read_the_same(data, kind):
    """Of whatever both can read; only the long way reads more than the first bytes."""
    entry = bytes([kind << 4 | 5]) + data
    with suppress(BadPack, IndexError):
        assert size_at(entry, 0) == _long_size(entry, 0)


@given(st.binary(max_size=300))
def test_any_bytes_have_a_size_or_none(data):
    with suppress(BadPack, IndexError):
        assert size_at(data, 0) >= 0


@given(st.binary(max_size=200), st.binary(max_size=2000))
def test_any_files_are_read_or_told_to_be_bad(tmp_path_factory, pack, index):
    objects = tmp_path_factory.mktemp("bad")
    folder = objects / "pack"
    folder.mkdir()
    (folder / "x.pack").write_bytes(pack)
    (folder / "x.idx").write_bytes(index)

    for read in (
        lambda found: list(sizes(found)),
        lambda found: whole_commits(found, ["0" * 40, "8" * 40, "f" * 40]),
        count,
    ):
        with suppress(BadPack), opened(objects) as (found,):
            read(found)


def test_whole_objects_tell_their_size_first():
    pack = pack_of([entry("blob", b"x" * 15), zeros("blob", 3_000_000)])

    assert size_at(pack, 12) == 15
    assert size_at(pack, 12 + len(entry("blob", b"x" * 15))) == 3_000_000
