"""`apps import`, up to git's push; tests/integration/test_import.py pushes."""

import pytest

from tests.repos import git, make_repo


@pytest.fixture
def environment(terminal):
    terminal("environments", "create", "MyProdEnv")


def test_what_is_no_repository_is_refused(terminal, environment, tmp_path):
    (tmp_path / "repo").mkdir()
    make_repo(tmp_path / "above", {"a": "a"})
    (tmp_path / "above/below").mkdir()

    for path in (tmp_path / "repo", tmp_path / "above/below"):
        said = terminal("apps", "import", str(path), "-E", "MyProdEnv")
        assert (said.code, said.err.split(":")[0]) == (1, f"{path} is no git repository")
    assert terminal("apps", "import", str(tmp_path / "none"), "-E", "MyProdEnv").code == 2
    assert terminal("apps", "import", str(tmp_path / "above")).code == 2
    assert terminal("apps", "list", "--json").rows == []


def test_a_shallow_repository_is_refused_with_what_to_do(terminal, environment, tmp_path):
    source = make_repo(tmp_path / "source", {"a": "a"})
    git(source, "commit", "-q", "--allow-empty", "-m", "b")
    git(tmp_path, "clone", "-q", "--bare", "--depth=1", f"file://{source}", "s.git")

    said = terminal("apps", "import", str(tmp_path / "s.git"), "-E", "MyProdEnv")

    assert (said.code, said.err) == (
        1,
        f"{tmp_path}/s.git is a shallow clone: it lacks the older commits.\n"
        f"Fetch them first: git -C {tmp_path}/s.git fetch --unshallow\n",
    )


def test_a_former_name_is_not_taken_by_an_import(terminal, environment, tmp_path):
    source = make_repo(tmp_path / "shop", {"a": "a"})
    terminal("apps", "create", "shop", "-E", "MyProdEnv")
    assert terminal("apps", "rename", "shop", "store", "-E", "MyProdEnv").code == 0

    said = terminal("apps", "import", str(source), "-E", "MyProdEnv")

    assert (said.code, said.err) == (1, "MyProdEnv/shop is called MyProdEnv/store now.\nUse that name.\n")
    assert [row["name"] for row in terminal("apps", "list", "--json").rows] == ["store"]


def test_an_empty_repository_is_refused(terminal, environment, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "e.git")

    said = terminal("apps", "import", str(tmp_path / "e.git"), "-E", "MyProdEnv")

    assert (said.code, "no branch and no tag" in said.err) == (1, True)
