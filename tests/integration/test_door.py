"""The door on real processes, folders and uids: fenced as root, unfenced as an ordinary user."""

import os
import signal
import stat
from pathlib import Path

import pytest

from stratum.door import client
from stratum.door.client import Door
from stratum.door.fencing import fences
from tests.doors import APP, NOBODY, House, Raised, as_uid, needs_root

pytestmark = pytest.mark.integration

DIGEST = "ab" * 32


def mode(path: Path) -> str:
    found = path.lstat()
    return f"{found.st_uid}:{found.st_gid} {stat.S_IMODE(found.st_mode):04o}"


# -- folders


@needs_root
def test_prepare_gives_each_folder_its_owner_and_mode(fenced: House):
    layout, app, build = fenced.layout, fenced.fence.app_uid(APP), fenced.fence.build_uid(APP)

    for _ in range(2):
        fenced.call(lambda: fenced.door.prepare(APP))

    assert mode(layout.builds / str(APP)) == f"0:{build} 0710"
    assert mode(layout.cache(APP)) == f"{build}:{build} 0700"
    assert mode(layout.slugs / str(APP)) == f"0:{app} 0750"
    assert mode(layout.releases / str(APP)) == f"0:{app} 0750"
    assert mode(layout.app_logs / str(APP)) == f"0:{fenced.fence.service_uid} 2750"


def test_a_build_becomes_a_slug_that_nobody_can_write(house: House):
    house.unpack({"run": "#!/bin/sh\n", "web/app.py": "1\n", "link": "-> web/app.py"})
    digest = house.step("close").strip()

    house.call(lambda: house.door.seal(APP, 1, digest))
    house.call(lambda: house.door.discard(APP, 1))

    slug = house.layout.slug(APP, digest)
    build = house.fence.build_uid(APP)
    assert {name.name: mode(slug / name) for name in (slug, slug / "run", slug / "web" / "app.py")} == {
        slug.name: f"{build}:{build} 0555",
        "run": f"{build}:{build} 0555",
        "app.py": f"{build}:{build} 0444",
    }
    assert (slug / "link").readlink() == Path("web/app.py")
    assert not house.scratch().exists()


@needs_root
def test_a_slug_can_be_read_by_its_own_app_only(fenced: House):
    fenced.unpack({"file": "text"})
    fenced.step("close")
    fenced.call(lambda: fenced.door.seal(APP, 1, DIGEST))
    file = fenced.layout.slug(APP, DIGEST) / "file"

    assert as_uid(fenced.fence.app_uid(APP), file.read_text) == "text"
    for uid in (fenced.fence.app_uid(APP + 1), fenced.fence.build_uid(APP), fenced.fence.service_uid, NOBODY):
        with pytest.raises(Raised, match="PermissionError"):
            as_uid(uid, file.read_text)


def test_the_digest_depends_on_the_tree_alone(house: House):
    house.unpack({"a": "1", "b/c": "2"}, number=1)
    house.unpack({"b/c": "2", "a": "1"}, number=2)
    house.unpack({"a": "1", "b/c": "3"}, number=3)

    first, second, third = (house.step("close", number).strip() for number in (1, 2, 3))

    assert first == second != third
    assert len(first) == 64


def test_a_socket_that_was_left_in_the_source_is_no_part_of_it(house: House):
    house.script("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"x.sock\")'; exit 3", code=3)
    (house.scratch() / "source" / "evil.sh").unlink()
    with_socket = house.step("close")
    house.unpack({}, number=2)

    assert with_socket == house.step("close", number=2)
    assert len(with_socket.strip()) == 64


def test_a_folder_that_the_build_has_closed_is_part_of_the_slug(house: House):
    house.script("mkdir -p a/b; touch a/b/c; chmod 0 a/b/c a/b a; exit 3", code=3)
    (house.scratch() / "source" / "evil.sh").unlink()
    closed = house.step("close")
    house.unpack({"a/b/c": ""}, number=2)

    assert closed == house.step("close", number=2)


def test_a_slug_that_is_there_is_kept_unless_it_has_been_changed(house: House):
    def build(number: int) -> Path:
        house.unpack({"file": "1"}, number)
        digest = house.step("close", number).strip()
        house.seal(digest, number)
        assert not house.scratch(number).exists()
        return house.layout.slug(APP, digest)

    slug = build(1)
    first = slug.stat().st_ino
    build(2)
    assert slug.stat().st_ino == first

    (slug / "file").chmod(0o644)
    (slug / "file").write_text("2")
    build(3)
    assert (slug / "file").read_text() == "1"


def test_what_a_build_has_linked_from_its_cache_is_no_part_of_the_cache_any_more(house: House):
    fences.write(house.layout.fences, fences.NONE)
    if house.fence.fenced:
        house.stop()
        house.start()
    house.script("echo 1 > $UV_CACHE_DIR/x; ln $UV_CACHE_DIR/x linked; mkdir -m 0 closed; exit 3", code=3)
    (house.scratch() / "source" / "evil.sh").unlink()

    digest = house.step("close").strip()
    house.seal(digest)

    house.script("echo 2 > $UV_CACHE_DIR/x; exit 3", number=2, code=3)
    assert (house.layout.slug(APP, digest) / "linked").read_text() == "1\n"


