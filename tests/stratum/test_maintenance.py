"""An app's own page for its maintenance: what of a commit is taken for one."""

import pytest

from stratum.errors import NotFound
from stratum.maintenance import MAX_BYTES, NO_PAGE, OwnPage, checked, own_page
from tests.repos import git, make_repo


def page_of(tmp_path, source):
    repo = make_repo(tmp_path / "repo", source)
    return own_page(repo / ".git", git(repo, "rev-parse", "HEAD"))


def test_the_file_in_the_root_is_the_page_as_it_is(tmp_path):
    html = "<h1>Zur\u00fcck um 5 {env.HOME}</h1>\r\n\n"

    assert page_of(tmp_path, {"maintenance.html": html}) == OwnPage(html)


def test_without_one_there_is_none(tmp_path):
    assert page_of(tmp_path, {"public/maintenance.html": "x", "Procfile": "web: x"}) == NO_PAGE


def test_a_link_out_of_the_repository_is_none(tmp_path):
    repo = make_repo(tmp_path / "repo", {"Procfile": "web: x"})
    (repo / "maintenance.html").symlink_to("/etc/passwd")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "link")

    assert own_page(repo / ".git", git(repo, "rev-parse", "HEAD")) == NO_PAGE


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x" * (MAX_BYTES + 1), "maintenance.html is not shown: it may have 64 KiB."),
        (b"\xff", "maintenance.html is not shown: it is no UTF-8."),
        (b"a\0b", "maintenance.html is not shown: it has a NUL byte."),
    ],
)
def test_what_cannot_be_a_page_says_why(tmp_path, content, why):
    assert page_of(tmp_path, {"maintenance.html": content}) == OwnPage(refusal=why)


def test_the_largest_is_taken():
    assert len(checked(b"x" * MAX_BYTES).html) == MAX_BYTES


def test_a_commit_that_is_not_there_is_said(tmp_path):
    repo = make_repo(tmp_path / "repo", {"Procfile": "web: x"})
    with pytest.raises(NotFound):
        own_page(repo / ".git", "c" * 40)
