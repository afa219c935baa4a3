"""How the client reaches a server: straight, or by a proxy."""

import os
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from stratum.client import Server
from stratum.client.wire import connected, head
from stratum.errors import ServerUnavailable

BODY = b'{"name": "who"}'
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
NOWHERE = "stratum.invalid"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@contextmanager
def answering(said, context=None, *, is_proxy=False):
    """Answer one connection with some bytes; give the port, and what was asked.

    Args:
        context: of TLS; a client that ends it is content with that.
        is_proxy: whether the client is first to ask for a way to the server.
    """
    asked: list[str] = []

    def hear(connection):
        with connection.makefile("rb", buffering=0) as lines:
            while (line := lines.readline()) not in {b"\r\n", b""}:
                asked.append(line.decode().rstrip())

    def answer():
        with server.accept()[0] as connection, suppress(ssl.SSLError):
            if is_proxy:
                hear(connection)
                connection.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
            with context.wrap_socket(connection, server_side=True) if context else connection as spoken:
                hear(spoken)
                spoken.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1], asked
        thread.join()


@pytest.fixture(scope="module")
def vouched(tmp_path_factory):
    """A certificate for localhost, and what serves with it."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = made.sign(secret, hashes.SHA256()).public_bytes(Encoding.PEM)
    file.write_bytes(pem + secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return file, context


def whoami(url):
    return Server.at(url, "token").whoami()


def test_what_a_proxy_is_asked_for_names_the_server(monkeypatch):
    with answering(GOOD) as (port, asked):
        monkeypatch.setenv("http_proxy", f"http://me:my%20secret@127.0.0.1:{port}")
        assert whoami(f"http://{NOWHERE}:8080") == {"name": "who"}

    assert asked[0] == f"GET http://{NOWHERE}:8080/api/whoami HTTP/1.1"
    assert f"Host: {NOWHERE}:8080" in asked
    assert "Proxy-Authorization: Basic bWU6bXkgc2VjcmV0" in asked


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_leads_to_the_server_and_reads_nothing_of_what_is_said(monkeypatch, vouched, name):
    certificate, context = vouched
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with answering(GOOD, context, is_proxy=True) as (port, asked):
        monkeypatch.setenv(name, f"127.0.0.1:{port}")
        assert whoami("https://localhost") == {"name": "who"}

    end = asked.index("GET /api/whoami HTTP/1.1")
    assert asked[0].startswith("CONNECT localhost:443 ")
    assert "Authorization: Bearer token" in asked[end:]
    assert "Authorization: Bearer token" not in asked[:end]


def test_a_server_that_needs_no_proxy_is_asked_itself(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with answering(GOOD) as (port, asked):
        assert whoami(f"http://127.0.0.1:{port}") == {"name": "who"}

    assert asked[0] == "GET /api/whoami HTTP/1.1"


def test_a_proxy_that_speaks_something_else_is_named(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.invalid:1080")

    with pytest.raises(ServerUnavailable) as caught:
        whoami(f"http://{NOWHERE}")

    assert "its proxy socks5://proxy.invalid is none that speaks HTTP" in caught.value.message


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what it answered is no HTTP"),
        (GOOD[:-1], "its answer broke off"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(said, reason):
    with answering(said) as (port, _), pytest.raises(ServerUnavailable) as caught:
        whoami(f"http://127.0.0.1:{port}")

    assert caught.value.message == f"No Stratum answers at http://127.0.0.1:{port}: {reason}."


def test_a_server_is_believed_if_somebody_vouches_for_it(monkeypatch, vouched):
    certificate, context = vouched

    with answering(GOOD, context) as (port, _), pytest.raises(ServerUnavailable) as caught:
        whoami(f"https://localhost:{port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with answering(GOOD, context) as (port, asked):
        assert whoami(f"https://localhost:{port}") == {"name": "who"}

    assert "certificate verify failed" in caught.value.message
    assert asked[0] == "GET /api/whoami HTTP/1.1"


def test_over_tls_what_is_asked_waits_for_no_acknowledgement(monkeypatch, vouched):
    """As of the handshake's end, where the server says nothing more: so does Go's, and so the router."""
    certificate, context = vouched
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context.set_alpn_protocols(["h2", "http/1.1"])

    with answering(GOOD, context) as (port, _), connected(f"https://localhost:{port}", 9).connection as made:
        assert isinstance(made, ssl.SSLSocket)
        told = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), made.selected_alpn_protocol()
        made.sendall(b"\r\n")

    assert told == (1, "http/1.1")


def test_an_answer_is_asked_for_as_it_is():
    """A proxy may choose any encoding for who says nothing of them, and we read none."""
    with answering(GOOD) as (port, asked):
        whoami(f"http://127.0.0.1:{port}")

    assert "Accept-Encoding: identity" in asked


def test_a_proxy_that_leads_nowhere_is_quoted(monkeypatch):
    with answering(b"HTTP/1.1 403 Not There\r\n\r\n") as (port, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{port}")
        with pytest.raises(ServerUnavailable) as caught:
            whoami("https://localhost:8443")

    assert caught.value.message.endswith(": its proxy answered 403 Not There.")
    assert asked[0] == "CONNECT localhost:8443 HTTP/1.1"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://stratum.invalid:80", "stratum.invalid"),
        ("http://bücher.invalid:8080", "xn--bcher-kva.invalid:8080"),
    ],
)
def test_the_host_is_named_as_http_has_it(monkeypatch, url, named):
    with answering(GOOD) as (port, asked):
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        whoami(url)

    assert f"Host: {named}" in asked


def test_no_token_becomes_a_header_of_its_own():
    with answering(GOOD) as (port, asked):
        url = f"http://127.0.0.1:{port}"
        with pytest.raises(ServerUnavailable) as caught:
            Server.at(url, "token\r\nX-Other: 1").whoami()

    assert asked == []
    assert "the line Authorization: of a request would hold what HTTP does not allow" in caught.value.message
    assert "X-Other" not in caught.value.message


def test_what_changes_something_says_how_long_it_is():
    with answering(GOOD) as (port, asked):
        Server.at(f"http://127.0.0.1:{port}", "token").connection.send("POST", "/x")

    assert "Content-Length: 0" in asked


@pytest.mark.parametrize("asks", ["GET /a b HTTP/1.0", "GET", "GET /a\r\nX: y"])
def test_what_is_asked_is_one_place(asks):
    with pytest.raises(ValueError, match=r"is no method and one place|does not allow"):
        head(asks, {})
