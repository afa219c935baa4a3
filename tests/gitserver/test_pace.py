"""Who sends slowly is told so, however its bytes are framed, and however few it sends at a time."""

import socket
import threading
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from gitserver.git import pace
from gitserver.git.body import Body, BodyTooSlow
from gitserver.git.client import Client
from gitserver.git.pace import Pace

LENGTH = b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
HTTP_1_0 = b"POST / HTTP/1.0\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def body_of(ours: socket.socket, seconds: float) -> tuple[Body, Client]:
    client = Client(ours, seconds)
    message = next(RequestParser(Config(), ours, ("127.0.0.1", 1)))
    return Body(client.sends(message.body), "", 1 << 20), client


def trickle(theirs: socket.socket, data: bytes, stopped: threading.Event) -> None:
    while not stopped.wait(0.01):
        theirs.sendall(data)


@pytest.mark.parametrize(
    ("head", "dribble"),
    [
        (LENGTH, b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED + b"1;", b"x"),  # within the line of a chunk's size
        (LENGTH, b""),
        (CHUNKED, b""),
    ],
    ids=["of known length", "chunked", "size of a chunk", "nothing", "no chunk"],
)
def test_bytes_now_and_then_do_not_stop_the_clock(pair, head, dribble):
    ours, theirs = pair
    theirs.sendall(head)
    body, _ = body_of(ours, 0.3)
    stopped = threading.Event()
    sender = threading.Thread(target=trickle, args=(theirs, dribble, stopped))
    sender.start()
    try:
        with pytest.raises(BodyTooSlow):
            body.exactly(100_000)
    finally:
        stopped.set()
        sender.join()


def test_rate_below_the_least_ends_it_before_its_time(pair, monkeypatch):
    monkeypatch.setattr(pace, "GRACE_S", 0.1)
    ours, theirs = pair
    theirs.sendall(LENGTH + b"0000")
    body, _ = body_of(ours, 1000)

    with pytest.raises(BodyTooSlow):
        body.exactly(5)


def test_time_in_which_nobody_waits_for_it_does_not_count_for_the_rate():
    found = Pace(1000)

    found.note(waited_s=0, received=0)
    assert found.left_s() == pace.GRACE_S
    found.note(waited_s=5, received=2 * pace.LEAST_RATE)
    assert found.left_s() == pace.GRACE_S - 3


def test_time_for_all_of_it_can_be_given_anew():
    found = Pace(0)

    assert found.left_s() <= 0
    found.allow_at_least(10)
    assert 0 < found.left_s() <= 10
    found.allow(5)
    found.allow_at_least(1)
    assert 1 < found.left_s() <= 5


def test_quick_body_is_read_whole_and_the_next_request_after_it(pair):
    ours, theirs = pair
    theirs.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" + LENGTH)
    parser = RequestParser(Config(), ours, ("127.0.0.1", 1))
    client = Client(ours, 10)

    assert b"".join(Body(client.sends(next(parser).body), "", 100).rest()) == b"hello"
    assert dict(next(parser).headers)["CONTENT-LENGTH"] == "1000000"
