"""Storage by the door on real folders and uids: fenced as root, unfenced as an ordinary user."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from stratum.door import requests
from stratum.door.volumes import Volumes
from stratum.errors import DoorUnavailable, InvalidMount
from tests.doors import APP, House, as_uid, in_background, needs_root, stop_one

pytestmark = pytest.mark.integration


def app_uid(house: House) -> int:
    return house.fence.app_uid(APP)


def volume(house: House, name: str = "data") -> Path:
    house.call(lambda: house.door.make_volume(APP, name))
    return house.layout.volume(APP, name)


def release(house: House, script: str = "") -> Path:
    """A folder as a release has it when its storage is mounted, with what a script of the app's makes."""
    folder = house.layout.data / "release"
    folder.mkdir()
    os.chown(folder, app_uid(house), app_uid(house))
    as_uid(app_uid(house), lambda: subprocess.run(["sh", "-c", script], cwd=folder, check=True).returncode)
    return folder


def mount(house: House, folder: Path, **mounts: str) -> None:
    """Mount by the hand of whoever does it there: root when fenced."""

    def link() -> None:
        Volumes(house.layout, house.fence).link(folder, APP, mounts)

    house.call(link, as_root=house.fence.fenced)


def seen(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_volume_is_the_apps_alone(house: House):
    path = volume(house)

    found = [path.lstat(), path.parent.lstat()]
    modes = [stat.S_IMODE(one.st_mode) for one in found]
    if house.fence.fenced:
        assert [(one.st_uid, one.st_gid) for one in found] == [
            (app_uid(house), app_uid(house)),
            (0, app_uid(house)),
        ]
        assert modes == [0o700, 0o710]
        for uid in (house.fence.build_uid(APP), house.fence.app_uid(APP + 1), house.fence.service_uid):
            assert as_uid(uid, lambda: os.access(path.parent, os.X_OK)) is False
    else:
        assert modes[0] == 0o700


def test_a_volume_made_again_keeps_its_data(house: House):
    path = volume(house)
    as_uid(app_uid(house), lambda: (path / "photo").write_text("x"))

    assert (volume(house) / "photo").read_text() == "x"


def test_a_mount_leads_to_the_volume_and_the_app_can_write_there(house: House):
    path, folder = volume(house), release(house, "mkdir public; echo x > public/style.css")

    mount(house, folder, data="public/media/photos", logs="log")
    as_uid(app_uid(house), lambda: (folder / "public/media/photos/one").write_text("x"))

    assert (path / "one").read_text() == "x"
    assert (folder / "public/style.css").exists()
    assert (folder / "log").resolve() == house.layout.volume(APP, "logs")


def test_what_the_release_has_there_is_hidden_and_the_data_is_not_touched(house: House):
    path = volume(house)
    as_uid(app_uid(house), lambda: (path / "photo").write_text("x"))
    folder = release(
        house, "mkdir -p uploads/a; echo old > uploads/a/photo; chmod 500 uploads/a; echo f > file"
    )

    mount(house, folder, data="uploads")
    mount(house, folder, other="file")

    assert seen(folder / "uploads") == {"photo"}
    assert (folder / "file").is_dir()


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("ln -s /tmp uploads", "uploads/x"),
        ("ln -s .. up", "up/x"),
        ("mkdir a; ln -s ../../.. a/b", "a/b/c"),
        ("ln -s nowhere dead", "dead/x"),
        ("echo x > file", "file/x"),
        ("mkfifo pipe", "pipe/x"),
    ],
)
def test_a_link_or_file_of_the_release_on_the_way_is_not_followed(house: House, script: str, path: str):
    folder = release(house, script)
    before = seen(folder)

    with pytest.raises(Exception, match="the release has a link or a file on the way there"):
        mount(house, folder, data=path)

    assert seen(folder) == before
    assert not Path("/tmp/x").is_symlink()


