"""What may be a domain of an app, and how it is written."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stratum.domains import checked_domain, listed_hosts
from stratum.errors import InvalidDomain


def checked(name: str) -> str:
    return checked_domain(name, "apps.example.org", ["stratum.example.org"])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Shop.Example.COM", "shop.example.com"),
        ("shop.example.com.", "shop.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("shop。example。com", "shop.example.com"),
        ("straße.example", "xn--strae-oqa.example"),
        ("1.example.com", "1.example.com"),
    ],
)
def test_a_name_is_kept_as_browsers_ask_for_it(name: str, kept: str) -> None:
    assert checked(name) == checked(kept) == kept


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "com",
            "192.0.2.7",
            "2001:db8::1",
            "[::1]",
            "shop.example.com:80",
            "http://shop.example.com",
        ),
        *("a..com", "-a.com", "a_b.com", "a b.com", "a/b.com", "{x}.com", "x" * 64 + ".com"),
        ".".join(["abcdefghi"] * 26) + ".com",
    ],
)
def test_what_is_no_name_of_a_host_is_refused(name: str) -> None:
    with pytest.raises(InvalidDomain, match="no name of a host with at least two labels"):
        checked(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("*.example.com", "a wildcard"),
        ("apps.example.org", "is the server's to give"),
        ("X.Apps.Example.Org.", "is the server's to give"),
        ("Stratum.example.org", "Stratum itself is reached there"),
    ],
)
def test_names_that_are_not_the_apps_to_take_are_refused(name: str, reason: str) -> None:
    with pytest.raises(InvalidDomain, match=reason):
        checked(name)


@given(st.text() | st.from_regex(r"[a-zA-Z0-9äßé.-]{1,80}", fullmatch=True))
@example("\ud800.com")
@example("x." * 10_000 + "com")
def test_whatever_is_taken_is_plain_and_stays_the_same(name: str) -> None:
    try:
        kept = checked(name)
    except InvalidDomain:
        return
    assert kept.isascii()
    assert kept == kept.lower() == checked(kept)
    assert not set(kept) & set("{}*/:\\ \"'")


def test_a_setting_lists_hosts_with_commas_between() -> None:
    assert listed_hosts(" A.example , ,b.example.,") == ("a.example", "b.example.")
    assert listed_hosts("") == ()
