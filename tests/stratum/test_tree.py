from pathlib import Path

import pytest

from stratum import listing
from stratum.errors import CommitIncomplete, InvalidInput, Unavailable
from stratum.git import Commit
from stratum.tree import check_complete, read_slugignore
from tests.repos import commit, git, make_repo

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
LFS = "*.psd filter=lfs diff=lfs merge=lfs -text\n"
FILES = {"Procfile": "web: a\n", "docs/a.md": "x"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo", FILES)


def tip(repo: Path) -> Commit:
    return Commit(repo / ".git", git(repo, "rev-parse", "HEAD"))


def add_submodule(repo: Path, path: str) -> None:
    oid = git(repo, "rev-parse", "HEAD")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{oid},{path}")
    git(repo, "commit", "--quiet", "--message", "Add a submodule")


def refusal(repo: Path) -> CommitIncomplete:
    with pytest.raises(CommitIncomplete) as refused:
        check_complete(tip(repo))
    return refused.value


def test_a_commit_with_all_its_files_is_complete(repo: Path):
    check_complete(tip(repo))
    commit(repo, {"sub/.gitattributes": LFS, "sub/real.psd": "x" * 500, "text": POINTER[:50]})
    check_complete(tip(repo))


def test_submodules_are_named_with_what_to_do(repo: Path):
    for number in range(5):
        add_submodule(repo, f"vendor/lib{number}")

    refused = refusal(repo)

    assert (refused.kind, refused.paths) == ("submodule", tuple(f"vendor/lib{number}" for number in range(5)))
    assert refused.message == (
        '"vendor/lib0", "vendor/lib1", "vendor/lib2" and 2 more are submodules: '
        "what they stand for is not in the commit."
    )
    assert "git rm --cached PATH" in refused.hint
    assert ".slugignore" in refused.hint


def test_pointers_are_named_with_what_to_do(repo: Path):
    commit(repo, {".gitattributes": LFS, "art/é.psd": POINTER, "art/real.psd": "x" * 300})

    refused = refusal(repo)

    assert refused.message == '"art/é.psd" is a Git LFS pointer: what it stands for is not in the commit.'
    assert "git lfs untrack" in refused.hint


@pytest.mark.parametrize(
    "attributes",
    [
        {"bücher/.gitattributes": LFS},
        {**{f"{number:03}/.gitattributes": "* text" for number in range(101)}, "z/.gitattributes": LFS},
        {".gitattributes": "* text\n" * 20_000 + LFS},
    ],
    ids=["by another name than letters", "after a hundred others", "at the end of a large one"],
)
def test_pointers_are_found_wherever_filters_are_named(repo: Path, attributes: dict[str, str]):
    commit(repo, {**attributes, "art/a.psd": POINTER})

    assert refusal(repo).paths == ("art/a.psd",)


def test_a_text_about_pointers_is_none_where_nothing_is_filtered(repo: Path):
    commit(repo, {"fixture.psd": POINTER})

    check_complete(tip(repo))


def test_what_is_not_built_may_be_elsewhere(repo: Path):
    commit(repo, {".gitattributes": LFS, "art/a.psd": POINTER, ".slugignore": "*.psd\n/theme\n"})
    add_submodule(repo, "theme")
    check_complete(tip(repo))

    add_submodule(repo, "lib/theme")

    assert refusal(repo).paths == ("lib/theme",)


def test_names_that_could_steer_a_terminal_are_shown_harmless(repo: Path):
    add_submodule(repo, "a\x1b[2Jb")

    assert refusal(repo).message.startswith('"a\\u001b[2Jb" is a submodule')


def test_a_tree_of_more_paths_than_any_disk_holds_is_refused_without_holding_it(repo: Path, monkeypatch):
    """Twelve trees, each of which has ten times the one before: 10^12 paths."""
    monkeypatch.setattr(listing, "MAX_BYTES", 4 << 20)
    oid, kind = git(repo, "hash-object", "-w", "--stdin", stdin=b"x"), "100644 blob"
    for _ in range(12):
        lines = "".join(f"{kind} {oid}\td{number}\n" for number in range(10))
        oid, kind = git(repo, "mktree", stdin=lines.encode()), "040000 tree"
    bomb = git(repo, "commit-tree", "-m", "bomb", oid)

    with pytest.raises(InvalidInput, match="more files than can be built"):
        check_complete(Commit(repo / ".git", bomb))


def test_a_commit_that_is_not_there_is_told(repo: Path):
    with pytest.raises(Unavailable, match="could not list"):
        check_complete(Commit(repo / ".git", "1" * 40))


def test_a_slugignore_that_is_no_file_is_refused_and_not_passed_over(repo: Path):
    (repo / ".slugignore").symlink_to("/etc/passwd")
    commit(repo, {})

    with pytest.raises(InvalidInput, match="it is a link to something outside of the commit"):
        read_slugignore(tip(repo))


def test_a_slugignore_too_large_is_refused(repo: Path):
    commit(repo, {".slugignore": "#" * (1 << 17)})

    with pytest.raises(InvalidInput, match="has more than 65536 bytes"):
        read_slugignore(tip(repo))