def test_a_source_that_is_a_link_is_not_sealed(house: House):
    house.script("cd ..; mv source elsewhere; ln -s /etc source; exit 3", code=3)

    with pytest.raises(
        Raised, match=r"DoorUnavailable: What should be abab.* is not a folder that its build has made"
    ):
        house.call(lambda: house.door.seal(APP, 1, DIGEST))

    assert not list(house.layout.slug(APP, DIGEST).parent.iterdir())
    assert Path("/etc/passwd").exists()


def test_a_link_in_the_place_of_a_slug_is_not_kept(house: House):
    house.unpack({"file": "1"})
    house.step("close")
    house.call(lambda: house.layout.slug(APP, DIGEST).symlink_to("/etc"), as_root=house.fence.fenced)

    house.call(lambda: house.door.seal(APP, 1, DIGEST))

    assert mode(house.layout.slug(APP, DIGEST)).endswith(" 0555")
    assert (house.layout.slug(APP, DIGEST) / "file").read_text() == "1"
    assert Path("/etc/passwd").exists()


def test_discard_removes_what_is_closed_to_its_owner_and_follows_no_link(house: House):
    bait = house.folder / "bait"
    bait.mkdir(mode=0o777)
    bait.chmod(0o777)
    (bait / "kept").touch()
    house.script(
        f"mkdir -p a/b; touch a/b/c; ln -s {bait} a/link; ln -s {bait} ../link; chmod 0 a/b a; "
        "cd ..; chmod 0 source; chmod 0 .; exit 3",
        code=3,
    )

    for _ in range(2):
        house.call(lambda: house.door.discard(APP, 1))

    assert not house.scratch().exists()
    assert (bait / "kept").exists()


def test_drop_slug_and_destroy_leave_nothing(house: House):
    for number, digest in ((1, DIGEST), (2, "cd" * 32)):
        house.unpack({"deep/file": str(number)}, number)
        house.step("close", number)
        house.seal(digest, number)
    assert house.call(lambda: house.door.has_slug(APP, DIGEST))
    house.call(lambda: house.door.drop_slug(APP, DIGEST))

    assert not house.call(lambda: house.door.has_slug(APP, DIGEST))
    assert [slug.name for slug in house.layout.slug(APP, "x").parent.iterdir()] == ["cd" * 32]

    for _ in range(2):
        house.call(lambda: house.door.destroy(APP))

    assert not list(house.layout.data.glob(f"*/{APP}"))
    assert not list(house.layout.data.glob(f"logs/*/{APP}"))


@needs_root
def test_a_door_that_does_not_answer_is_not_waited_for_without_end(fenced: House):
    door = Door(fenced.layout, fenced.fence, answer_s=0.2)
    os.kill(fenced.server_pid, signal.SIGSTOP)

    with pytest.raises(Raised, match=r"DoorUnavailable: The door has not answered within 0\.2 s"):
        fenced.call(lambda: door.prepare(APP))
    os.kill(fenced.server_pid, signal.SIGCONT)


@needs_root
def test_a_door_that_stands_still_counts_as_away(fenced: House, monkeypatch):
    """Its socket still takes connections: `stratum status` called it up."""
    monkeypatch.setattr(client, "READY_S", 0.2)
    assert fenced.call(fenced.door.is_there)

    os.kill(fenced.server_pid, signal.SIGSTOP)
    assert not fenced.call(fenced.door.is_there)
    os.kill(fenced.server_pid, signal.SIGCONT)


# -- who may ask, and what


@needs_root
def test_only_the_service_and_root_are_let_in(fenced: House):
    fenced.layout.door_socket.parent.chmod(0o2711)
    fenced.layout.door_socket.chmod(0o666)
    ask = Door(fenced.layout, fenced.fence, in_process=False)

    assert as_uid(fenced.fence.service_uid, lambda: ask.tree(2)) == []
    assert as_uid(0, lambda: ask.tree(2)) == []
    for uid in (fenced.fence.app_uid(APP), fenced.fence.build_uid(APP), fenced.fence.redis_uid, NOBODY):
        with pytest.raises(Raised, match="DoorLost: The door closed the connection"):
            as_uid(uid, lambda: ask.tree(2))


@needs_root
def test_the_socket_is_closed_to_others_by_its_mode_too(fenced: House):
    assert mode(fenced.layout.door_socket) == f"0:{fenced.fence.service_uid} 0660"
    with pytest.raises(Raised, match="Permission denied"):
        as_uid(NOBODY, lambda: fenced.door.tree(2))


def test_a_door_that_is_not_there_is_said():
    house = House(fenced=False)
    door = Door(house.layout, house.fence, in_process=False)

    assert not house.call(door.is_there)
    with pytest.raises(Raised, match=r"DoorLost: The door does not answer at .*door\.sock"):
        house.call(lambda: door.prepare(APP))
    house.end()


def test_a_door_that_is_there_is_said(house: House):
    assert house.call(house.door.is_there)


@needs_root
def test_the_idle_door_is_small(fenced: House):
    """10 MiB of its own; what it shares with other Pythons depends on how many there are."""
    rollup = Path(f"/proc/{fenced.server_pid}/smaps_rollup").read_text()
    values = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}

    assert values["Private_Dirty"] < 10 * 1024
