import os
import socket
import threading
from collections.abc import Iterator

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
    ],
)
def test_what_is_no_message_is_refused(pair: Pair, sent: bytes, said: str):
    pair[0].sendall(sent)
    pair[0].close()

    with pytest.raises(wire.Broken, match=said):
        wire.receive(pair[1])
