"""What built-in buildpacks leave in the app, and tell."""

import json

import pytest

from builder.buildpacks.told import Report, profile


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a profile into the app; return what is told of a failure."""
    monkeypatch.setenv("STRATUM_REPORT", str(tmp_path / "report"))
    monkeypatch.setenv("STRATUM_MARK", "")
    (tmp_path / "app").mkdir()

    def write(lines):
        try:
            profile(tmp_path / "app", "python", lines, Report())
        except SystemExit:
            return json.loads((tmp_path / "report").read_text())["detail"]
        return ""

    return write


def test_a_profile_comes_before_what_the_app_has_under_its_name_and_only_once(tmp_path, write):
    own = tmp_path / "app/.profile.d/python.sh"
    own.parent.mkdir()
    own.write_text("export OWN=1\n")

    assert [write("export OURS=1\n"), write("export OURS=1\n")] == ["", ""]
    assert own.read_text() == "export OURS=1\nexport OWN=1\n"


def test_a_file_or_a_link_to_nothing_instead_of_its_folder_is_named(tmp_path, write):
    folder = tmp_path / "app/.profile.d"
    folder.write_text("")
    assert write("x\n") == ".profile.d is no folder."

    folder.unlink()
    folder.symlink_to("nowhere")
    assert write("x\n") == ".profile.d is no folder."


def test_a_folder_instead_of_it_is_named(tmp_path, write):
    (tmp_path / "app/.profile.d/python.sh").mkdir(parents=True)

    assert write("x\n") == ".profile.d/python.sh is a folder."


def test_a_link_out_of_the_app_instead_of_either_is_named_and_not_followed(tmp_path, write):
    folder, elsewhere = tmp_path / "app/.profile.d", tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    assert write("x\n") == ".profile.d is a link out of the app."
    assert list(elsewhere.iterdir()) == []

    folder.unlink()
    folder.mkdir()
    (folder / "python.sh").symlink_to(elsewhere / "secret")
    assert write("x\n") == ".profile.d/python.sh is a link out of the app."


def test_a_link_to_a_folder_of_the_app_is_as_good_as_one(tmp_path, write):
    (tmp_path / "app/scripts").mkdir()
    (tmp_path / "app/.profile.d").symlink_to("scripts")

    assert write("x\n") == ""
    assert (tmp_path / "app/scripts/python.sh").read_text() == "x\n"
