"""HTTPS in a real Caddy, as far as it goes without the internet: with certificates of its own authority."""

import http.client
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from runner.router.config import Place, render
from runner.router.https import Https
from runner.router.limits import Limits
from runner.router.route import Route
from stratum.model import App
from stratum.store import domains, environments
from stratum.up import binaries
from tests.routed import deployed_at
from tests.served import free_port
from tests.stage import RUN_WEB, Stage, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

DOMAIN, CONTROL = "shop.internal", "stratum.internal"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def stage(port: int) -> Iterator[Stage]:
    with staged(router=True, https_listen=f"127.0.0.1:{port}", control_hosts=CONTROL) as ready:
        yield ready


@pytest.fixture(scope="module")
def app(stage: Stage) -> App:
    return deployed_at(stage, DOMAIN)


def root_of(stage: Stage) -> Path:
    return stage.layout.data / "router/caddy/pki/authorities/local/root.crt"


def connected(stage: Stage, port: int, host: str) -> ssl.SSLSocket:
    """Connect by TLS, trusting the router's own authority and nobody else; the name is checked."""
    trusting = ssl.create_default_context(cafile=str(root_of(stage)))
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    try:
        return trusting.wrap_socket(plain, server_hostname=host)
    except OSError:  # of which errors of TLS are some
        plain.close()
        raise


def get(stage: Stage, port: int, host: str, path: str = "/") -> str:
    with connected(stage, port, host) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(4096), b"")).decode()


def has_certificate(stage: Stage, port: int, host: str) -> bool:
    try:
        connected(stage, port, host).close()
    except OSError:
        return False
    return True


def test_an_app_its_domain_and_stratum_have_certificates_and_are_served(
    stage: Stage, app: App, port: int
) -> None:
    for host in (app.host("localhost"), DOMAIN, CONTROL):
        wait_until(partial(has_certificate, stage, port, host), 60)
    assert "v1 " in get(stage, port, app.host("localhost"))
    told = get(stage, port, DOMAIN, "/headers")
    assert "X-Forwarded-Proto: https" in told
    assert f"X-Forwarded-Host: {DOMAIN}" in told
    assert stage.get(app)[0] == 200, "HTTP goes on beside it"


def test_visitors_are_sent_on_to_https_once_there_is_a_certificate_that_browsers_trust(
    stage: Stage, port: int
) -> None:
    app = stage.app("onward")
    host = "onward.internal"
    with stage.parts.database.write() as tx:
        domains.add_domain(tx, app.id, host)
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    assert by_http(stage, host)[0] == 200, "its certificate is the router's own"

    folder = stage.layout.router_certificates / "acme-v02.api.letsencrypt.org-directory" / host
    folder.mkdir(parents=True)
    (folder / f"{host}.crt").touch()
    there = f"https://{host}/a%20b?c=d%7B"
    assert by_http(stage, host, "/a%20b?c=d%7B") == (308, there, "max-age=300")
    assert by_http(stage, app.host("localhost"))[0] == 200, "that name has none"
    assert by_http(stage, "*.internal")[0] != 308
    for claim in ("https", "HTTPS", "https,http", "https, http"):
        assert by_http(stage, host, X_Forwarded_Proto=claim)[0] == 200, "TLS ends in front of the router"
    assert by_http(stage, host, "/.well-known/acme-challenge/x")[0] == 200
    wait_until(partial(has_certificate, stage, port, host), 60)
    assert " 200 OK\r\n" in get(stage, port, host)
    with stage.parts.database.write() as tx:
        environments.set_settings(tx, app.id, {"plain_http": True})
    stage.parts.router.ensure()
    assert by_http(stage, host)[0] == 200


def by_http(stage: Stage, host: str, path: str = "/", **headers: str) -> tuple[int, str | None, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", stage.instance.port, timeout=60)
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request("GET", path, headers={"Host": host, **more})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Location"], answer.headers["Cache-Control"]
    finally:
        connection.close()


def test_a_name_of_nobody_has_no_certificate(stage: Stage, app: App, port: int) -> None:
    wait_until(lambda: has_certificate(stage, port, DOMAIN), 60)
    assert not has_certificate(stage, port, "nobody.internal")


def test_the_next_release_and_the_next_certificate_need_no_other_listener(
    stage: Stage, app: App, port: int
) -> None:
    with stage.parts.database.write() as tx:
        domains.add_domain(tx, app.id, "next.internal")
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    wait_until(lambda: has_certificate(stage, port, "next.internal"), 60)
    assert f"v{stage.version(app)} " in get(stage, port, "next.internal")


def test_caddy_takes_a_configuration_with_public_names(tmp_path: Path) -> None:
    place = Place(
        "127.0.0.1:80", "/a.sock", "/w.sock", "apps.example.org", "/up", Limits(), Https("/certificates")
    )
    file = tmp_path / "caddy.json"
    file.write_bytes(
        render(place, [Route("a.e.apps.example.org", (), domains=("shop.example.com",))]).content
    )

    argv = [str(binaries.caddy()), "validate", "--config", str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, env={"HOME": str(tmp_path)}, check=False)
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]

    assert done.returncode == 0, done.stderr
    assert not [line for line in told if line["level"] == "error"]
