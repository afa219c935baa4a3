import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, cast

import pytest

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
