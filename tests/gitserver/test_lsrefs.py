"""Compared with git's own words, byte by byte."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitserver.git import lsrefs, programs
from gitserver.git.pktline import FLUSH, pkt
from gitserver.git.repos import ensure_repo
from tests.gitweb import new_web
from tests.repos import commit, git, make_repo

DELIMITER = b"0001"
ASKED = [
    (),
    ("peel", "symrefs"),
    ("peel", "symrefs", "unborn"),
    ("symrefs", "ref-prefix HEAD", "ref-prefix refs/heads/", "ref-prefix refs/tags/", "peel", "unborn"),
    ("ref-prefix refs/heads/a",),
    ("unborn", "ref-prefix refs/tags/"),
    ("peel", "ref-prefix refs/nothing"),
]


@pytest.fixture(autouse=True)
def nothing_learned():
    lsrefs._peeled.clear()


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    made = new_web(tmp_path_factory.mktemp("web"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def repo(web, tmp_path_factory):
    """A repository with branches, tags of both kinds, notes, and what is hidden; all packed."""
    bare = ensure_repo(web.instance, web.new_app())
    source = make_repo(tmp_path_factory.mktemp("s") / "source", {"Procfile": "web: a\n"})
    for name in ("master", "a/b", "a-b", "ä€", "Z"):
        git(source, "push", str(bare), f"HEAD:refs/heads/{name}")
        commit(source, {"more": name})
    git(source, "tag", "light")
    git(source, "tag", "-a", "-m", "x", "full")
    git(source, "tag", "-a", "-m", "y", "nested", "full")
    git(source, "push", str(bare), "--tags", "HEAD:refs/notes/x", "HEAD:refs/stratum/builds/1")
    git(bare, "pack-refs", "--all")
    git(bare, "update-ref", "refs/heads/later", git(source, "rev-parse", "HEAD"))
    return bare


def request(*arguments: str) -> bytes:
    lines = [pkt(word.encode() + b"\n") for word in arguments]
    head = pkt(b"command=ls-refs\n") + pkt(b"agent=git/2.39.5") + pkt(b"object-format=sha1")
    return head + DELIMITER + b"".join(lines) + FLUSH


def by_git(web, repo, asked: bytes) -> bytes:
    argv = programs.argv(web.instance, programs.UPLOAD, repo)
    environ = programs.environ(web.instance, "who", programs.V2)
    return subprocess.run(argv, env=environ, input=asked, capture_output=True, check=True).stdout


def by_us(repo, asked: bytes) -> bytes | None:
    wanted = lsrefs.wanted(asked)
    return None if wanted is None else lsrefs.answer(repo, wanted)


@pytest.mark.parametrize("arguments", ASKED, ids=str)
def test_refs_are_listed_as_git_does(web, repo, arguments):
    said = by_us(repo, request(*arguments))

    assert said is not None
    assert said == by_git(web, repo, request(*arguments))


@pytest.mark.parametrize("arguments", ASKED, ids=str)
def test_empty_repository_is_listed_as_git_does(web, arguments):
    empty = ensure_repo(web.instance, web.new_app())

    assert by_us(empty, request(*arguments)) == by_git(web, empty, request(*arguments))


def test_head_is_where_the_deploy_branch_is(web, repo):
    git(repo, "symbolic-ref", "HEAD", "refs/heads/a/b")
    try:
        asked = request("symrefs", "ref-prefix HEAD")
        assert by_us(repo, asked) == by_git(web, repo, asked)
        assert b"symref-target:refs/heads/a/b" in (by_us(repo, asked) or b"")
    finally:
        git(repo, "symbolic-ref", "HEAD", "refs/heads/master")


@pytest.mark.parametrize("name", ["tags/unpacked", "notes/y"])
def test_what_may_lead_to_a_tag_unread_is_left_to_git(repo, name):
    git(repo, "update-ref", f"refs/{name}", git(repo, "rev-parse", "refs/tags/full"))
    try:
        assert by_us(repo, request("peel")) is None
        assert by_us(repo, request()) is not None
    finally:
        git(repo, "update-ref", "-d", f"refs/{name}")


def test_what_tags_lead_to_is_asked_of_git_once(web, repo):
    """Tags of tags, tags of branches' commits and refs that are no tags; none is packed."""
    refs = {"tags/loose": "full", "tags/loosest": "nested", "notes/z": "light", "tags/plain": "light"}
    for name, at in refs.items():
        git(repo, "update-ref", f"refs/{name}", git(repo, "rev-parse", f"refs/tags/{at}"))
    try:
        wanted = lsrefs.wanted(request("peel"))
        assert wanted is not None
        said = by_git(web, repo, request("peel"))
        halves = iter((said[:40], said[40:]))
        assert b"".join(lsrefs.learned(halves, wanted)) == said
        assert by_us(repo, request("peel")) == said
        asked = request("peel", "symrefs", "ref-prefix refs/tags/lo")
        assert by_us(repo, asked) == by_git(web, repo, asked)
    finally:
        for name in refs:
            git(repo, "update-ref", "-d", f"refs/{name}")


@given(
    st.binary(max_size=300) | st.lists(st.binary(max_size=60)).map(lambda lines: b"".join(map(pkt, lines)))
)
def test_any_bytes_teach_something_or_nothing(said):
    lsrefs.learn(said + FLUSH)


def test_symbolic_refs_but_head_are_left_to_git(repo):
    git(repo, "symbolic-ref", "refs/heads/also", "refs/heads/master")
    try:
        assert by_us(repo, request("symrefs")) is None
    finally:
        git(repo, "symbolic-ref", "-d", "refs/heads/also")


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        FLUSH,
        request("frobnicate"),
        request()[:-1],
        request() + b"x",
        request().replace(b"ls-refs", b"fetch"),
        request().replace(b"sha1", b"sha256"),
        pkt(b"command=ls-refs") + b"0003" + FLUSH,
    ],
)
def test_what_is_no_plain_request_is_left_to_git(asked):
    assert lsrefs.wanted(asked) is None


@given(st.binary(max_size=300) | st.binary(max_size=80).map(lambda tail: request()[:-4] + tail))
def test_any_bytes_are_a_request_or_not(asked):
    lsrefs.wanted(asked)
