"""What comes of the buildpacks' answer."""

from builder.compiling import newly_pinned
from builder.driver.order import Asked

FREE, PINNED = "https://packs.example/free.git", "https://packs.example/pinned.git"
OLD, NEW = "1" * 40, "2" * 40


def test_only_what_was_asked_for_and_not_yet_pinned_is_pinned():
    asked = (Asked("python"), Asked(url=FREE, ref="v1"), Asked(url=PINNED, commit=OLD))
    answered = {(FREE, "v1"): NEW, (FREE, "v2"): NEW, (PINNED, ""): OLD, ("https://other.example", ""): NEW}

    assert newly_pinned(asked, answered) == {(FREE, "v1"): NEW}


def test_nothing_is_pinned_where_nothing_was_asked_for():
    assert newly_pinned((), {(FREE, ""): NEW}) == {}
