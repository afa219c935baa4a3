"""The commits between two, with git's own."""

import pytest

from stratum.history import between
from tests.repos import commit, git, make_repo


@pytest.fixture
def repo(tmp_path):
    return make_repo(tmp_path / "work", {"Procfile": "web: x\n"})


def test_commits_are_listed_newest_first_up_to_a_limit(repo):
    first = git(repo, "rev-parse", "HEAD")
    ids = [commit(repo, {"text": str(number)}) for number in range(3)]

    whole, part = between(repo / ".git", first, ids[-1]), between(repo / ".git", first, ids[-1], limit=2)

    assert whole is not None
    assert part is not None
    assert ([one.id for one in whole.entries], whole.more) == (ids[::-1], False)
    assert ([one.id for one in part.entries], part.more) == (ids[:0:-1], True)
    assert whole.entries[0].author
    backwards = between(repo / ".git", ids[-1], first)
    assert backwards is not None
    assert backwards.entries == ()


def test_a_subject_is_taken_as_it_is(repo):
    first = git(repo, "rev-parse", "HEAD")
    git(repo, "commit", "--allow-empty", "-m", "a \x1f b\x1b[31m\n\nbody")

    found = between(repo / ".git", first, git(repo, "rev-parse", "HEAD"))

    assert found is not None
    assert [one.subject for one in found.entries] == ["a \x1f b\x1b[31m"]


def test_unknown_commits_have_no_history(repo):
    assert between(repo / ".git", "1" * 40, git(repo, "rev-parse", "HEAD")) is None
    assert between(repo / ".git", git(repo, "rev-parse", "HEAD"), "1" * 40) is None
