import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stratum import git as module
from stratum import listing
from stratum.errors import AppJsonInvalid, NotFound, ProcfileInvalid, Unavailable
from stratum.git import Commit, read_app_json, read_procfile
from stratum.limits import Limits
from stratum.procfile import MAX_BYTES
from tests.repos import commit, git, make_repo


def a_commit(folder: Path, files: dict[str, str | bytes]) -> Commit:
    repo = make_repo(folder / "repo", files)
    return Commit(repo / ".git", git(repo, "rev-parse", "HEAD"))


def test_files_of_the_root_are_read_whole(tmp_path: Path):
    made = a_commit(tmp_path, {"a": "one\n", "b c": b"\x00two\nlines", "d/e": "below"})

    assert made.sizes(["a", "b c", "d", "d/e", "nope"]) == {"a": 4, "b c": 10, "d/e": 5}
    assert made.read(["d/e", "b c", "a", "d", "nope"], 100) == {
        "d/e": b"below",
        "b c": b"\x00two\nlines",
        "a": b"one\n",
    }


def test_a_file_above_the_cap_is_left_out(tmp_path: Path):
    made = a_commit(tmp_path, {"small": "x" * 10, "large": "x" * 11})

    assert made.read(["small", "large"], 10) == {"small": b"x" * 10}


def test_links_are_followed_within_the_tree_and_never_out_of_it(tmp_path: Path):
    repo = make_repo(tmp_path / "repo", {"deploy/Procfile": "web: a\n", "last": "z"})
    for name, target in {
        "Procfile": "deploy/Procfile",
        "out": "/etc/passwd",
        "forged": "../x\n" + "0" * 40 + " blob 5",
        "dangling": "nope",
        "loop": "loop",
    }.items():
        (repo / name).symlink_to(target)
    made = Commit(repo / ".git", commit(repo, {}))

    assert made.read(["out", "forged", "dangling", "loop", "last/x", "Procfile", "last"], 100) == {
        "Procfile": b"web: a\n",
        "last": b"z",
    }


def test_replace_refs_change_nothing(tmp_path: Path):
    repo = make_repo(tmp_path / "repo", {"a": "true"})
    real = git(repo, "rev-parse", "HEAD")
    forged = commit(repo, {"a": "forged"})
    git(repo, "replace", real, forged)

    assert Commit(repo / ".git", real).read(["a"], 100) == {"a": b"true"}


