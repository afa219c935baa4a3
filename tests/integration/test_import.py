"""An existing repository taken over by real pushes, to a real web process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gitweb import FakeBuilder, served
from tests.repos import commit, git, make_repo

pytestmark = pytest.mark.integration
STRATUM = Path(sys.executable).with_name("stratum")


@pytest.fixture
def web(tmp_path):
    with served(tmp_path) as web, FakeBuilder(web):
        web.new_app()  # and its environment
        yield web


@pytest.fixture
def bare(tmp_path):
    """Three branches, two tags, HEAD at one that is neither master nor main."""
    source = make_repo(tmp_path / "source", {"Procfile": "web: python app.py\n"})
    for name in ("main", "trunk", "deep/topic"):
        git(source, "checkout", "-q", "-b", name)
        commit(source, {name: name})
    git(source, "tag", "v1")
    git(source, "tag", "-a", "-m", "x", "v2")
    git(source, "symbolic-ref", "HEAD", "refs/heads/trunk")
    git(tmp_path, "clone", "-q", "--bare", str(source), "shop.git")
    return tmp_path / "shop.git"


def run(web, tmp_path, *arguments):
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "STRATUM_URL": f"http://127.0.0.1:{web.port}",
        "STRATUM_TOKEN": web.secret,
        "GIT_DIR": "/nowhere",
    }
    done = subprocess.run([STRATUM, *arguments], env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def imported(web, number=2):
    return web.instance.layout.repo(number)


def refs(repo):
    return git(repo, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")


def test_all_branches_and_tags_arrive_and_head_deploys_last(web, tmp_path, bare):
    code, said = run(web, tmp_path, "apps", "import", str(bare), "-E", "MyProdEnv")

    assert code == 0, said
    assert refs(imported(web)) == refs(bare)
    (build,) = web.builds(app(web))
    assert build.commit == git(bare, "rev-parse", "trunk")
    assert app(web).deploy_branch == "trunk"
    assert git(imported(web), "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert "Created MyProdEnv/shop: http://shop.myprodenv." in said
    assert said.index("v2 -> v2") < said.index("-----> Receiving shop") < said.index("trunk -> trunk")


def app(web):
    with web.db.read() as tx:
        from stratum.store import environments

        found = environments.find_app(tx, "MyProdEnv", "shop")
    assert found is not None
    return found


def test_without_deploy_all_else_is_there_and_the_way_is_told(web, tmp_path, bare):
    code, said = run(web, tmp_path, "apps", "import", str(bare), "Shop", "-E", "MyProdEnv", "--no-deploy")

    assert code == 0, said
    assert "refs/heads/trunk" not in refs(imported(web))
    assert len(refs(imported(web)).splitlines()) == 5
    assert web.builds(app(web)) == []
    assert "trunk was left out. To deploy it: stratum associate MyProdEnv Shop in" in said
    code, said = run(web, tmp_path, "apps", "import", str(bare), "shop", "-E", "MyProdEnv")
    assert code == 0, said
    assert refs(imported(web)) == refs(bare)


def test_the_branch_of_an_app_that_is_there_is_kept_unless_another_is_asked_for(web, tmp_path, bare):
    run(web, tmp_path, "apps", "create", "shop", "-E", "MyProdEnv", "--deploy-branch", "main")
    code, said = run(web, tmp_path, "apps", "import", str(bare), "-E", "MyProdEnv", "--no-deploy")
    assert "main was left out" in said
    code, said = run(web, tmp_path, "apps", "import", str(bare), "-E", "MyProdEnv", "--deploy-branch", "none")

    assert (code, "has no branch none" in said) == (0, True)
    assert app(web).deploy_branch == "none"
    assert refs(imported(web)) == refs(bare)


def test_many_refs_go_in_parts_and_a_refusal_ends_it(web, tmp_path, bare):
    tip = git(bare, "rev-parse", "trunk")
    lines = "".join(f"create refs/tags/t{number} {tip}\n" for number in range(1200))
    git(bare, "update-ref", "--stdin", stdin=lines.encode())
    code, said = run(web, tmp_path, "apps", "import", str(bare), "-E", "MyProdEnv", "--no-deploy")

    assert code == 0, said
    assert [line for line in said.splitlines() if line.startswith("Pushing")] == [
        f"Pushing {count} of the branches and tags that do not deploy" for count in (1000, 205)
    ]
    git(bare, "update-ref", "refs/heads/main", git(bare, "rev-parse", "master"))
    code, said = run(web, tmp_path, "apps", "import", str(bare), "-E", "MyProdEnv")
    assert (code, said.splitlines()[-2:]) == (
        1,
        [
            "The import is not complete: git could not push, and said why above.",
            "What was pushed stays; import again once it is mended.",
        ],
    )
    assert web.builds(app(web)) == []
