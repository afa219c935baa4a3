"""Refs that keep what was built, in real repositories."""

import pytest

from gitserver.git.repos import ensure_repo
from hooks.refs import keep, keep_all, kept
from stratum.errors import Unavailable
from tests.repos import git


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
