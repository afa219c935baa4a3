"""The web process as gunicorn serves it tells news by itself, over TLS too."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stratum.client import Server
from stratum.secrets import make_key
from tests import gitweb
from tests.gitweb import FakeBuilder, run_git
from tests.receiver import receiver

pytestmark = pytest.mark.integration


@pytest.fixture
def certificate(tmp_path):
    """A certificate of its own for loopback; return its file, with the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "receiver.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


def test_a_push_is_told_by_https_and_who_cannot_prove_who_it_is_is_told_nothing(tmp_path, certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with receiver(tls) as told:
        hosts = f"localhost:{told.server.server_port},{told.place}"
        with gitweb.served(tmp_path, STRATUM_HOOK_HOSTS=hosts, SSL_CERT_FILE=str(certificate)) as web:
            web.instance.layout.config_key.parent.mkdir()
            make_key(web.instance.layout.config_key)
            app = web.new_app()
            remote = Server.at(f"http://127.0.0.1:{web.port}", web.secret).app("MyProdEnv", app.name)
            named = remote.notifications()
            secret = named.add("ops", f"https://localhost:{told.server.server_port}/", [])["secret"]
            named.add("other", told.url, ["build.failed"])  # its certificate names no address

            with FakeBuilder(web):
                pushed = run_git(web.source("one"), "push", "-q", web.url(app), "HEAD:refs/heads/master")
            assert pushed.code == 0, pushed.said

            [got] = told.wait(1)
            assert got.json["type"] == "build.succeeded"
            assert got.json["data"]["build"]["commit"] == web.ref(app)
            assert got.is_signed_with(secret)
            [tried] = named.test("other", 60)["tries"]
            assert tried["status"] is None
            assert tried["error"].startswith("its certificate is not trusted: IP address mismatch")
