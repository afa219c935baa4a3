"""Only the operator's own programs are run, in the order of their names."""

import os
from pathlib import Path

import pytest

from stratum.hookscripts.found import scripts
from tests.hookscripts import write_script


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "hooks.d"


def names(folder):
    return [one.name for one in scripts(folder, "pre-build")]


def test_programs_are_found_by_name_and_nothing_else(folder):
    for name in ("20-b", "10-a.sh", "30-c~", ".hidden", "#x#"):
        write_script(folder, f"pre-build/{name}")
    write_script(folder, "pre-build/40-off").chmod(0o644)
    write_script(folder, "pre-release/other")
    (folder / "pre-build/folder").mkdir()
    (folder / "pre-build/dangling").symlink_to("nowhere")

    assert names(folder) == ["pre-build/10-a.sh", "pre-build/20-b"]
    assert [one.refusal for one in scripts(folder, "pre-build")] == ["", ""]


def test_without_a_folder_there_is_none(folder):
    assert names(folder) == []
    folder.mkdir()
    assert names(folder) == []
    (folder / "pre-build").touch()
    assert names(folder) == []


@pytest.mark.parametrize("which", ["pre-build/a", "pre-build", "."])
@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_what_others_can_write_to_is_refused(folder, which, mode):
    write_script(folder, "pre-build/a")
    (folder / which).chmod(mode)

    [found] = scripts(folder, "pre-build")

    assert found.refusal.endswith("can be written to by others")


def test_a_link_to_where_others_can_write_is_refused(folder, tmp_path):
    """They could put another program in the place of the one that it leads to."""
    elsewhere = write_script(tmp_path / "e", "open/a")
    write_script(folder, "pre-build/b")
    (folder / "pre-build/a").symlink_to(elsewhere)
    assert [one.refusal for one in scripts(folder, "pre-build")] == ["", ""]

    elsewhere.parent.chmod(0o777)

    refused, _ = scripts(folder, "pre-build")
    assert refused.refusal == f"{elsewhere.parent} can be written to by others"


def test_a_link_to_where_nobody_may_look_is_not_passed_over(folder, monkeypatch):
    path = write_script(folder, "pre-build/a")
    real = Path.stat

    def closed(self, **more):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return real(self, **more)

    monkeypatch.setattr(Path, "stat", closed)

    [found] = scripts(folder, "pre-build")
    assert found.refusal == f"{path} cannot be looked at: Permission denied"


def test_a_folder_that_cannot_be_read_counts_as_a_script_that_is_not_run(folder, monkeypatch):
    write_script(folder, "pre-build/a")

    def unreadable(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", unreadable)

    [found] = scripts(folder, "pre-build")
    assert (found.name, found.refusal) == ("pre-build", f"{folder}/pre-build cannot be read")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
@pytest.mark.parametrize("which", ["pre-build/a", "pre-build"])
def test_what_belongs_to_another_account_is_refused(folder, which):
    write_script(folder, "pre-build/a")
    os.chown(folder / which, 4711, -1)

    [found] = scripts(folder, "pre-build")

    assert found.refusal.endswith("belongs to another account (uid 4711)")
