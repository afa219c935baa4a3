"""Commits that keep git busy, or talking, while it unpacks them: no builder waits for it without end."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from builder import checkout
from stratum.model import BuildState
from tests.yard import Yard

pytestmark = pytest.mark.integration

WEB = {"Procfile": "web: python3 -m http.server $PORT\n"}


@pytest.fixture
def plain_yard() -> Iterator[Yard]:
    made = Yard.make()
    yield made
    made.remove()


def test_what_git_complains_of_at_length_keeps_no_build(plain_yard: Yard):
    """More than a pipe holds: git, tar and the builder waited for each other."""
    lines = "".join(f"f{number} -!bad{number}\n" for number in range(20_000))
    app = plain_yard.app({**WEB, ".gitattributes": lines})

    assert plain_yard.build(app).state is BuildState.SUCCEEDED


def test_a_pattern_that_git_takes_for_ever_over_fails_the_build(plain_yard: Yard, monkeypatch):
    monkeypatch.setattr(checkout, "_LIMITS", replace(checkout._LIMITS, cpu_s=1))
    deep = "/".join("d" * 40)
    app = plain_yard.app({**WEB, f"{deep}/file": "x", ".slugignore": "**/d/" * 10 + "zz\n"})

    failed = plain_yard.build(app)

    assert failed.state is BuildState.FAILED
    assert "git needed more than 1 s of processor for it" in plain_yard.log(failed)
    assert ".gitattributes repeat `**/`" in plain_yard.log(failed)
