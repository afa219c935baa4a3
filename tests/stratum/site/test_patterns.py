"""Patterns of paths: what the router makes of them is what people mean by them."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.site.checks import is_pattern, router_pattern

PART = st.text("ab*.", min_size=1, max_size=4)
PATTERN = st.lists(PART, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
PATH = st.lists(st.text("ab.", max_size=4), max_size=4).map(lambda parts: "/" + "/".join(parts))


def meant(pattern: str, path: str) -> bool:
    """Whether a pattern means a path: ** is anything, * all but a slash."""
    text = (
        re.escape(pattern).replace(r"/\*\*/\*\.", "/.*\\.").replace(r"/\*\*", "/.*").replace(r"\*", "[^/]*")
    )
    return re.fullmatch(text, path) is not None


def routed(pattern: str, path: str) -> bool:
    """Whether Caddy 2.11 takes a path for one of a pattern (MatchPath.MatchWithError)."""
    stars = pattern.count("*")
    if stars == 1 and pattern.startswith("*"):
        return path.endswith(pattern[1:])
    if stars == 1 and pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    parts, names = pattern.split("/"), path.split("/")
    return len(parts) == len(names) and all(map(fnmatch.fnmatchcase, names, parts))


@given(PATTERN, PATH)
def test_the_routers_patterns_mean_what_people_mean(pattern: str, path: str) -> None:
    if is_pattern(pattern):
        assert routed(router_pattern(pattern), path) == meant(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "routed_as"),
    [
        ("/**", "/*"),
        ("/Assets/**", "/assets/*"),
        ("/a/*", "/a/**"),
        ("/*.html", "/*.html"),
        ("/**/*.js", "*.js"),
        ("/**.js", "*.js"),
        ("/*/*", "/*/*"),
        ("/a", "/a"),
    ],
)
def test_stars_are_turned_into_the_routers(pattern: str, routed_as: str) -> None:
    assert is_pattern(pattern)
    assert router_pattern(pattern) == routed_as
