"""Answers as the client reads them, in whatever pieces they come."""

import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stratum.client.answer import MAX_HEAD_BYTES, Answer, BadAnswer

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
)
MEASURED = b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nabcde"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\nabcde"
ANNOUNCED = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + MEASURED


class Sent:
    """A connection that gives what it was made with, then its end."""

    def __init__(self, *pieces):
        self.pieces = [piece for piece in pieces if piece]

    def recv(self, _most):
        return self.pieces.pop(0) if self.pieces else b""


def read(*pieces):
    answer = Answer(Sent(*pieces))
    return answer.status, answer.reason, b"".join(answer.body())


def cut(said, places):
    ends = sorted({min(place, len(said)) for place in places})
    return [said[start:end] for start, end in zip([0, *ends], [*ends, len(said)], strict=True)]


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (CHUNKED, 200, "OK"),
        (MEASURED, 404, "Not Found"),
        (UNTIL_END, 200, "OK"),
        (UNTIL_END.replace(b"\r\n", b"\r\nTransfer-Encoding: identity\r\n", 1), 200, "OK"),
        (ANNOUNCED, 404, "Not Found"),
        (MEASURED + b"HTTP/1.1 500 Not asked for\r\n\r\n", 404, "Not Found"),
        (MEASURED + b"\0\xff", 404, "Not Found"),
    ],
)
@given(places=st.lists(st.integers(0, 200), max_size=30))
@example(places=[])
@example(places=list(range(200)))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(said, status, reason, places):
    assert read(*cut(said, places)) == (status, reason, b"abcde")


@pytest.mark.parametrize("whole", [CHUNKED, MEASURED])
def test_an_answer_that_breaks_off_anywhere_is_never_taken_for_a_whole_one(whole):
    for end in range(1, len(whole)):
        with pytest.raises(BadAnswer, match="broke off"):
            read(whole[:end])


def test_an_answer_without_a_body_is_whole_with_its_head():
    side, other = socket.socketpair()
    with side, other:
        other.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")  # and stays open
        answer = Answer(side)
        assert (answer.status, list(answer.body())) == (204, [])


def test_a_connection_that_is_closed_at_once_can_be_told_from_a_bad_answer():
    with pytest.raises(ConnectionError, match="without an answer"):
        read()


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_called_so(said):
    with pytest.raises(BadAnswer, match="no HTTP"):
        read(said)


def test_a_head_without_end_is_given_up():
    endless = [b"HTTP/1.1 200 OK\r\n", *[b"x: %b\r\n" % (b"y" * 1000)] * (MAX_HEAD_BYTES // 500)]
    sent = Sent(*endless)

    with pytest.raises(BadAnswer, match="no HTTP"):
        Answer(sent)

    assert sent.pieces, "all of it was read"


@given(st.lists(st.binary(min_size=1), max_size=5))
@example([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n"])
def test_whatever_comes_is_an_answer_or_an_error_that_says_so(pieces):
    try:
        status, reason, body = read(*pieces)
    except (BadAnswer, ConnectionError):
        return
    assert (type(status), type(reason), type(body)) == (int, str, bytes)
