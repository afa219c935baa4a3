"""Root in a user namespace: which uids exist, and which of them an instance takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stratum.errors import InvalidInput
from stratum.fence import BASE_STEP, LOW, base_within, fenced_base, fits
from stratum.instance import Identity
from stratum.settings import Settings
from stratum.up import first, idmap

ROOT = Path(__file__).parents[3]
CONTAINER = [range(65_536)]

ids = st.integers(0, 2**32 - 2)
ranges = st.lists(st.builds(lambda start, size: range(start, start + size), ids, st.integers(1, 300_000)))


@given(name=st.text(), mapped=ranges)
@example(name="", mapped=[range(10_000 + BASE_STEP)])
@example(name="", mapped=[range(10_000 + BASE_STEP - 1)])
@example(name="", mapped=[range(65_536 + BASE_STEP)])
@example(name="", mapped=CONTAINER)
def test_the_base_exists_here_and_is_no_persons(name, mapped):
    """Whatever exists, the whole range is in it, and there is one whenever a block of it can hold one."""
    mapped = idmap.joined(mapped)
    base = base_within(name, mapped)

    room = any(len(range(max(one.start, 65_536), min(one.stop, 2**31))) >= BASE_STEP for one in mapped)
    low = any(len(range(max(one.start, LOW.start), min(one.stop, LOW.stop))) >= BASE_STEP for one in mapped)
    if base is None:
        assert not room
        assert not low
        return
    assert fits(base, mapped)
    assert base >= 65_536 or (not room and base >= LOW.start and base + BASE_STEP <= LOW.stop)


@given(st.text())
def test_on_a_host_the_base_is_the_one_it_always_was(name):
    assert base_within(name, [idmap.ALL]) == fenced_base(name)


@given(ranges, ranges, ids)
def test_common_numbers_are_those_of_both(left, right, number):
    both = any(number in one for one in left) and any(number in one for one in right)

    assert any(number in one for one in idmap.common(left, right)) == both


def test_a_map_in_two_lines_is_one_range():
    text = "         0       1000          1\n         1     100000      65535\n"

    assert idmap.parsed(text) == CONTAINER


@pytest.fixture
def as_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def mapping(monkeypatch, tmp_path: Path, count: int) -> None:
    (tmp_path / "map").write_text(f"0 100000 {count}\n")
    monkeypatch.setattr(idmap, "MAPS", (tmp_path / "map", tmp_path / "map"))


def test_a_container_of_65536_ids_gets_a_base_it_has(as_root, monkeypatch, tmp_path):
    mapping(monkeypatch, tmp_path, 65_536)
    (tmp_path / "data").mkdir()

    instance = first.identify(Settings(data=tmp_path / "data"), "127.0.0.1:8080")

    assert instance.fence.uid_base == LOW.stop - BASE_STEP
    assert instance.fence.last_app_uid < 65_534


def test_too_few_ids_are_refused_before_anything_is_written(as_root, monkeypatch, tmp_path):
    mapping(monkeypatch, tmp_path, 1_000)
    (tmp_path / "data").mkdir(mode=0o750)

    with pytest.raises(InvalidInput, match=r"20,100 uids of its own.* has 1,000 .*ordinary user"):
        first.identify(Settings(data=tmp_path / "data"), "127.0.0.1:8080")

    assert list((tmp_path / "data").iterdir()) == []
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o750


def test_a_base_once_chosen_is_kept_or_refused(as_root, monkeypatch, tmp_path):
    Identity("0" * 12, fenced=True, uid_base=30_000, listen="127.0.0.1:8080").write(tmp_path)

    assert first.identify(Settings(data=tmp_path), "127.0.0.1:8080").fence.uid_base == 30_000

    mapping(monkeypatch, tmp_path, 40_000)
    with pytest.raises(InvalidInput, match="uids 30000 and up"):
        first.identify(Settings(data=tmp_path), "127.0.0.1:8080")


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user's namespaces may be forbidden")
def test_a_real_namespace_of_one_id_is_read():
    program = "from stratum.up import idmap; print(idmap.mapped())"
    argv = ["unshare", "--user", "--map-root-user", sys.executable, "-c", program]
    ran = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stdout == "[range(0, 1)]\n"
