"""Which hosts builds reach: what stands in settings and variables, and what hostile programs ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.door.wayout.hosts import Place, read
from stratum.door.wayout.rules import Rules


def allows(listed: str, host: str, port: int, **environ: str) -> bool:
    return read(listed, environ)[0].allow(host, port)


@pytest.mark.parametrize(
    ("listed", "host", "port"),
    [
        ("", "pypi.org", 443),
        ("", "registry.npmjs.org", 80),
        ("example.org", "example.org", 443),
        (" example.org:8443 ,a.b", "example.org", 8443),
        (".example.org", "a.b.example.org", 443),
        (".example.org:22", "a.example.org", 22),
        ("*", "anything.example", 443),
        ("[fd00::1]:3141", "fd00::1", 3141),
    ],
)
def test_what_is_listed_is_allowed(listed: str, host: str, port: int):
    assert allows(listed, host, port)


@pytest.mark.parametrize(
    ("listed", "host", "port"),
    [
        ("", "example.org", 443),
        ("", "pypi.org", 22),
        ("", "evil-pypi.org", 443),
        ("", "pypi.org.example", 443),
        (".example.org", "example.org", 443),
        (".example.org", "evilexample.org", 443),
        ("example.org:8443", "example.org", 443),
        ("*", "anything.example", 25),
    ],
)
def test_what_is_not_listed_is_refused(listed: str, host: str, port: int):
    assert not allows(listed, host, port)


def test_hosts_of_the_operators_indexes_are_allowed_wherever_they_are():
    environ = {
        "UV_INDEX": "mine=http://index.internal:3141/simple https://other.internal/simple",
        "NPM_CONFIG_REGISTRY": "http://npm.internal:4873",
        "PIP_INDEX_URL": "https://[not a url",
    }
    hosts, unread = read("", environ)

    assert hosts.allow("index.internal", 3141)
    assert hosts.allow_private("npm.internal", 4873)
    assert hosts.allow_private("other.internal", 443)
    assert not hosts.allow("index.internal", 443)
    assert not hosts.allow_private("pypi.org", 443)
    assert unread == []


def test_only_hosts_named_in_full_may_be_private():
    hosts, _ = read("a.internal, .b.internal, *", {})

    assert hosts.allow_private("a.internal", 443)
    assert not hosts.allow_private("x.b.internal", 443)
    assert not hosts.allow_private("c.internal", 443)


def test_what_cannot_be_read_is_told():
    assert read("good.example, b@d, :80, a:0, a:99999, -x.org, *:80", {})[1] == [
        *("b@d", ":80", "a:0", "a:99999", "-x.org", "*:80"),
    ]


def test_folders_that_are_indexes_are_shown():
    environ = {"UV_FIND_LINKS": "/srv/wheels", "UV_INDEX": "file:///srv/simple https://pypi.org/simple"}

    assert [str(folder) for folder in Rules.read("", environ).folders] == ["/srv/simple", "/srv/wheels"]


@given(st.text())
def test_any_text_is_a_place_or_none(text: str):
    place = Place.read(text)

    assert place is None or (place.host and (place.port is None or 0 < place.port < 65536))


@given(st.text(), st.dictionaries(st.sampled_from(["UV_INDEX", "PIP_INDEX_URL", "HTTPS_PROXY"]), st.text()))
def test_any_settings_can_be_read(listed: str, environ: dict[str, str]):
    Rules.read(listed, environ)