def test_objects_in_quarantine_are_found_through_its_variables(tmp_path: Path):
    stored = make_repo(tmp_path / "stored", {"a": "old"})
    pushed = make_repo(tmp_path / "pushed", {"a": "new"})
    tip = git(pushed, "rev-parse", "HEAD")
    quarantine = {
        "GIT_OBJECT_DIRECTORY": str(pushed / ".git/objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(stored / ".git/objects"),
    }

    assert Commit(stored / ".git", tip, quarantine).read(["a"], 9) == {"a": b"new"}
    with pytest.raises(NotFound):
        Commit(stored / ".git", tip).read(["a"], 9)


def test_what_git_says_of_our_folders_is_logged_and_told_nobody(tmp_path: Path, caplog):
    with pytest.raises(Unavailable) as raised:
        Commit(tmp_path, "0" * 40).sizes(["a"])

    assert raised.value.message == "git could not read the repository (exit code 128)."
    assert "not a git repository" in caplog.text
    assert str(tmp_path) in caplog.text


def test_a_commit_descends_from_those_before_it_and_an_unknown_one_is_no_answer(tmp_path: Path):
    made = a_commit(tmp_path, {"a": "1"})
    repo = tmp_path / "repo"
    newer = Commit(made.repo, commit(repo, {"a": "2"}))

    assert newer.descends_from(made.id)
    assert not made.descends_from(newer.id)
    with pytest.raises(Unavailable, match="exit code 128"):
        newer.descends_from("1" * 40)


def test_gits_that_look_at_what_was_pushed_have_limits(tmp_path: Path, monkeypatch):
    made = a_commit(tmp_path, {"a": "1"})
    for reads in (module, listing):
        monkeypatch.setattr(reads, "LIMITS", Limits(memory_bytes=1))

    with pytest.raises(Unavailable, match="exit code"):
        made.read(["a"], 100)
    for look in (lambda: made.descends_from(made.id), lambda: list(listing.entries(made))):
        assert any(_fails(look) for _ in range(50))  # what reads nothing may end before it is bound


def _fails(look: Callable[[], object]) -> bool:
    try:
        look()
    except Unavailable as error:
        return "exit code" in str(error)
    return False


def test_the_file_of_the_stage_replaces_the_procfile(tmp_path: Path):
    made = a_commit(tmp_path, {"Procfile": "web: a\n", "Procfile_production": "worker: b\n"})

    name, procfile = read_procfile(made, "production")
    assert (name, [target.name for target in procfile.targets]) == ("Procfile_production", ["worker"])
    name, procfile = read_procfile(made, "staging")
    assert (name, [target.name for target in procfile.targets]) == ("Procfile", ["web"])


def problems(made: Commit) -> str:
    with pytest.raises(ProcfileInvalid) as refused:
        read_procfile(made, "production")
    return str(refused.value)


def test_a_commit_without_procfile_is_told_how_to_get_one(tmp_path: Path):
    assert problems(a_commit(tmp_path, {"procfile": "web: a"})) == (
        "Procfile:1:1: the commit has no such file at its root. "
        'Add one with a line for each process, such as "web: python app.py".'
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (None, "it is a folder"),
        ("/etc/passwd", "it is a link to something outside of the commit"),
        ("nope", "it is a link to something that the commit lacks"),
        ("Procfile_production", "it is a link that leads back to itself"),
        ("Procfile/x", "it is a link through a file, as if that were a folder"),
    ],
)
def test_what_is_no_file_is_said_and_replaces_the_procfile_no_less(tmp_path: Path, target, said):
    repo = make_repo(tmp_path / "repo", {"Procfile": "web: a\n"})
    if target is None:
        tip = commit(repo, {"Procfile_production/x": "web: b\n"})
    else:
        (repo / "Procfile_production").symlink_to(target)
        tip = commit(repo, {})

    assert problems(Commit(repo / ".git", tip)) == f"Procfile_production:1:1: {said}. Commit it as a file."


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/etc/passwd", "it is a link to something outside of the commit"),
        ("nope", "it is a link to something that the commit lacks"),
    ],
)
def test_an_app_json_that_is_no_file_is_refused_and_not_passed_over(tmp_path: Path, target, said):
    repo = make_repo(tmp_path / "repo", {"Procfile": "web: a\n"})
    (repo / "app.json").symlink_to(target)
    tip = commit(repo, {})

    with pytest.raises(AppJsonInvalid) as refused:
        read_app_json(Commit(repo / ".git", tip))

    assert str(refused.value) == f"app.json: {said}. Commit it as a file."


def test_an_app_json_that_is_a_link_within_the_commit_is_read(tmp_path: Path):
    app_json = '{"formation": {"web": {"strategy": "replace"}}}'
    repo = make_repo(tmp_path / "repo", {"Procfile": "web: a\n", "conf/app.json": app_json})
    (repo / "app.json").symlink_to("conf/app.json")
    tip = commit(repo, {})

    assert list(read_app_json(Commit(repo / ".git", tip)).settings) == ["web"]


def test_a_large_procfile_is_refused_unread(tmp_path: Path):
    made = a_commit(tmp_path, {"Procfile_production": os.urandom(1 << 20)})

    assert problems(made) == (
        f"Procfile_production:1:1: the file has {1 << 20} bytes; {MAX_BYTES} are allowed. "
        "Move long commands into scripts and call those."
    )
