"""`static.json`: what is taken from it, what is refused, and with which words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.errors import InvalidInput
from stratum.site import PLAIN, Fallback, Header, Redirect, Rules, Site, parse, read, render
from stratum.site.reading import MAX_BYTES

WORDS = ("root", "clean_urls", "https_only", "error_page", "redirects", "headers", "routes", "url", "status")
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["/", "/**", "a.html"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(WORDS) | st.text() | st.sampled_from(["/", "/a/**", "X-A"]), inner, max_size=5
        )
    ),
    max_leaves=20,
)


def said(**asked: object) -> list[str]:
    return read(json.dumps(asked).encode()).problems


def test_everything_that_may_be_asked_for_is_read() -> None:
    asked = {
        "root": "./dist/",
        "clean_urls": True,
        "https_only": True,
        "error_page": "/errors/lost.html",
        "redirects": {"/old": {"url": "/new", "status": 302}, "/a/**": "https://example.com/"},
        "headers": {"/**": {"X-A": "1", "X-B": "2"}},
        "routes": {"/**": "index.html"},
    }
    reading = read(b"\xef\xbb\xbf" + json.dumps(asked).encode())

    assert (reading.root, reading.problems, reading.warnings) == ("dist", [], [])
    assert reading.rules == Rules(
        clean_urls=True,
        https_only=True,
        error_page="errors/lost.html",
        redirects=(Redirect("/old", "/new", 302), Redirect("/a/**", "https://example.com/", 301)),
        headers=(Header("/**", "X-A", "1"), Header("/**", "X-B", "2")),
        routes=(Fallback("/**", "index.html"),),
    )


@pytest.mark.parametrize("root", ["", ".", "/", "./"])
def test_the_repository_itself_may_be_the_site(root: str) -> None:
    assert read(json.dumps({"root": root}).encode()).root == "."


def test_nothing_asked_for_is_a_plain_site() -> None:
    reading = read(b"{}")
    assert (reading.root, reading.rules, reading.problems) == ("", PLAIN, [])


def test_keys_without_effect_and_unknown_ones_are_warned_of() -> None:
    reading = read(b'{"proxies": {}, "rooot": 1}')
    assert reading.problems == []
    assert [warning.partition(":")[0] for warning in reading.warnings] == ["static.json"] * 2
    assert '"rooot" is not known. There are: root, ' in reading.warnings[1]


def test_a_password_that_nobody_would_be_asked_for_is_refused() -> None:
    assert said(basic_auth=True) == [
        'static.json: "basic_auth" is not known here: the site would be open to everybody.'
    ]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b" " * (MAX_BYTES + 1)])
def test_what_is_no_object_of_json_is_said_in_a_line(content: bytes) -> None:
    assert [problem.partition(" ")[0] for problem in read(content).problems] == ["static.json"]


@pytest.mark.parametrize(
    "url",
    [
        "//evil.com",
        "javascript:x",
        "x",
        "",
        "/a b",
        "/{env.HOME}",
        "/a\n",
        "https://",
        "https://a{b}",
        1,
        None,
    ],
)
def test_redirects_lead_to_paths_and_web_addresses_only(url: object) -> None:
    assert len(said(redirects={"/a": {"url": url}})) == 1


@pytest.mark.parametrize(
    "pattern", ["", "a", "//a", "/a//b", "/a/**/b", "/a**", "/a?", "/[a]", "/%41", "/{x}", "/a\t"]
)
def test_patterns_of_paths_are_simple(pattern: str) -> None:
    assert len(said(redirects={pattern: "/x"})) == 1


@pytest.mark.parametrize(
    "name", ["", "A B", "X:", "Content-Length", "transfer-encoding", "X-Ä", "{x}", "X\n"]
)
def test_names_of_headers_that_a_site_may_not_set_are_refused(name: str) -> None:
    assert len(said(headers={"/**": {name: "x"}})) == 1


@pytest.mark.parametrize("value", ["a\nb", "a\r", "a\tb", "{env.PATH}", "}", "ä", 1, None, "x" * 5000])
def test_values_of_headers_are_of_one_line_without_braces(value: object) -> None:
    assert len(said(headers={"/**": {"X-A": value}})) == 1


@pytest.mark.parametrize("file", ["../x", "a/../b", "/", "", "a?b", "a b", "{x}", "*.html", None])
def test_files_are_of_the_site(file: object) -> None:
    assert len(said(routes={"/**": file})) == 1
    assert len(said(error_page=file)) == 1


def test_more_than_there_is_room_for_is_refused() -> None:
    (problem,) = said(redirects={f"/{n}": "/x" for n in range(51)})
    assert problem == 'static.json: "redirects" has 51 entries; 50 are allowed.'


def test_more_text_than_a_request_should_cost_is_refused() -> None:
    headers = {"/**": {"A": "x" * 4000, "B": "y" * 4000}}
    assert said(headers=headers, redirects={"/a": "/" + "b" * 181}) == []
    (problem,) = said(headers=headers, redirects={"/a": "/" + "b" * 182})
    assert problem == (
        "static.json: redirects, headers and routes have 8,193 characters; 8,192 are allowed, since the "
        "router reads them at each request."
    )


@given(st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_read_is_read_again_the_same(content: bytes) -> None:
    reading = read(content)
    if reading.problems:
        assert all(problem.isprintable() for problem in reading.problems)
        return
    site = Site(reading.root or "dist", reading.rules)
    assert parse(render(site)) == site


@given(ANYTHING)
def test_no_text_that_steers_the_router_gets_through(value: object) -> None:
    rules = read(json.dumps(value).encode()).rules
    texts = [rules.error_page]
    texts += [text for one in rules.redirects for text in (one.pattern, one.url)]
    texts += [text for one in rules.headers for text in (one.pattern, one.name, one.value)]
    texts += [text for one in rules.routes for text in (one.pattern, one.file)]
    assert not any(character in text for text in texts for character in "{}\t\r\n\0")


@pytest.mark.parametrize("content", [b"{}", b"no", b'{"root": "../x"}', b'{"root": "dist", "routes": 1}'])
def test_a_slugs_own_file_that_was_tampered_with_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        parse(content)
