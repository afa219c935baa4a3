import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stratum.door import wire

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_message_arrives_with_its_open_files(pair: Pair):
    source, sink = os.pipe()
    wire.send(pair[0], {"ask": "run"}, [sink])
    message, [copy] = wire.receive(pair[1])
    os.write(copy, b"hello")

    assert message == {"ask": "run"}
    assert os.read(source, 5) == b"hello"
    for fd in (source, sink, copy):
        os.close(fd)


class Preempted(socket.socket):
    """Of a process that stands still for a moment after what it sends with open files.

    Attributes:
        meanwhile: what others do in that moment.
    """

    meanwhile: Callable[[], None]

    def sendmsg(self, *message: Any) -> int:
        sent = super().sendmsg(*message)
        self.meanwhile()
        return sent


def test_who_has_the_whole_message_may_leave_before_its_sender_goes_on(pair: Pair):
    """The door answers an order that it refuses at once, and its answer is still to be read."""

    def answer_and_leave() -> None:
        wire.receive(pair[1])
        wire.send(pair[1], {"refused": "no"})
        pair[1].close()

    with Preempted(fileno=pair[0].detach()) as ours, open(os.devnull) as file:  # noqa: PTH123 - not a path of ours
        ours.meanwhile = answer_and_leave
        wire.send(ours, {"ask": "run"}, [file.fileno()])

        assert wire.receive(ours) == ({"refused": "no"}, [])


def test_large_messages_and_strange_text_arrive_whole(pair: Pair):
    value = "ü\udcff\n" * 300_000
    sender = threading.Thread(target=wire.send, args=(pair[0], {"value": value}))
    sender.start()

    message, fds = wire.receive(pair[1])

    sender.join()
    assert message == {"value": value}
    assert fds == []


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "there was no message"),
        (b'{"ask": "r', "the message was cut short"),
        (b"nonsense\n", "Expecting value"),
        (b"[1]\n", "a message is an object, not list"),
        (b"[" * 100_000 + b"\n", "maximum recursion depth"),
    ],
)
def test_what_is_no_message_is_refused(pair: Pair, sent: bytes, said: str):
    pair[0].sendall(sent)
    pair[0].close()

    with pytest.raises(wire.Broken, match=said):
        wire.receive(pair[1])
