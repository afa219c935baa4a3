import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.webhooks.filters import MAX_PATTERNS, asks_to_skip, checked_patterns, choose_any, chooses
from stratum.errors import InvalidInput

NAMES = st.text(st.sampled_from("ab/*!."), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("patterns", "chosen", "left"),
    [
        ([], ["main", "a/b"], []),
        (["main"], ["main"], ["master", "x/main", "mainly"]),
        (["release/*"], ["release/1"], ["release", "release/1/2"]),
        (["**"], ["main", "a/b/c"], []),
        (["release/**"], ["release/1", "release/1/2", "release"], ["releases/1"]),
        (["**/test"], ["test", "a/test", "a/b/test"], ["tests", "test/a"]),
        (["docs/"], ["docs/a", "docs/a/b"], ["doc"]),
        (["/src/*.py"], ["src/a.py"], ["src/a/b.py", "src/apy"]),
        (["!docs/**"], ["a", "src/docs/x"], ["docs/x"]),
        (["**", "!docs/**", "docs/conf.py"], ["a", "docs/conf.py"], ["docs/x"]),
        (["v*.*"], ["v1.2", "v.", "v1.2.3"], ["v1", "1.2"]),
        (["a[b]?"], ["a[b]?"], ["ab", "abc"]),
    ],
)
def test_the_last_pattern_that_fits_decides(patterns: list[str], chosen: list[str], left: list[str]):
    assert [name for name in [*chosen, *left] if chooses(patterns, name)] == chosen


def test_one_chosen_file_is_enough():
    assert choose_any(["src/**"], ["docs/a", "src/b"])
    assert not choose_any(["src/**"], ["docs/a"])
    assert not choose_any(["src/**"], [])
    assert choose_any([], [])


@pytest.mark.parametrize("message", ["Fix [skip deploy]", "Fix\n\n[SKIP Deploy] please"])
def test_a_commit_may_ask_to_be_left_out(message: str):
    assert asks_to_skip(message)
    assert not asks_to_skip("skip deploy")


@pytest.mark.parametrize("pattern", ["", "!", "/", "a//b", "-x", "a\nb", "a" * 256, "*a" * 9, "\ud800"])
def test_a_pattern_that_means_nothing_is_refused(pattern: str):
    with pytest.raises(InvalidInput):
        checked_patterns("branches", [pattern])


def test_too_many_patterns_are_refused():
    with pytest.raises(InvalidInput):
        checked_patterns("paths", ["a"] * (MAX_PATTERNS + 1))


def test_patterns_are_kept_in_their_order_without_blanks_around():
    assert checked_patterns("branches", [" main ", "!x"]) == ("main", "!x")


@given(NAMES, NAMES)
def test_a_pattern_and_its_negation_never_agree(pattern: str, name: str):
    body = pattern.lstrip("!")

    assert chooses([body], name) != chooses([f"!{body}"], name)


@given(st.text(st.characters(exclude_characters="*!\n", exclude_categories=["C"]), min_size=1))
def test_a_name_without_stars_is_a_pattern_of_itself(name: str):
    plain = name.strip("/") or "a"

    assert chooses([plain], plain)


def test_no_pattern_takes_long():
    """Eight stars in a part would try each of n^8 ways, if the stars gave anything back."""
    pattern = "/".join(["a*a*a*a*a*a*a*b"] * 8)
    names = ["/".join(["a" * 100] * 20)] * 100
    began = time.process_time()

    assert not choose_any([pattern, "**/**/**/x"], names)
    assert time.process_time() - began < 5
