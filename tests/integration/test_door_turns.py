"""What the door does for one app at once: builds, removals and releases that keep out of each other's way."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from stratum.door import proc, turns
from stratum.door.client import Door
from stratum.door.folders import Folders
from stratum.door.trees import Trees
from stratum.errors import DoorUnavailable
from tests.doors import APP, House, Raised, in_background, needs_root, stop_one
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

DIGEST = "ab" * 32


def left(house: House) -> list[str]:
    """What is beside the scratch of builds."""
    parent = house.scratch().parent
    return [path.name for path in house.call(lambda: list(parent.iterdir()), as_root=house.fence.fenced)]


def test_a_removal_that_takes_long_is_out_of_the_way_at_once_and_ends_later(house: House, monkeypatch):
    house.unpack({"deep/file": ""})
    monkeypatch.setattr("stratum.door.folders.AT_ONCE_S", 0)

    def discard_and_sweep() -> bool:
        Folders(house.layout, house.fence).discard(APP, 1)
        return Folders(house.layout, house.fence).sweep(APP)

    assert house.call(discard_and_sweep, as_root=house.fence.fenced) is False
    assert not house.scratch().exists()
    assert [name.startswith(".left-1-") for name in left(house)] == [True]

    assert house.call(lambda: house.door.erase_left(APP)) is True
    assert left(house) == []
    assert house.call(lambda: house.door.sweep(APP)) is True


def test_what_cannot_be_erased_keeps_nothing_else_from_it(house: House, monkeypatch):
    erase = Trees.erase

    def erase_but_the_first(self: Trees, path: Path, uid: int) -> None:
        if path.name.startswith(".left-1-"):
            message = "It is not empty."
            raise DoorUnavailable(message)
        erase(self, path, uid)

    monkeypatch.setattr(Trees, "erase", erase_but_the_first)
    for number in (1, 2):
        house.unpack({"file": ""}, number)

    folders = Folders(house.layout, house.fence)
    assert house.call(lambda: folders.sweep(APP), as_root=house.fence.fenced) is False

    assert [name.startswith(".left-1-") for name in left(house)] == [True]
    with pytest.raises(Raised, match="not empty"):
        house.call(lambda: folders.erase_left(APP), as_root=house.fence.fenced)


@needs_root
def test_what_is_erased_gives_way_to_the_next_build_and_to_a_release(fenced: House):
    fenced.unpack({f"dist/{number}": "" for number in range(10_000)})
    fenced.step("close")
    fenced.call(lambda: fenced.door.seal(APP, 1, DIGEST))
    fenced.call(lambda: fenced.door.drop_slug(APP, DIGEST))

    with in_background(lambda: fenced.call(lambda: fenced.door.sweep(APP))) as sweeping:
        helper = stop_one(fenced, fenced.fence.build_uid(APP), "-delete")
        fenced.call(lambda: fenced.door.prepare(APP))  # as a release that is opened does
        fenced.unpack({"file": ""}, number=2)
        assert proc.read(helper.pid) is None
        assert os.waitpid(sweeping, 0)[1] == 0

    assert not fenced.call(lambda: fenced.door.has_slug(APP, DIGEST))
    assert any(name.startswith(".left-") for name in left(fenced))
    wait_until(lambda: fenced.call(lambda: fenced.door.sweep(APP)), 60)  # each goes on for half a second
    assert left(fenced) == []


@needs_root
def test_what_is_left_of_a_killed_builders_step_does_not_end_the_next_ones(fenced: House):
    for number, text in ((1, "touch ../home/here; sleep 1000"), (2, "touch ../home/here; sleep 1; exit 0")):
        fenced.unpack({"evil.sh": text}, number)
    evil = {"BASH_ENV": "./evil.sh"}
    with in_background(lambda: fenced.step("close", 1, env=evil)) as builder:
        wait_until((fenced.scratch(1) / "home" / "here").exists)
        (handler,) = children(fenced.server_pid)
        os.kill(handler, signal.SIGSTOP)  # it notices the end of its caller late
        for one in (builder, *children(builder)):
            os.kill(one, signal.SIGKILL)

    with in_background(lambda: fenced.step("close", 2, env=evil)) as next_builder:
        with suppress(AssertionError):  # what must not happen takes no longer
            wait_until((fenced.scratch(2) / "home" / "here").exists, 1)
        os.kill(handler, signal.SIGCONT)
        assert os.waitpid(next_builder, 0)[1] == 0

    assert not proc.read(handler)


def test_a_step_waits_for_what_a_killed_builder_has_left_as_long_as_it_may_itself(house: House):
    house.unpack({})

    with (
        turns.turn(house.scratch().parent),
        pytest.raises(Raised, match=r"StepTimedOut: close failed: it took longer than 0\.5 s"),
    ):
        house.step("close", timeout_s=0.5)


@needs_root
def test_a_removal_waits_for_the_handler_of_the_step_that_it_ends(fenced: House):
    """That handler kills all of the uid once more, and so the removal's own program."""
    fenced.unpack({"evil.sh": "touch ../home/here; sleep 1000"})
    with in_background(lambda: fenced.step("close", env={"BASH_ENV": "./evil.sh"}, code=137)):
        wait_until((fenced.scratch() / "home" / "here").exists)
        (handler,) = children(fenced.server_pid)
        os.kill(handler, signal.SIGSTOP)
        with in_background(
            lambda: fenced.call(lambda: Door(fenced.layout, fenced.fence).discard(APP, 1))
        ) as removal:
            with suppress(AssertionError):  # what must not happen takes no longer
                wait_until(lambda: not fenced.scratch().exists(), 0.5)
            assert fenced.scratch().exists()
            os.kill(handler, signal.SIGCONT)
            assert os.waitpid(removal, 0)[1] == 0

    assert not fenced.scratch().exists()


def children(pid: int) -> list[int]:
    return [child.pid for child in proc.snapshot().values() if child.parent == pid]
