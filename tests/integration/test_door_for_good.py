"""What the door has removed stays so after a loss of power: what had named it is gone by then."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stratum.door.client import Door
from tests.doors import APP, House

pytestmark = pytest.mark.integration

DIGEST = "ab" * 32


def synced(house: House, gone: Path, work: Callable[[Door], object]) -> set[Path]:
    """Do something by the hand of whoever does it there; the folders synced when it was gone already."""
    found: set[Path] = set()
    sync = os.fsync

    def watched(handle: int) -> None:
        if not gone.exists():
            found.add(Path(f"/proc/self/fd/{handle}").readlink())
        sync(handle)

    def work_watched() -> set[Path]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(os, "fsync", watched)
            work(Door(house.layout, house.fence, in_process=True))
        return found

    assert gone.exists()
    return house.call(work_watched, as_root=house.fence.fenced)


def sealed(house: House) -> Path:
    house.unpack({"file": "1"})
    house.step("close")
    house.seal(DIGEST)
    return house.layout.slug(APP, DIGEST)


def test_a_slug_that_was_dropped(house: House):
    slug = sealed(house)

    assert slug.parent in synced(house, slug, lambda door: door.drop_slug(APP, DIGEST))


def test_storage_that_was_emptied(house: House):
    house.call(lambda: house.door.make_volume(APP, "data"))
    volume = house.layout.volume(APP, "data")

    assert volume.parent in synced(house, volume, lambda door: door.empty_volume(APP, "data"))


@pytest.mark.parametrize("which", ["storage", "slugs", "builds", "releases", "cache"])
def test_each_folder_of_an_app_that_was_destroyed(house: House, which: str):
    sealed(house)
    house.call(lambda: house.door.make_volume(APP, "data"))
    folder = house.layout.data / which / str(APP)

    assert folder.parent in synced(house, folder, lambda door: door.destroy(APP))
