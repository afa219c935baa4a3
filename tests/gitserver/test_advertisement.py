"""Compared with git's own words, byte by byte."""

import subprocess

import pytest

from gitserver.git import programs
from gitserver.git.advertisement import MAX_REFS, Advertisement
from gitserver.git.repos import ensure_repo
from tests.gitweb import new_web
from tests.repos import git, make_repo


@pytest.fixture
def web(tmp_path):
    made = new_web(tmp_path)
    yield made
    made.close()


@pytest.fixture
def repo(web, tmp_path):
    """An app's repository with a commit that no ref names."""
    bare = ensure_repo(web.instance, web.new_app())
    source = make_repo(tmp_path / "source", {"Procfile": "web: a\n"})
    git(source, "push", str(bare), "master:refs/heads/gone")
    git(bare, "update-ref", "-d", "refs/heads/gone")
    return bare


@pytest.fixture
def tip(tmp_path, repo):
    return git(tmp_path / "source", "rev-parse", "HEAD")


def by_git(web, repo, version="", service=programs.RECEIVE):
    argv = programs.argv(web.instance, service, repo, advertise=True)
    environ = programs.environ(web.instance, "who", version)
    return subprocess.run(argv, env=environ, capture_output=True, check=True).stdout


def by_us(web, repo, version=""):
    return Advertisement(web.instance).of(programs.RECEIVE, repo, version)


@pytest.mark.parametrize("version", ["", "version=0", "version=1"])
def test_no_refs(web, repo, version):
    assert by_us(web, repo, version) == by_git(web, repo, version)


@pytest.mark.parametrize("version", ["", "version=1"])
def test_refs_loose_packed_and_both_in_order(web, repo, tip, version):
    for name in ("heads/master", "heads/a/b", "heads/a-b", "heads/ä€", "tags/v1", "notes/x", "heads/Z"):
        git(repo, "update-ref", f"refs/{name}", tip)
    git(repo, "pack-refs", "--all")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@b", "tag", "-a", "-m", "x", "v2", tip)
    git(repo, "update-ref", "refs/heads/master", git(repo, "rev-parse", f"{tip}^{{commit}}"))
    git(repo, "update-ref", "refs/heads/later", tip)
    git(repo, "symbolic-ref", "refs/heads/also", "refs/heads/later")
    git(repo, "update-ref", "refs/stash", tip)

    assert by_us(web, repo, version) == by_git(web, repo, version)


def test_what_is_hidden_or_not_a_ref_is_left_out(web, repo, tip):
    git(repo, "update-ref", "refs/heads/master", tip)
    git(repo, "update-ref", "refs/stratum/kept", tip)
    git(repo, "update-ref", "refs/stratumx/y", tip)
    (repo / "refs/heads/other.lock").write_text("")
    (repo / "refs/heads/empty").mkdir()

    assert by_us(web, repo) == by_git(web, repo)


def test_what_cannot_be_read_like_git_does_is_left_to_git(web, repo, tip):
    advertisement = Advertisement(web.instance)
    assert advertisement.of(programs.RECEIVE, repo, "") is not None
    git(repo, "symbolic-ref", "refs/heads/dangling", "refs/heads/nothing")

    assert advertisement.of(programs.RECEIVE, repo, "") is None

    git(repo, "symbolic-ref", "-d", "refs/heads/dangling")
    broken = repo / "refs/heads/broken"
    for text in ("no id\n", "ref: refs/heads/broken\n"):
        broken.write_text(text)
        assert advertisement.of(programs.RECEIVE, repo, "") is None


def test_many_refs_are_left_to_git(web, repo, tip):
    lines = "".join(f"create refs/heads/{number} {tip}\n" for number in range(MAX_REFS + 1))
    git(repo, "update-ref", "--stdin", stdin=lines.encode())

    assert by_us(web, repo) is None


def test_hidden_refs_are_not_counted(web, repo, tip):
    git(repo, "update-ref", "refs/heads/master", tip)
    kept = "".join(f"create refs/stratum/builds/{number} {tip}\n" for number in range(MAX_REFS + 1))
    git(repo, "update-ref", "--stdin", stdin=kept.encode())
    assert by_us(web, repo) == by_git(web, repo)

    git(repo, "pack-refs", "--all")
    assert by_us(web, repo) == by_git(web, repo)


def test_a_git_that_fails_is_left_to_say_so(web, tmp_path):
    advertisement = Advertisement(web.instance)

    assert advertisement.of(programs.RECEIVE, tmp_path / "nothing", "") is None
    assert advertisement.of(programs.UPLOAD, tmp_path / "nothing", programs.V2) is None


def test_what_upload_pack_can_do_is_the_same_for_all_repositories(web, repo, tip):
    advertisement = Advertisement(web.instance)
    of_empty = advertisement.of(programs.UPLOAD, repo, programs.V2)
    git(repo, "update-ref", "refs/heads/master", tip)

    assert of_empty == by_git(web, repo, programs.V2, programs.UPLOAD)
    assert advertisement.of(programs.UPLOAD, repo, programs.V2) == of_empty


@pytest.mark.parametrize("version", ["", "version=0", "version=1"])
def test_the_refs_of_older_protocols_are_left_to_upload_pack(web, repo, version):
    assert Advertisement(web.instance).of(programs.UPLOAD, repo, version) is None


def test_another_git_is_asked_anew(web, repo, monkeypatch):
    advertisement = Advertisement(web.instance)
    advertisement.of(programs.UPLOAD, repo, programs.V2)
    monkeypatch.setattr(advertisement, "_asked", lambda *_: b"said")
    assert advertisement.of(programs.UPLOAD, repo, programs.V2) != b"said"

    monkeypatch.setattr(programs, "mark_of_git", lambda: "another")

    assert advertisement.of(programs.UPLOAD, repo, programs.V2) == b"said"
