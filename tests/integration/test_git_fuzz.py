"""Bent and broken pushes against a real server: an answer in time, never 500, and nothing left of them."""

import gzip
import socket

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from gitserver.git.pktline import FLUSH, pkt
from tests.gitweb import FakeBuilder, GitWeb, run_git, served
from tests.packs import entry, oid_of, pack_of
from tests.rawgit import CAPABILITIES, RECEIVE, ZERO, connect, headers_for
from tests.repos import git
from tests.waiting import found, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

LIVE = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)
TREE = oid_of("tree", b"")
OIDS = st.sampled_from([ZERO, "1" * 40, TREE, "x" * 40, "0" * 39, "A" * 40])
REFS = st.one_of(
    st.sampled_from(
        [b"refs/heads/topic", b"refs/heads/a..b", b"HEAD", b"refs/stratum/x", b"refs/heads/\xff"]
    ),
    st.binary(max_size=40),
)
CAPS = st.sampled_from(
    [
        *(CAPABILITIES, f"{CAPABILITIES} push-options", "report-status", "", "atomic", "\x00"),
        *("report-status side-band-64k=1", "report-status\x0bside-band-64k", "report-status\xa0atomic"),
    ]
)
ENTRIES = st.sampled_from(
    [entry("tree", b""), entry("commit", b"tree"), entry("blob", b"x"), b"\xff" * 9, b""]
)
PACKS = st.one_of(
    st.just(b""),
    st.lists(ENTRIES, max_size=3).map(pack_of),
    st.binary(max_size=60).map(b"PACK".__add__),
)
LINES = st.one_of(
    st.builds(lambda old, new, ref: f"{old} {new} ".encode() + ref, OIDS, OIDS, REFS),
    st.builds(lambda oid: f"shallow {oid}".encode(), OIDS),
    st.binary(max_size=50),
)
FRAMES = st.one_of(
    LINES.map(pkt), st.just(FLUSH), st.sampled_from([b"0001", b"0002", b"0004", b"fff", b"zzzz"])
)
VERSIONS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(str.strip)
CUTS = st.floats(0, 1)


@st.composite
def bodies(draw):
    """Make something like a push: commands, maybe options, a pack; then cut it, or bend a byte."""
    first = draw(LINES) + b"\0" + draw(CAPS).encode()
    body = pkt(first) + b"".join(draw(st.lists(FRAMES, max_size=4))) + FLUSH
    body += b"".join(draw(st.lists(FRAMES, max_size=2))) + draw(PACKS)
    if draw(st.booleans()):
        body = body[: int(len(body) * draw(CUTS))]
    elif draw(st.booleans()):
        at = int((len(body) - 1) * draw(CUTS))
        body = body[:at] + bytes([draw(st.integers(0, 255))]) + body[at + 1 :]
    return body


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


@pytest.fixture(scope="module")
def app(web):
    made = web.new_app()
    assert run_git(web.source("first"), "push", web.url(made), "master").code == 0
    return made


@pytest.fixture(autouse=True)
def nothing_left(web, app):
    """Whatever was sent: one ref, one pack, one build, nothing pending, and the server at work."""
    yield
    wait_until(lambda: not web.pending(app))
    wait_until(lambda: not list((web.repo(app) / "objects").glob("tmp_*")))
    left = [path for path in web.objects(app) if not path.endswith((".pack", ".idx", ".rev"))]
    assert left == []
    assert not found(web.repo(app), "**/*.lock")
    assert len(web.builds(app)) == 1
    assert b"Traceback" not in (web.folder / "web.log").read_bytes()
    git(web.repo(app), "fsck", "--strict")


def send(web: GitWeb, path: str, body: bytes, headers: dict[str, str]) -> int:
    """Post; return the status once the whole answer has come."""
    connection = connect(web)
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def bent(capabilities: str, more: str = "") -> bytes:
    """Make a sound push of a ref that is refused, but for its capabilities."""
    first = pkt(f"{ZERO} {TREE} refs/heads/topic\0{capabilities}".encode())
    return first + (pkt(f"{ZERO} {TREE} refs/heads/more\0{more}".encode()) if more else b"") + FLUSH + EMPTY


EMPTY = pack_of([entry("tree", b"")])


@LIVE
@given(bodies())
@example(bent("report-status side-band-64k=1"))
@example(bent("report-status=x side-band-64k=x"))
@example(bent("report-status\tside-band-64k"))
@example(bent("report-status\x0bside-band-64k"))
@example(bent("report-status\xa0side-band-64k"))
@example(bent("report-status", more="side-band-64k"))
@example(bent("", more="report-status side-band-64k"))
def test_whatever_is_pushed_is_answered(web, app, body):
    status = send(web, f"/{app.label}.git/{RECEIVE}", body, headers_for(web.secret))

    assert status in (200, 400, 415)


@LIVE
@given(bodies(), st.sampled_from(["gzip", "x-gzip", "identity", "br", "GZIP", ""]), VERSIONS, st.booleans())
def test_whatever_the_headers_it_is_answered(web, app, body, encoding, version, is_packed):
    headers = headers_for(web.secret, Content_Encoding=encoding, Git_Protocol=version)

    status = send(web, f"/{app.label}.git/{RECEIVE}", gzip.compress(body) if is_packed else body, headers)

    assert status in (200, 400, 415)


@LIVE
@given(st.text(max_size=40), st.sampled_from([RECEIVE, "git-upload-pack", "info/refs"]))
def test_whatever_the_path_it_is_answered(web, app, text, rest):
    quoted = "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "replace"))

    status = send(web, f"/{quoted}/{app.name}.git/{rest}", FLUSH, headers_for(web.secret))

    assert status in (200, 308, 400, 404, 405, 415)


@LIVE
@given(st.binary(min_size=1, max_size=200))
def test_whatever_is_asked_of_a_fetch_is_answered(web, app, body):
    headers = headers_for(web.secret, "git-upload-pack")

    assert send(web, f"/{app.label}.git/git-upload-pack", body, headers) in (200, 400, 415)


CHUNKED = "POST {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "sent", [b"", b"ff\r\nshort", b"4\r\n0000\r\n", b"zz\r\n0000\r\n0\r\n\r\n", b"4\r\n00000000\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("service", [RECEIVE, "git-upload-pack"])
def test_broken_chunks_are_told_where_somebody_listens(web, app, service, sent):
    """Who sends no more, and still reads, is told; who has gone leaves no trace in the log."""
    headers = "\r\n".join(f"{name}: {value}" for name, value in headers_for(web.secret, service).items())
    request = CHUNKED.format(path=f"/{app.label}.git/{service}", headers=headers).encode() + sent
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as gone:
        gone.sendall(request)
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as there:
        there.sendall(request)
        there.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: there.recv(65536), b""))

    assert not answer or answer.split()[1] in (b"200", b"400"), answer
