"""The request of a check, to servers that answer in every way a process may."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat

import pytest

from runner.health.asking import ask
from stratum.model import Check, CheckKind

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready"


@contextmanager
def answering(*parts: bytes, rest: bytes = b"") -> Iterator[tuple[int, list[bytes]]]:
    """Answer one request with some bytes; yield the port, and what was asked.

    Args:
        rest: sent again and again until nobody listens.
    """
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                asked.append(connection.recv(65536))
                for part in chain(parts, repeat(rest) if rest else ()):
                    connection.sendall(part)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], asked
        thread.join(60)


def check(**fields: object) -> Check:
    return Check(CheckKind.PATH, **{"timeout_s": 5, **fields})  # type: ignore[arg-type]


def said(*parts: bytes, rest: bytes = b"", **fields: object) -> str:
    with answering(*parts, rest=rest) as (port, _):
        return ask(check(**fields), port, "app.example")


def test_two_hundreds_pass_and_nothing_else_does():
    assert said(OK) == ""
    assert said(b"HTTP/1.1 204 No Content\r\n\r\n") == ""
    assert said(b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n") == "it answered 301"
    assert said(b"HTTP/1.0 503 No\r\n\r\n") == "it answered 503"


def test_the_content_has_to_hold_the_text():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nre\r\n3\r\nady\r\n0\r\n\r\n"
    assert said(OK, content="ead") == ""
    assert said(chunked, content="ready") == ""
    assert said(OK, content="up") == "it answered 200 without the text that is looked for"


def test_the_request_has_the_apps_host_unless_the_check_says_another():
    with answering(OK) as (port, asked):
        ask(check(path="/health?x=1", headers=(("X-Forwarded-Proto", "https"),)), port, "app.example")
    assert asked == [
        b"GET /health?x=1 HTTP/1.1\r\nHost: app.example\r\nUser-Agent: Stratum\r\nAccept: */*\r\n"
        b"Connection: close\r\nX-Forwarded-Proto: https\r\n\r\n"
    ]
    with answering(OK) as (port, asked):
        ask(check(headers=(("host", "localhost"),)), port, "app.example")
    assert b"host: localhost\r\n" in asked[0]
    assert b"app.example" not in asked[0]


@pytest.mark.parametrize(
    ("rest", "content"),
    [(b"HTTP/1.1 100 Continue\r\n\r\n", ""), (b"x", ""), (b"5\r\nempty\r\n", "ready")],
    ids=["never a status", "no line's end", "a body without end"],
)
def test_an_answer_without_end_has_one(rest: bytes, content: str):
    begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" if content else b""
    assert said(begun, rest=rest, content=content, timeout_s=1) != ""


def test_silence_is_waited_for_no_longer_than_is_said():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ask(check(timeout_s=1), server.getsockname()[1], "x") == "no whole answer within 1 s"


def test_what_is_no_answer_is_told():
    assert said(b"SSH-2.0-x\r\n") == "what it answers is no HTTP"
    assert said() == "it closed the connection without an answer"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert ask(check(), port, "x") == "no connection: connection refused"
