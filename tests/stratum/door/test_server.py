import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, cast

import pytest

from stratum.door import client, requests, wire
from stratum.door.client import Door
from stratum.door.server import Server
from stratum.door.terms import Terms
from stratum.errors import DoorUnavailable
from stratum.fence import Fence
from stratum.layout import Layout

FENCE = Fence(fenced=False, uid_base=os.getuid())


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path, "0" * 12)
    made.door_socket.parent.mkdir(parents=True)
    return made


@pytest.fixture
def listener(layout: Layout) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(layout.door_socket))
        made.listen()
        yield made


def test_a_host_without_room_for_a_process_costs_a_request_and_not_the_door(
    layout: Layout, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
):
    def no_fork() -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", no_fork)
    server = Server(layout, FENCE, cast("Terms", None))
    taking = threading.Thread(target=server._take, args=(listener,))
    taking.start()

    with pytest.raises(DoorUnavailable, match=r"The door cannot start a process: .*temporarily unavailable"):
        Door(layout, FENCE, in_process=False).tree(2)
    taking.join()


def test_a_door_is_there_once_it_answers_and_not_as_soon_as_one_can_connect(
    layout: Layout, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
):
    """The kernel takes connections for one that was killed, until it has gone."""
    door = Door(layout, FENCE, in_process=False)
    monkeypatch.setattr(client, "READY_S", 0.01)
    assert not door.is_there()

    monkeypatch.setattr(client, "READY_S", 60.0)
    answering = threading.Thread(target=answer_one, args=(listener, {"answer": None}))
    answering.start()
    assert door.is_there()
    answering.join()
    answering = threading.Thread(target=answer_one, args=(listener, {"refused": "There is no room."}))
    answering.start()
    assert not door.is_there()
    answering.join()
    listener.close()
    assert not door.is_there()


def answer_one(listener: socket.socket, answer: dict[str, object]) -> None:
    """Answer the first who is still there, as a handler does."""
    while True:
        connection, _ = listener.accept()
        with connection, suppress(BrokenPipeError):
            asked, _ = wire.receive(connection)
            assert asked == {"ask": "ready", "args": {}}
            wire.send(connection, answer)
            return


def test_what_stands_in_the_table_for_it_does_nothing(layout: Layout):
    assert requests.answer(layout, FENCE, "ready", {}) is None
    assert list(layout.data.iterdir()) == [layout.door_socket.parent.parent]
