import atexit
import os
import select
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from runner.engines.supervisord.wakeup import Wakeup


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, Wakeup]]:
    """Those that a supervisord polls, with ours among them."""
    monkeypatch.setattr(atexit, "register", lambda *_: None)
    handler = signal.getsignal(signal.SIGALRM)
    polled: dict[int, Wakeup] = {}
    options = SimpleNamespace(get_socket_map=lambda: polled)
    Wakeup(SimpleNamespace(options=options, reap=lambda: None)).install()
    yield polled
    os.close(signal.set_wakeup_fd(-1))
    os.close(*polled)
    signal.signal(signal.SIGALRM, handler)


def test_the_first_pass_of_the_loop_waits_for_nothing_and_the_next_for_a_signal(
    sockets: dict[int, Wakeup],
) -> None:
    """Supervisord starts what it is to start at the end of a pass, and would poll for a second before."""
    [fd] = sockets

    assert select.select([fd], [], [], 0)[0] == [fd]
    sockets[fd].handle_read_event()
    assert select.select([fd], [], [], 0)[0] == []
    signal.raise_signal(signal.SIGALRM)
    assert select.select([fd], [], [], 0)[0] == [fd]


def test_the_earliest_of_those_who_ask_to_be_woken_counts(sockets: dict[int, Wakeup]) -> None:
    """Who waits long for a flood may not keep the end of a process from being seen."""
    [fd] = sockets
    sockets[fd].handle_read_event()
    Wakeup.soon(0.01)
    Wakeup.soon(1000)
    assert select.select([fd], [], [], 60)[0] == [fd]

    sockets[fd].handle_read_event()
    Wakeup.soon(1000)
    Wakeup.soon(0)
    assert select.select([fd], [], [], 60)[0] == [fd]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
