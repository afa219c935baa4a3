"""Clients that send slowly, or never end: they hold up nobody else, and are told."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from gitserver.git.pktline import FLUSH, pkt
from stratum.model import App
from tests.gitweb import FakeBuilder, GitWeb, run_git, served
from tests.rawgit import CAPABILITIES, ZERO, begun, first_push, is_clean, packets
from tests.repos import commit
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

COMMAND = pkt(f"{ZERO} {'1' * 40} refs/heads/master\0{CAPABILITIES}".encode())
CHUNK = 65536


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with served(folder, STRATUM_GIT_TIMEOUT_S="3") as started, FakeBuilder(started):
        yield started


@contextmanager
def trickling(connection: http.client.HTTPConnection, data: bytes) -> Iterator[None]:
    """Send a little again and again while the block lasts."""
    stopped = threading.Event()

    def send() -> None:
        with suppress(OSError):
            while not stopped.wait(0.1):
                connection.send(data)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        stopped.set()
        sender.join()
        connection.close()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def serves(web: GitWeb, app: App) -> bool:
    """Whether another push is taken, of the same app."""
    return run_git(web.source(f"after-{app.name}"), "push", web.url(app), "master:other").code == 0


def report_of(answer: bytes) -> bytes:
    return b"".join(packet[1:] for packet in packets(answer) if packet[:1] == b"\x01")


@pytest.mark.parametrize("dribble", [chunk(b"0"), b"", b"f"], ids=["bytes", "nothing", "no end of a size"])
def test_head_that_comes_slowly_is_answered_in_time(web, dribble):
    app = web.new_app()
    connection = begun(web, app, None)
    connection.send(chunk(COMMAND[:20]))
    with trickling(connection, dribble):
        answer = connection.getresponse()

        assert (answer.status, answer.read().split(b",")[0]) == (408, b"The request came too slowly")
    assert serves(web, app)


@pytest.mark.parametrize("length", [None, 1 << 20], ids=["chunked", "of known length"])
def test_pack_that_comes_slowly_is_refused_in_time(web, length):
    app, source = web.new_app(), web.source(f"slow-{length}")
    commit(source, {"noise": Random(1).randbytes(300_000)})
    connection = begun(web, app, length)
    start = first_push(source)[: CHUNK + 1000]
    connection.send(start if length else chunk(start))
    with trickling(connection, b"x" if length else chunk(b"x")):
        answer = connection.getresponse()

        assert answer.status == 200
        assert b"ng refs/heads/master it came too slowly" in report_of(answer.read())
    wait_until(lambda: is_clean(web, app))
    assert serves(web, app)


def aligned_push(source: Path) -> bytes:
    """Make a push that ends where a read does."""
    commit(source, {"noise": Random(2).randbytes(CHUNK - 4000)})
    body = first_push(source)
    lacking = CHUNK - len(body)
    assert 0 < lacking < 4000
    padded = first_push(source, caps=f"{CAPABILITIES} " + "x" * (lacking - 1))
    assert len(padded) == CHUNK
    return padded


@pytest.mark.parametrize("junk", [b"", bytes(CHUNK)], ids=["a trickle", "much, then a trickle"])
def test_what_comes_slowly_after_a_pack_holds_up_no_other_push(web, junk):
    app = web.new_app()
    body = aligned_push(web.source(f"aligned-{len(junk)}"))
    connection = begun(web, app, None)
    connection.send(b"".join(map(chunk, filter(None, (body, junk)))))
    with trickling(connection, chunk(b"x")):
        assert serves(web, app)
        answer = connection.getresponse()

        assert b"ng refs/heads/master" in report_of(answer.read())
    assert web.ref(app) == ""
    assert serves(web, web.new_app())


@pytest.mark.parametrize(("after", "status"), [(b"", 408), (b"x\r\n", 400)], ids=["no end", "bad end"])
def test_push_whose_chunks_do_not_end_is_answered_in_time(web, after, status):
    app = web.new_app()
    connection = begun(web, app, None)
    connection.send(chunk(first_push(web.source(f"endless-{len(after)}"))) + after)

    with trickling(connection, b""):
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, True)
    assert web.newest(app) is None
    assert serves(web, app)


def test_refused_client_may_send_on_to_hear_why(web):
    """Its pack is broken at the start; git has ended long before all has come."""
    app = web.new_app()
    body = COMMAND + FLUSH + b"PACK" + bytes(3 << 20)
    connection = begun(web, app, len(body))
    connection.send(body)

    answer = connection.getresponse()
    assert b"ng refs/heads/master" in report_of(answer.read())
    connection.close()
    wait_until(lambda: is_clean(web, app))
