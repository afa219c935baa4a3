"""HTTPS by certificates of another authority: a second Caddy, which the router's asks for them by ACME.

The authority looks a name up and connects to its port 443, as those on the internet do, so the router listens
there, at a loopback address that nobody else has.
"""

import json
import os
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from stratum.model import App
from stratum.up import binaries
from tests.routed import deployed_at
from tests.served import worker_number
from tests.stage import Stage, staged
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.getuid() != 0, reason="ports below 1024 and a hosts file of one's own need root"),
]

DOMAIN = "shop.example.com"
NET = f"127.66.{worker_number()}"
ROUTER, AUTHORITY = f"{NET}.1", f"{NET}.9:8466"
PRESENT = f"https://{AUTHORITY}/acme/local/directory"


@pytest.fixture(scope="module")
def roots() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="acme-", dir="/tmp") as folder, authority(Path(folder)) as found:
        yield found


@pytest.fixture(scope="module")
def stage(roots: Path) -> Iterator[Stage]:
    settings = {"https_listen": f"{ROUTER}:443", "acme_directory": PRESENT, "acme_roots": str(roots)}
    with staged(router=True, **settings) as ready:
        yield ready


@pytest.fixture(scope="module")
def app(stage: Stage) -> App:
    return deployed_at(stage, DOMAIN)


@contextmanager
def authority(folder: Path) -> Iterator[Path]:
    """Run one that finds DOMAIN at the router's address; give the file with its root."""
    handler = {"handler": "acme_server", "host": AUTHORITY}
    server = {
        "listen": [AUTHORITY],
        "routes": [{"match": [{"host": [AUTHORITY.partition(":")[0]]}], "handle": [handler]}],
        "automatic_https": {"disable_redirects": True},
        "tls_connection_policies": [{"default_sni": AUTHORITY.partition(":")[0]}],
    }
    own = {"pki": {"certificate_authorities": {"local": {"install_trust": False}}}}
    config = {
        "admin": {"disabled": True},
        "storage": {"module": "file_system", "root": str(folder / "kept")},
        "apps": {"http": {"servers": {"acme": server}}, **own},
    }
    (folder / "caddy.json").write_text(json.dumps(config))
    (folder / "hosts").write_text(f"{ROUTER} {DOMAIN}\n")
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    argv = ("unshare", "--mount", "/bin/sh", "-c", script, str(folder / "hosts"))
    run = (str(binaries.caddy()), "run", "--config", str(folder / "caddy.json"))
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([*argv, *run], stdout=log, stderr=log)
    made, shared = folder / "kept/pki/authorities/local/root.crt", folder / "root.crt"
    try:
        wait_until(lambda: made.exists() and b"CERTIFICATE" in made.read_bytes(), 60)
        shared.write_bytes(made.read_bytes())
        shared.chmod(0o644)
        folder.chmod(0o755)  # for the router's account
        yield shared
    finally:
        running.terminate()
        running.wait(30)


def answer(roots: Path, host: str) -> str:
    """Ask for a page by HTTPS, trusting that authority alone; empty while there is no such certificate."""
    trusting = ssl.create_default_context(cafile=str(roots))
    try:
        with (
            socket.create_connection((ROUTER, 443), timeout=60) as plain,
            trusting.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(partial(connection.recv, 4096), b"")).decode()
    except OSError:
        return ""


def test_a_domain_gets_a_certificate_of_the_authority_that_was_named(
    stage: Stage, app: App, roots: Path
) -> None:
    wait_until(lambda: " 200 OK\r\n" in answer(roots, DOMAIN), 90)
    assert "v1 " in answer(roots, DOMAIN)
    assert answer(roots, app.host("localhost")) == "", "such a name is none of an authority's"


def test_visitors_are_sent_on_once_that_certificate_is_there(stage: Stage, app: App, roots: Path) -> None:
    wait_until(lambda: answer(roots, DOMAIN) != "", 90)
    status, headers = by_http(stage, DOMAIN)
    assert (status, headers["location"]) == (308, f"https://{DOMAIN}/")
    assert by_http(stage, app.host("localhost"))[0] == 200, "that name has none"


def by_http(stage: Stage, host: str) -> tuple[int, dict[str, str]]:
    with socket.create_connection(("127.0.0.1", stage.instance.port), timeout=60) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        said = b"".join(iter(partial(connection.recv, 4096), b"")).decode()
    first, *lines = said.partition("\r\n\r\n")[0].split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, _, value in pairs}
