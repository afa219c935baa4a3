"""When builds are refused for want of a fence; what is said is in tests/builder/test_accounts.py."""

from datetime import UTC, datetime, timedelta

import pytest

from stratum.door.fencing.accounts import refusal
from stratum.door.fencing.fences import NONE, Fences
from stratum.fence import Fence
from stratum.model import Grant, Right, Token

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNFENCED = Fence(False, 1000)


def token(name: str, right: Right | None = None, **rest: object) -> Token:
    rights = (Grant(1, None, right),) if right else ()
    made: Token = Token(1, name, not rights, NOW, None, rights, **rest)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("right", [Right.PUSH, Right.DEPLOY, Right.ADMIN])
def test_others_who_may_push_are_in_the_way(right: Right):
    assert "the token 'ci' may push" in refusal(UNFENCED, NONE, [token("admin"), token("ci", right)], NOW)


def test_several_are_counted():
    known = [token(name, Right.PUSH) for name in ("b", "a")]

    assert "2 tokens, one of them 'a', may push" in refusal(UNFENCED, NONE, known, NOW)


def test_administrators_readers_and_what_has_expired_are_not():
    known = [
        token("admin"),
        token("reader", Right.READ),
        token("old", Right.PUSH, expires_at=NOW - timedelta(1)),
    ]

    assert refusal(UNFENCED, NONE, known, NOW) == ""


def test_any_fence_that_keeps_builds_from_us_is_enough():
    known = [token("ci", Right.PUSH)]
    whole = Fences(frozenset({"files", "network", "processes"}))

    assert refusal(Fence(True, 1000), NONE, known, NOW) == ""
    assert refusal(UNFENCED, whole, known, NOW) == ""
    assert refusal(UNFENCED, Fences(frozenset({"files"})), known, NOW) != ""
