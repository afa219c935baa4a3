"""The web process as gunicorn serves it tells news by itself, over TLS too."""

import ssl

import pytest

from stratum.client import Server
from stratum.secrets import make_key
from tests import gitweb
from tests.certificates import new_certificate
from tests.gitweb import FakeBuilder, run_git
from tests.receiver import receiver

pytestmark = pytest.mark.integration


@pytest.fixture
def certificate(tmp_path):
    return new_certificate(tmp_path / "receiver.pem")


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
