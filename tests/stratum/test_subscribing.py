"""Who may be told, of what, and where."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.errors import InvalidInput
from stratum.subscribing import Wire, checked_kinds, checked_url, shown


def nobody(_host, _port):
    return False


@pytest.mark.parametrize(
    ("given_url", "wanted"),
    [
        ("https://ops.example.com/stratum", "https://ops.example.com/stratum"),
        ("https://ops.example.com:8443/a?token=geheim", "https://ops.example.com:8443/a?…"),
        ("HTTPS://[2001:db8::1]/", "https://[2001:db8::1]/"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(given_url, wanted):
    assert shown(checked_url(given_url, allowed=nobody)) == wanted


@pytest.mark.parametrize(
    "given_url",
    [
        *(
            "",
            "ops.example.com",
            "ftp://x/",
            "https://",
            "https://x:0/",
            "https://x:99999/",
            "https://x/\r\nA: b",
        ),
        *("https://a@x/", "https://a:b@x/", "https://x/#a", "https://x/a b", "https://bücher.example/"),
        *("https://[::1/", "file:///etc/passwd", f"https://x/{'a' * 3000}", "https://x/\0", "http://x/"),
    ],
)
def test_what_cannot_be_sent_to_is_refused(given_url):
    with pytest.raises(InvalidInput):
        checked_url(given_url, allowed=nobody)


@given(st.one_of(st.text(), st.text().map("https://".__add__), st.text().map("https://x/".__add__)))
def test_any_text_is_an_address_or_is_refused(text):
    try:
        found = checked_url(text, allowed=nobody)
    except InvalidInput:
        return
    assert found.scheme == "https"
    assert found.hostname
    assert text.isascii() and text.isprintable()


def test_http_is_for_hosts_that_the_operator_allows():
    asked = []

    def allowed(host, port):
        asked.append((host, port))
        return port == 80

    assert checked_url("http://Ops.example.com./", allowed=allowed).scheme == "http"
    with pytest.raises(InvalidInput, match=r"by https only") as refused:
        checked_url("http://ops:8080/a", allowed=allowed)

    assert refused.value.hint.endswith("STRATUM_HOOK_HOSTS=ops:8080.")
    assert asked == [("ops.example.com", 80), ("ops", 8080)]


def test_kinds_are_kept_once_each_and_others_refused():
    assert checked_kinds(["build.failed", "release.*", "build.failed"]) == ("build.failed", "release.*")
    for given_kind in ("build", "*", "build.fail", "notification.test", "build.failed.*", ""):
        with pytest.raises(InvalidInput, match="no kind of news"):
            checked_kinds([given_kind])


def test_a_replaced_secret_is_in_force_for_a_day():
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    first = Wire("https://x/", "whsec_a")
    second = first.rotated(at)

    assert first.secrets(at) == ["whsec_a"]
    assert second.secrets(at + timedelta(hours=23)) == [second.secret, "whsec_a"]
    assert second.secrets(at + timedelta(hours=25)) == [second.secret]
    assert second.rotated(at).secrets(at)[1:] == [second.secret]
    assert Wire.read(second.kept()) == second