def test_a_link_of_the_release_in_that_very_place_goes_and_what_it_leads_to_stays(house: House):
    path = volume(house)
    folder = release(house, "mkdir precious; echo x > precious/file; ln -s precious uploads")

    mount(house, folder, data="uploads")

    assert (folder / "uploads").resolve() == path
    assert (folder / "precious/file").exists()


def test_names_that_a_shell_would_take_for_more_are_names(house: House):
    folder = release(house)

    mount(house, folder, a="-rf", b="$(touch x)/`touch y`", c="a b/*; touch z", d="'\"")

    assert {link for link in seen(folder) if (folder / link).is_symlink()} == {
        "-rf",
        "$(touch x)/`touch y`",
        "a b/*; touch z",
        "'\"",
    }


@pytest.mark.parametrize("path", ["../x", "/etc", "a/../../b", ""])
def test_the_door_itself_takes_no_path_that_leads_outside(path: str):
    house = House(fenced=False)
    try:
        with pytest.raises(InvalidMount):
            Volumes(house.layout, house.fence).link(house.folder, APP, {"data": path})
    finally:
        house.end()


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".", "-a", "a" * 64])
@pytest.mark.parametrize("request_name", ["make_volume", "empty_volume"])
def test_the_door_takes_names_of_volumes_only(request_name: str, name: str):
    house = House(fenced=False)
    try:
        with pytest.raises(DoorUnavailable, match="as volume"):
            requests.answer(house.layout, house.fence, request_name, {"app_id": APP, "volume": name})
    finally:
        house.end()


def test_the_size_is_that_of_what_is_in_it(house: House):
    path = volume(house)
    volume(house, "empty")
    as_uid(app_uid(house), lambda: (path / "photo").write_bytes(b"x" * 200_000))

    sizes = house.call(lambda: house.door.volume_sizes(APP))

    assert (sizes["data"] or 0) >= 200_000
    assert (sizes["empty"] or 0) < 200_000


def test_emptying_removes_everything_and_follows_no_link(house: House):
    path, outside = volume(house), house.folder / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    os.chown(outside, app_uid(house), app_uid(house))

    def fill() -> None:
        (path / "out").symlink_to(outside)
        (path / "deep" / "er").mkdir(parents=True)
        (path / "deep" / "er" / "x").write_text("x")
        (path / "deep" / "er").chmod(0)
        path.chmod(0o500)

    as_uid(app_uid(house), fill)

    assert house.call(lambda: house.door.empty_volume(APP, "data")) is True
    assert house.call(lambda: house.door.empty_volume(APP, "data")) is True, "it is gone already"
    assert not path.exists()
    assert (outside / "kept").exists()


@needs_root
def test_the_end_of_an_apps_strays_does_not_end_the_removal_of_its_storage():
    house = House(fenced=True)
    house.start()
    path = volume(house)
    as_uid(app_uid(house), lambda: [(path / str(number)).write_text("") for number in range(3000)])

    def empty() -> None:
        assert house.call(lambda: house.door.empty_volume(APP, "data")) is True

    with in_background(empty) as emptying:
        helper = stop_one(house, app_uid(house), "-delete")
        ended = house.call(lambda: house.door.end_strays(APP, ["production.app.web.1"]))
        assert helper.pid in [pid for pid, *_ in ended]
        assert os.waitpid(emptying, 0)[1] == 0

    assert not path.exists()
    house.end()


def test_the_end_of_the_app_is_the_end_of_its_storage_and_of_no_others(house: House):
    path = volume(house)
    house.call(lambda: house.door.make_volume(APP + 1, "data"))
    as_uid(app_uid(house), lambda: (path / "photo").write_text("x"))

    house.call(lambda: house.door.destroy(APP))

    assert not path.parent.exists()
    assert house.layout.volume(APP + 1, "data").is_dir()
    house.call(lambda: house.door.destroy(APP + 1))
