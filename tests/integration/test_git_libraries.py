"""Pushes, clones and fetches by the libraries that editors and tools use: dulwich and libgit2."""

import io
from pathlib import Path
from random import Random

import pygit2
import pytest
from dulwich import porcelain

from stratum.model import Right
from tests.gitweb import FakeBuilder, run_git, served
from tests.repos import commit, git

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def bad_procfile(source: Path) -> str:
    return commit(source, {"Procfile": "web python\n"})


class TestDulwich:
    def test_push_clone_and_fetch(self, web, tmp_path):
        app, source, heard = web.new_app(), web.source("dulwich"), io.BytesIO()
        tip = commit(source, {"noise": Random(1).randbytes(300_000)})

        result = porcelain.push(str(source), web.url(app), b"master", outstream=io.BytesIO(), errstream=heard)
        with porcelain.clone(web.url(app), str(tmp_path / "copy"), errstream=io.BytesIO()) as copy:
            assert copy.head().decode() == tip
        newer = commit(source, {"more": "1"})
        run_git(source, "push", web.url(app), "master")
        porcelain.fetch(str(tmp_path / "copy"), web.url(app), outstream=io.StringIO(), errstream=io.BytesIO())

        assert result.ref_status == {b"refs/heads/master": None}
        assert b"-----> Built" in heard.getvalue()
        assert [build.commit for build in web.builds(app)] == [tip, newer]
        assert git(tmp_path / "copy", "cat-file", "-t", newer) == "commit"

    def test_refusal_is_told(self, web):
        app, source = web.new_app(), web.source("dulwich-refused")
        bad_procfile(source)

        result = porcelain.push(
            str(source), web.url(app), b"master", outstream=io.BytesIO(), errstream=io.BytesIO()
        )

        assert result.ref_status is not None
        assert "Procfile:1:4" in str(result.ref_status[b"refs/heads/master"])
        assert web.ref(app) == ""

    def test_shallow_clone(self, web, tmp_path):
        app, source = web.new_app(), web.source("dulwich-shallow")
        tip = commit(source, {"more": "1"})
        run_git(source, "push", web.url(app), "master")

        with porcelain.clone(web.url(app), str(tmp_path / "copy"), depth=1, errstream=io.BytesIO()) as copy:
            assert copy.get_shallow() == {tip.encode()}

    def test_deletion_and_tag(self, web):
        app, source = web.new_app(), web.source("dulwich-refs")
        git(source, "tag", "v1")
        for spec in (["master", "refs/tags/v1", "master:topic"], [":refs/heads/topic"]):
            porcelain.push(str(source), web.url(app), spec, outstream=io.BytesIO(), errstream=io.BytesIO())

        assert set(git(source, "ls-remote", "--refs", web.url(app)).split()[1::2]) == {
            "refs/heads/master",
            "refs/tags/v1",
        }


class Signed(pygit2.RemoteCallbacks):
    """Signs in, and keeps what it is told."""

    def __init__(self, secret: str) -> None:
        super().__init__(credentials=pygit2.UserPass("token", secret))
        self.heard = ""
        self.refused: dict[str, str] = {}

    def sideband_progress(self, string: str) -> None:
        self.heard += string

    def push_update_reference(self, refname: str, message: str) -> None:
        if message is not None:
            self.refused[refname] = message


class TestLibgit2:
    def test_push_clone_and_fetch(self, web, tmp_path):
        """libgit2 asks without credentials first, and sends its pack chunked."""
        app, source, signed = web.new_app(), web.source("libgit2"), Signed(web.secret)
        tip = commit(source, {"noise": Random(2).randbytes(300_000)})
        plain = web.url(app, "")

        pygit2.Repository(str(source)).remotes.create_anonymous(plain).push(
            ["refs/heads/master"], callbacks=signed
        )
        copy = pygit2.clone_repository(plain, str(tmp_path / "copy"), callbacks=Signed(web.secret))
        newer = commit(source, {"more": "1"})
        run_git(source, "push", web.url(app), "master")
        copy.remotes["origin"].fetch(callbacks=Signed(web.secret))

        assert signed.refused == {}
        assert "-----> Built" in signed.heard
        assert [build.commit for build in web.builds(app)] == [tip, newer]
        assert str(copy.references["refs/remotes/origin/master"].target) == newer

    def test_refusal_is_told_for_the_ref(self, web):
        app, source, signed = web.new_app(), web.source("libgit2-refused"), Signed(web.secret)
        bad_procfile(source)

        pygit2.Repository(str(source)).remotes.create_anonymous(web.url(app, "")).push(
            ["refs/heads/master"], callbacks=signed
        )

        assert set(signed.refused) == {"refs/heads/master"}
        assert "Procfile:1:4" in signed.heard
        assert web.ref(app) == ""

    def test_shallow_clone(self, web, tmp_path):
        app, source = web.new_app(), web.source("libgit2-shallow")
        commit(source, {"more": "1"})
        run_git(source, "push", web.url(app), "master")

        copy = pygit2.clone_repository(
            web.url(app, ""), str(tmp_path / "copy"), depth=1, callbacks=Signed(web.secret)
        )

        assert len(list(copy.walk(copy.head.target))) == 1

    def test_wrong_token_and_missing_right_are_errors(self, web):
        app, source = web.new_app(), web.source("libgit2-reader")
        remote = pygit2.Repository(str(source)).remotes.create_anonymous(web.url(app, ""))
        for secret in ("wrong", web.token("libgit2-reader", app, Right.READ)):
            with pytest.raises(pygit2.GitError):
                remote.push(["refs/heads/master"], callbacks=Signed(secret))

        assert web.newest(app) is None

    def test_empty_app_can_be_cloned(self, web, tmp_path):
        copy = pygit2.clone_repository(
            web.url(web.new_app(), ""), str(tmp_path / "copy"), callbacks=Signed(web.secret)
        )

        assert copy.is_empty
