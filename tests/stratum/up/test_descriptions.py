"""The folder on tmpfs, whose path everybody can know and take between two starts."""

import os
import shutil
from pathlib import Path

import pytest

from stratum.errors import InvalidInput
from stratum.fence import Fence
from stratum.instance import Instance
from stratum.layout import Layout
from stratum.settings import Settings
from stratum.up import folders, owned

STRANGER = 65533
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="a second account needs root")


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "data").mkdir()
    layout = Layout(tmp_path / "data", f"test{os.getpid()}")
    yield Instance(Settings(data=layout.data), layout, Fence(False, os.getuid()), "127.0.0.1:8080")
    if layout.descriptions.is_dir() and not layout.descriptions.is_symlink():
        shutil.rmtree(layout.descriptions)
    else:
        layout.descriptions.unlink(missing_ok=True)


@pytest.fixture
def aim(tmp_path):
    """A folder that is somebody else's business, with a file."""
    folder = tmp_path / "aim"
    folder.mkdir(mode=0o755)
    (folder / "kept").touch()
    return folder


def test_a_link_in_its_place_is_refused_and_not_followed(instance, aim):
    instance.layout.descriptions.symlink_to(aim)

    with pytest.raises(InvalidInput, match=str(instance.layout.descriptions)):
        folders.make(instance)
    folders.remove_descriptions(instance)

    assert aim.stat().st_mode & 0o777 == 0o755
    assert (aim / "kept").exists()
    assert instance.layout.descriptions.is_symlink()


def test_a_file_in_its_place_is_refused_with_advice(instance):
    instance.layout.descriptions.touch()

    with pytest.raises(InvalidInput) as raised:
        folders.make(instance)

    path = instance.layout.descriptions
    assert str(raised.value) == (
        f"{path} is not a folder that Stratum can use: Not a directory."
        f" Look at it with ls -ld {path} and remove it, as its owner or root; Stratum makes a folder there."
    )


@needs_root
def test_a_strangers_folder_is_refused_and_stays(instance):
    instance.layout.descriptions.mkdir()
    (instance.layout.descriptions / "kept").touch()
    os.chown(instance.layout.descriptions, STRANGER, STRANGER)

    with pytest.raises(InvalidInput, match=f"belongs to uid {STRANGER}"):
        folders.make(instance)
    folders.remove_descriptions(instance)

    assert (instance.layout.descriptions / "kept").exists()


def test_a_start_empties_it_of_whatever_is_left(instance, aim):
    folders.make(instance)
    fill(instance.layout.descriptions, aim)

    folders.make(instance)

    assert list(instance.layout.descriptions.iterdir()) == []
    assert (aim / "kept").exists()


def test_a_stop_removes_it_whatever_it_holds(instance, aim):
    folders.make(instance)
    fill(instance.layout.descriptions, aim)

    folders.remove_descriptions(instance)
    folders.remove_descriptions(instance)

    assert not instance.layout.descriptions.exists()
    assert (aim / "kept").exists()


def fill(folder: Path, aim: Path) -> None:
    (folder / ".hidden").touch()
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "link").symlink_to(aim)
    (folder / "link").symlink_to(aim)


def test_no_folder_is_open_to_others_before_it_is_closed(tmp_path):
    """The mode is right from the first moment, whatever the umask."""
    before = os.umask(0)
    try:
        with owned.made(tmp_path / "new", {os.getuid()}):
            assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
