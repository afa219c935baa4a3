"""What goes through a real Caddy: streams that last, limits to what clients ask, processes that are dead."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from stratum.store import formation
from tests.routed import opened, process, received, upgraded
from tests.served import free_port
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

REQUEST_S = 1.0
STREAMS, ROLLOUTS = 100, 50


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    limits = {"max_request_bytes": 10_000, "request_timeout_s": REQUEST_S, "answer_timeout_s": 2.0}
    with staged(router=True, header_timeout_s=0.5, idle_timeout_s=0.5, **limits) as ready:
        yield ready


def test_a_hundred_websockets_of_one_app_live_through_fifty_rollouts_of_another(stage: Stage) -> None:
    a, b = stage.app("chat"), stage.app("busy")
    with ExitStack() as stack:
        stack.enter_context(process(stage, a, "a.1"))
        for name in ("b.1", "b.2"):
            stack.enter_context(process(stage, b, name))
        stage.parts.router.route(a, ["a.1"])
        stage.parts.router.route(b, ["b.1"])
        streams = [stack.enter_context(upgraded(stage, a)) for _ in range(STREAMS)]
        for number in range(ROLLOUTS):
            stage.parts.router.route(b, [f"b.{1 + number % 2}"])
        stage.app("another")
        stage.parts.router.ensure()  # its name is loaded
        for number, stream in enumerate(streams):
            stream.sendall(f"still {number}\n".encode())
        echoed = [received(stream, b"\n") for stream in streams]
        assert echoed == [f"still {number}\n".encode() for number in range(STREAMS)]
        # Longer than a request may take: neither that limit nor the one of idle connections is theirs.
        assert select.select(streams, [], [], 1.5 * REQUEST_S)[0] == []
        streams[0].sendall(b"and now\n")
        assert received(streams[0], b"\n") == b"and now\n"


def test_an_event_reaches_its_reader_before_the_next_is_written(stage: Stage) -> None:
    app = stage.app("events")
    with process(stage, app, "e.1") as server:
        stage.parts.router.route(app, ["e.1"])
        with opened(stage, app, "GET /events HTTP/1.1") as reader:
            assert b"data: one" in received(reader, b"data: one")
            assert select.select([reader], [], [], 1.5 * REQUEST_S)[0] == []
            server.more.set()
            assert b"data: two" in received(reader, b"data: two")


def test_a_dead_process_of_several_is_left_out_and_each_request_answered(stage: Stage) -> None:
    app = stage.app("half")
    with process(stage, app, "h.1"):
        with stage.parts.database.write() as tx:
            formation.give_port(tx, app.id, "h.2", free_port())
        stage.parts.router.route(app, ["h.1", "h.2"])
        # Under way at the first, so that the dead one has the fewest requests.
        with upgraded(stage, app), upgraded(stage, app):
            for length in range(40):
                with opened(stage, app, "POST / HTTP/1.1", f"Content-Length: {length}") as request:
                    request.sendall(b"x" * length)
                    assert received(request, b"]").endswith(f'["h.1", {length}]'.encode())


def test_what_is_larger_than_allowed_is_refused_by_size(stage: Stage) -> None:
    app = stage.app("large")
    with process(stage, app, "l.1"):
        stage.parts.router.route(app, ["l.1"])
        for length, answer in ((10_000, b"HTTP/1.1 200 "), (10_001, b"HTTP/1.1 413 ")):
            with opened(stage, app, "POST / HTTP/1.1", f"Content-Length: {length}") as asked:
                asked.sendall(b"x" * length)
                assert received(asked, b"\r\n").startswith(answer)
        with opened(stage, app, "GET / HTTP/1.1", "X: " + "y" * 80_000) as asked:
            assert received(asked, b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_who_does_not_go_on_is_let_go(stage: Stage) -> None:
    app = stage.app("slow")
    with process(stage, app, "s.1") as server:
        stage.parts.router.route(app, ["s.1"])
        with opened(stage, app, "POST / HTTP/1.1", "Content-Length: 10"):
            assert server.left.wait(60), "the app waits for a client that sends nothing"
        with opened(stage, app, "GET / HTTP/1.1") as asks_no_more:
            assert b" 200 " in received(asks_no_more, b"]")
            assert asks_no_more.recv(1) == b""
        with socket.create_connection(("127.0.0.1", stage.instance.port), timeout=60) as sends_no_headers:
            sends_no_headers.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            received(sends_no_headers, b"never")
        with opened(stage, app, "GET /hang HTTP/1.1") as hears_nothing:
            got = received(hears_nothing, b"answer.\n")
            assert got.startswith(b"HTTP/1.1 504 ")
            assert got.endswith(b"\r\n\r\nThis app takes too long to answer.\n")
