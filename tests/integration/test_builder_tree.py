"""What of a commit is built: all of it or a refusal, but for what the commit itself leaves out."""

import pytest

from stratum.model import BuildState
from tests.gitweb import FakeBuilder, run_git, served
from tests.repos import git
from tests.yard import Yard

pytestmark = pytest.mark.integration

WEB = {"Procfile": "web: python3 -m http.server $PORT\n"}
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"


@pytest.fixture
def yard():
    made = Yard.make(build_timeout_s=60)
    yield made
    made.remove()


def slug(yard: Yard, app):
    return yard.layout.slug(app.id, yard.releases(app)[0].slug)


def test_a_push_of_what_lacks_files_is_refused_before_the_ref_moves(tmp_path):
    with served(tmp_path) as web, FakeBuilder(web):
        app, source = web.new_app(), web.source("submodule", WEB)
        oid = git(source, "rev-parse", "HEAD")
        git(source, "update-index", "--add", "--cacheinfo", f"160000,{oid},vendor/lib")
        git(source, "commit", "--quiet", "--message", "Add a submodule")

        pushed = run_git(source, "push", web.url(app), "master")
        stored = run_git(source, "push", web.url(app), "master:topic")

        reason = '"vendor/lib" is a submodule: what it stands for is not in the commit'
        assert pushed.code == 1
        assert f"! [remote rejected] master -> master ({reason})" in pushed.said
        assert pushed.remote[0] == f" !     {reason}."
        assert pushed.remote[1].startswith(" !     Add its files instead: git rm --cached PATH")
        assert web.ref(app) == ""
        assert stored.code == 0


def test_a_build_of_what_lacks_files_fails_in_its_first_second(yard: Yard):
    """A commit may be older than the question that its push is asked."""
    app = yard.app({**WEB, ".gitattributes": "*.psd filter=lfs\n", "art/a.psd": POINTER})

    build = yard.build(app)

    assert build.state is BuildState.FAILED
    assert yard.log(build).splitlines()[:3] == [
        "-----> Procfile: web",
        f" !     Looking at {build.commit[:7]} failed",
        ' !     "art/a.psd" is a Git LFS pointer: what it stands for is not in the commit.',
    ]
    assert yard.scratch(app) == []


def test_slugignore_leaves_files_out_before_anything_is_built(yard: Yard):
    files = {"docs/a": "x", "art/a.psd": POINTER, "b.log": "x", "src/b.log": "x", "src/a": "x"}
    ignore = "# not for the server\n/docs\n*.psd\n*.log\n!src/b.log\n"
    app = yard.app({**WEB, **files, ".gitattributes": "*.psd filter=lfs\n", ".slugignore": ignore})

    build = yard.build(app)

    assert build.state is BuildState.SUCCEEDED
    assert "-----> Leaving out what .slugignore names (3 patterns)" in yard.log(build)
    assert '       .slugignore:5: warning: "!" has no effect here. Remove the line.' in yard.log(build)
    built = {path.relative_to(slug(yard, app)).as_posix() for path in slug(yard, app).rglob("*")}
    assert built == {"Procfile", ".gitattributes", ".slugignore", "src", "src/a"}


def test_a_slugignore_that_leaves_nothing_fails_the_build(yard: Yard):
    app = yard.app({**WEB, ".slugignore": "*\n"})

    build = yard.build(app)

    assert build.state is BuildState.FAILED
    assert f"Unpacking {build.commit[:7]} failed: .slugignore leaves nothing of it." in build.error


def test_a_slugignore_of_many_patterns_fails_the_build(yard: Yard):
    app = yard.app({**WEB, ".slugignore": "a\n" * 1001})

    assert ".slugignore has 1001 patterns; 1000 are allowed." in yard.build(app).error


def test_what_the_commit_does_not_export_is_not_built(yard: Yard):
    attributes = "tests export-ignore\nversion.txt export-subst\n"
    app = yard.app({**WEB, ".gitattributes": attributes, "tests/a": "x", "version.txt": "$Format:%H$\n"})

    build = yard.build(app)

    assert not (slug(yard, app) / "tests").exists()
    assert (slug(yard, app) / "version.txt").read_text() == f"{build.commit}\n"
