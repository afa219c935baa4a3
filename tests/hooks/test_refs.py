"""Refs that keep what was built, in real repositories."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitserver.git.repos import ensure_repo
from hooks.refs import has_moved, keep, keep_all, kept
from stratum.errors import Unavailable
from stratum.model import RefUpdate
from tests.gitweb import new_web
from tests.repos import git


@pytest.fixture
def web(tmp_path):
    made = new_web(tmp_path)
    yield made
    made.close()


@pytest.fixture
def repo(web):
    return ensure_repo(web.instance, web.new_app())


@pytest.fixture
def tip(web, repo):
    source = web.source("source")
    git(source, "push", "-q", str(repo), "master")
    return git(source, "rev-parse", "HEAD")


def test_git_sees_what_is_kept(repo, tip):
    keep(repo, 7, tip)

    assert git(repo, "rev-parse", "refs/stratum/builds/7") == tip
    assert kept(repo) == {7: tip}


def test_keeping_again_changes_nothing_packed_or_loose(repo, tip):
    keep(repo, 7, tip)
    git(repo, "pack-refs", "--all")

    keep(repo, 7, tip)
    keep_all(repo, {7: tip, 8: tip})

    assert kept(repo) == {7: tip, 8: tip}
    assert [path.name for path in (repo / "refs/stratum/builds").iterdir()] == ["8"]


def test_a_ref_that_is_locked_is_said_to_be(repo, tip):
    keep(repo, 1, tip)
    (repo / "refs/stratum/builds/2.lock").touch()

    with pytest.raises(Unavailable):
        keep(repo, 2, tip)
    assert kept(repo) == {1: tip}


def test_nothing_is_kept_in_a_new_repository(repo):
    assert kept(repo) == {}


# -- the reflog, by which it is decided what a killed push has done
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
MOVE = RefUpdate("refs/heads/master", "1" * 40, "2" * 40)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    git(folder, "init", "-q", "--bare", ".")
    (folder / "logs/refs/heads").mkdir(parents=True)
    return folder


def has_moved_by(bare, log: bytes) -> bool:
    (bare / "logs" / MOVE.ref).write_bytes(log)
    return has_moved(bare, MOVE, SINCE)


@example(b"", b"a <b> " + b"9" * 5000 + b" +0000", f"{MOVE.old} {MOVE.new} ")
@given(st.binary(), st.binary(), st.sampled_from(["", f"{MOVE.old} {MOVE.new} "]))
def test_a_damaged_reflog_proves_nothing_and_stops_nobody(bare, before, after, start):
    log = before + b"\n" + start.encode() + after

    assert has_moved_by(bare, log) in (False, True)
    assert not has_moved_by(bare, log.replace(MOVE.new.encode(), b"3" * 40))


@given(st.text(), st.integers(0, 1 << 40), st.sampled_from(["", "\tpush", "\tpush 1 +0000\t2 +0000"]))
def test_a_line_of_the_move_counts_when_it_is_not_older(bare, who, seconds, message):
    name = "".join(character for character in who if character.isprintable()).encode("utf-8", "replace")
    line = b"%s %s %s <a@b> %d +0000%s\n" % (
        MOVE.old.encode(),
        MOVE.new.encode(),
        name,
        seconds,
        message.encode(),
    )

    assert has_moved_by(bare, line) == (seconds >= SINCE.timestamp())
