"""What the router itself answers to a git without credentials is what the web process would."""

import http.client
import socket

import pytest

pytestmark = pytest.mark.integration

NAMES = ("WWW-Authenticate", "Content-Type")


class Web(http.client.HTTPConnection):
    """The web process, past the router."""

    def __init__(self, path):
        super().__init__("localhost")
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def ask(connection, method, path, **headers):
    try:
        connection.request(method, path, headers={"Host": "localhost", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read(), {name: answer.headers[name] for name in NAMES}
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/MyProdEnv/main.git/info/refs?service=git-receive-pack"),
        ("GET", "/no/such.git/info/refs?service=git-upload-pack"),
        ("POST", "/no/such.git/git-receive-pack"),
        ("GET", "/a/b.git/config"),
        ("GET", "/MyProdEnv/main/info/refs?service=git-receive-pack"),
        ("POST", "/no/such/git-upload-pack"),
        ("GET", "/no/such"),
    ],
)
def test_a_git_without_credentials_is_asked_for_them_as_by_the_web_process(served, method, path):
    by_web = ask(Web(served.data / "run/web/web.sock"), method, path)
    by_router = ask(http.client.HTTPConnection("127.0.0.1", served.port), method, path)

    assert by_router == by_web
    assert by_router[0] == 401


def test_wrong_credentials_are_refused_by_the_web_process(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port)

    assert ask(connection, "GET", "/a/b.git/info/refs", Authorization="Basic eDp5")[0] == 401
