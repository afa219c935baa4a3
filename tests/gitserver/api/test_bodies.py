"""Clients of the API that send slowly, on real connections, read as gunicorn reads them."""

import socket
import threading
from contextlib import closing

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader

from gitserver.api import bodies

HERE = "/api/apps/MyProdEnv/app02/vars"
WHOLE = b'{"set": {"A": "1"}}'


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


def patch(client, side, connection):
    """Ask as one who says that the whole body follows."""
    environ = {
        "gunicorn.socket": connection,
        "wsgi.input": Body(LengthReader(SocketUnreader(connection), len(WHOLE))),
        "CONTENT_LENGTH": str(len(WHOLE)),
    }
    headers = {"Authorization": f"Bearer {side.admin}", "Content-Type": "application/json"}
    return client.patch(HERE, headers=headers, environ_overrides=environ)


def test_a_body_that_comes_in_pieces_is_taken(client, side, pair):
    side.app()
    ours, theirs = pair
    theirs.sendall(WHOLE[:5])
    later = threading.Timer(0.05, theirs.sendall, (WHOLE[5:],))
    later.start()

    answer = patch(client, side, ours)

    later.join()
    assert answer.status_code == 200, answer.text


def test_a_body_that_does_not_end_in_time_is_refused_though_bytes_keep_coming(
    client, side, pair, monkeypatch
):
    monkeypatch.setattr(bodies, "BODY_S", 0.3)
    side.app()
    ours, theirs = pair
    ended = threading.Event()

    def trickle():
        for number in range(len(WHOLE) - 1):
            theirs.sendall(WHOLE[number : number + 1])
            if ended.wait(0.05):
                return

    trickling = threading.Thread(target=trickle)
    trickling.start()
    answer = patch(client, side, ours)
    ended.set()
    trickling.join()

    assert (answer.status_code, answer.get_json()["error"]) == (408, "too-slow")
    ours.settimeout(5)
    while ours.recv(64):  # what came before; then the end, so that nobody waits for more
        pass
