"""Paths and methods beyond the protocol: each is answered plainly, and nothing outside is reached."""

import socket
from base64 import b64encode

import pytest

from tests.gitweb import FakeBuilder, GitWeb, run_git, served
from tests.rawgit import ask, headers_for
from tests.waiting import found

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


BEYOND = [
    ("GET", "HEAD"),
    ("GET", "objects/info/packs"),
    ("GET", "objects/00/00000000000000000000000000000000000000"),
    ("GET", "config"),
    ("GET", "git-receive-pack"),
    ("POST", "info/refs?service=git-receive-pack"),
    ("PUT", "git-upload-pack"),
    ("DELETE", "info/refs"),
    ("PATCH", "HEAD"),
    ("POST", "info/lfs/objects/batch"),
]


@pytest.mark.parametrize(("method", "path"), BEYOND)
def test_what_is_no_part_of_the_protocol_is_told_in_a_line(web, method, path):
    answer = ask(web, method, f"/{web.new_app().label}.git/{path}", None, headers_for(web.secret))

    assert answer.status == 404
    assert answer.body.count(b"\n") == 1
    assert b"smart HTTP" in answer.body


def test_git_that_speaks_only_the_dumb_protocol_is_told_so(web, tmp_path):
    app = web.new_app()

    cloned_dumbly = run_git(tmp_path, "clone", web.url(app), "copy", GIT_SMART_HTTP="0")

    assert cloned_dumbly.code == 128
    assert "remote: This git is too old: it must speak the smart HTTP protocol" in cloned_dumbly.said


def test_unknown_service_is_refused(web):
    path = f"/{web.new_app().label}.git/info/refs?service=git-upload-archive"

    assert ask(web, "GET", path, None, headers_for(web.secret)).status == 403


OUTSIDE = [
    "/../../etc.git",
    "/%2e%2e/%2e%2e/etc.git",
    "/..%2f..%2fetc/passwd.git",
    "/%252e%252e/%252e%252e/etc.git",
    "/MyProdEnv/..%2f{app}.git",
    "/MyProdEnv/%2e%2e%2f%2e%2e%2fstate.git",
    "/MyProdEnv/..\\..\\{app}.git",
    "/MyProdEnv/..%5c{app}.git",
    "/MyProdEnv/{app}%00.git",
    "/MyProdEnv%00/{app}.git",
    "/MyProdEnv/%2fetc%2fpasswd.git",
    "//etc/passwd.git",
    "/MyProdEnv//{app}.git",
    "/MyProdEnv/./{app}.git",
    "/./MyProdEnv/{app}.git/../{other}.git",
    "/MyProdEnv/{id}.git",
    "/MyProdEnv/{app}.git.git",
    "/MyProdEnv/{app}%0a.git",
    "/MyProdEnv/{app}%20.git",
    "/MyProdEnv/%ff%fe.git",
    "/MyProdEnv/" + "a" * 4000 + ".git",
    "http://elsewhere/MyProdEnv/%2e%2e.git",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_path_to_somewhere_else_leads_nowhere(web, path):
    """Sent as it stands, since libraries clean paths before they send them."""
    app, other = web.new_app(), web.new_app()
    there = path.format(app=app.name, other=other.name, id=app.id)
    before = sorted(found(web.instance.layout.data, "**/*.git"))
    for rest in ("info/refs?service=git-upload-pack", "info/refs?service=git-receive-pack", "HEAD"):
        status = status_of(web, f"GET {there}/{rest}")

        assert status in (308, 400, 404), status  # 308: to the same path with single slashes
    assert sorted(found(web.instance.layout.data, "**/*.git")) == before


def status_of(web: GitWeb, request: str) -> int:
    basic = b64encode(f"x:{web.secret}".encode()).decode()
    head = f"{request} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split()[1])
