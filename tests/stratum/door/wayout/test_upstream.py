"""The proxy that an operator has named for the server."""

import pytest

from stratum.door.wayout.hosts import Place
from stratum.door.wayout.upstream import find


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"HTTPS_PROXY": "http://proxy.internal:8080"}, Place("proxy.internal", 8080)),
        ({"http_proxy": "proxy.internal:8080/"}, Place("proxy.internal", 8080)),
        ({"https_proxy": "https://tls.internal", "ALL_PROXY": "http://p"}, Place("p", 80)),
    ],
)
def test_a_proxy_that_speaks_http_is_found(environ: dict[str, str], place: Place):
    found = find(environ)

    assert found is not None
    assert found.place == place


@pytest.mark.parametrize("url", ["", "socks5://p:1", "http://p:port", "http://"])
def test_others_are_not(url: str):
    assert find({"HTTPS_PROXY": url}) is None


def test_its_credentials_go_into_a_header():
    found = find({"HTTPS_PROXY": "http://user:p%40ss@p:1"})

    assert found is not None
    assert found.authorization() == b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"


def test_hosts_are_left_to_no_proxy():
    found = find({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".internal, localhost"})

    assert found is not None
    assert found.is_for("pypi.org")
    assert not found.is_for("a.internal")
    assert not found.is_for("localhost")
