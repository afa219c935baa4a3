"""When builds are refused because apps have our account; its words are in tests/builder/test_accounts.py."""

from datetime import UTC, datetime, timedelta

import pytest

from stratum.door.fencing.accounts import refusal
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
    assert "the token 'ci' may push" in refusal(
        UNFENCED, [token("admin"), token("ci", right)], NOW, trusting=False
    )


def test_several_are_counted():
    known = [token(name, Right.PUSH) for name in ("b", "a")]

    assert "2 tokens, one of them 'a', may push" in refusal(UNFENCED, known, NOW, trusting=False)


def test_administrators_readers_and_what_has_expired_are_not():
    known = [
        token("admin"),
        token("reader", Right.READ),
        token("old", Right.PUSH, expires_at=NOW - timedelta(1)),
    ]

    assert refusal(UNFENCED, known, NOW, trusting=False) == ""


def test_accounts_of_their_own_or_the_operators_trust_are_enough():
    known = [token("ci", Right.PUSH)]

    assert refusal(Fence(True, 1000), known, NOW, trusting=False) == ""
    assert refusal(UNFENCED, known, NOW, trusting=True) == ""
