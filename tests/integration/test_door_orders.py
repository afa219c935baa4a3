"""What the door refuses to be asked, whoever asks: nothing is begun, and it serves others meanwhile."""

import os
from collections.abc import Iterator

import pytest

from stratum.door import wire
from tests.doors import APP, CONTAINED, FENCED, UNFENCED, House, Raised, housed
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

WEB = "Env.app.v1.web.1"


@pytest.fixture(scope="module", params=[FENCED, CONTAINED, UNFENCED])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with housed(request.param) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("prepare", (0,)),
        ("prepare", (True,)),
        ("prepare", ("1",)),
        ("prepare", (10_000,)),
        ("destroy", (-1,)),
        ("discard", (APP, 0)),
        ("flush", (APP, 0)),
        ("flush", ("../..", 1)),
        ("seal", (APP, 1, "../../etc")),
        ("seal", (APP, 1, "AB" * 32)),
        ("seal", (APP, 1, DIGEST_LINE := "ab" * 32 + "\n")),
        ("has_slug", (APP, "..")),
        ("drop_slug", (APP, "")),
        ("check", (0, WEB, 1)),
        ("check", (APP, "../../etc/shadow", 1)),
        ("check", (APP, WEB, 301)),
        ("check", (APP, WEB, 0)),
        ("tree", (1,)),
        ("tree", (1 << 30,)),
        ("end_tree", ("../x",)),
        ("end_tree", (WEB, [(1, 1)])),
        ("end_tree", (WEB, [(2,)])),
        ("end_tree", (WEB, [2])),
        ("end_strays", (APP, ["a b"])),
        ("end_strays", (APP, [WEB], {WEB: 1})),
        ("apps_with_strays", ({0: {}},)),
        ("apps_with_strays", ({"../x": {}},)),
        ("apps_with_strays", ({APP: {"a b": 0}},)),
        ("apps_with_strays", ({APP: {WEB: -1}},)),
        ("end_strays", (APP, [WEB], {"a b": 7})),
    ],
)
def test_what_is_no_id_is_refused(house: House, method: str, args: tuple[object, ...]):
    with pytest.raises(Raised, match="DoorUnavailable: The door does not take"):
        house.call(lambda: getattr(house.door, method)(*args))


@pytest.mark.parametrize(
    ("step", "env", "timeout_s"),
    [
        ("rm -rf /", {}, 1),
        ("close", {"": "x"}, 1),
        ("close", {"a=b": "x"}, 1),
        ("close", {"a": "x\0y"}, 1),
        ("close", {"a": 1}, 1),
        ("close", {}, 0),
        ("close", {}, float("nan")),
    ],
)
def test_an_order_that_is_not_sound_is_refused(
    house: House, step: str, env: dict[str, str], timeout_s: float
):
    with pytest.raises(Raised, match="DoorUnavailable: The door does not take"):
        house.call(lambda: house.door.run(APP, 1, step, env, stdout=1, timeout_s=timeout_s))
    assert not house.scratch().exists()


def test_an_order_that_is_too_large_is_refused(house: House):
    """The door answers, and leaves, when it has read as much as it takes."""
    env = {"a": "x" * (wire.MAX_BYTES + 100_000)}
    with pytest.raises(Raised, match=r"DoorUnavailable: The door does not take this as a message: .* bytes"):
        house.call(lambda: house.door.run(APP, 1, "close", env, stdout=1))


def test_a_waiting_request_delays_no_other(house: House):
    pid = os.fork()
    if pid == 0:
        try:
            house.script("touch ../home/here; sleep 1000")
        finally:
            os._exit(0)
    wait_until((house.scratch() / "home" / "here").exists)

    assert house.call(lambda: house.door.tree(2)) == []

    house.call(lambda: house.door.discard(APP, 1))
    os.waitpid(pid, 0)
