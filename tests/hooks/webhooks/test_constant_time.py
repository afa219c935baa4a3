"""How long it takes to refuse a delivery tells nothing: all secrets are compared, and by one means alone."""

import ast
import hmac
import inspect
from datetime import UTC, datetime

import pytest

from hooks.webhooks import signatures
from hooks.webhooks.delivery import Delivery
from hooks.webhooks.providers import DIALECTS
from stratum.errors import BadSignature
from stratum.webhooks import Provider
from tests.deliveries import SECRET, headers, standard_headers

AT = 1_795_374_000
NOW = datetime.fromtimestamp(AT, UTC)
BODY = b'{"ref": "refs/heads/main"}'
FIRST, SECOND, FOREIGN = SECRET, "previous", "mallory's"
LIVE = (FIRST, SECOND)
STANDARD = "webhook-signature"
SIGNATURES = {
    "github": "x-hub-signature-256",
    "gitea": "x-gitea-signature",
    "gitlab": "x-gitlab-token",
    "gitlab, signed": STANDARD,
    "bitbucket": "x-hub-signature",
    "bitbucket-dc": "x-hub-signature",
    "generic": STANDARD,
}
EACH = pytest.mark.parametrize("scheme", SIGNATURES)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """What was compared in constant time, in order: what was given, and what would be right."""
    seen: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def spy(given: bytes, right: bytes) -> bool:
        seen.append((given, right))
        return compare(given, right)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    return seen


def signed(scheme: str, secret: str) -> dict[str, str]:
    if SIGNATURES[scheme] == STANDARD:
        return standard_headers(BODY, signatures.key(secret), at=AT)
    return {name.lower(): value for name, value in headers(scheme, BODY, secret).items()}


def bare(signature: str) -> bytes:
    """Return the signature itself, as a header has it."""
    return signature.removeprefix("sha256=").removeprefix("v1,").encode("latin-1")


def is_taken(scheme: str, given: dict[str, str]) -> bool:
    provider = Provider(scheme.partition(",")[0])
    try:
        DIALECTS[provider].check(Delivery.of(given.items(), BODY), LIVE, NOW)
    except BadSignature:
        return False
    return True


@EACH
@pytest.mark.parametrize("secret", [FIRST, SECOND, FOREIGN])
def test_both_live_secrets_are_compared_whichever_it_was_signed_with(scheme, secret, compared):
    given = signed(scheme, secret)
    name = SIGNATURES[scheme]
    right = [bare(signed(scheme, live)[name]) for live in LIVE]

    assert is_taken(scheme, given) is (secret in LIVE)
    assert compared == [(bare(given[name]), one) for one in right]


@EACH
@pytest.mark.parametrize("text", ["0" * 64, "f", "\xe4" * 64], ids=["wrong", "short", "not ASCII"])
def test_so_are_they_with_what_can_be_no_signature(scheme, text, compared):
    name = SIGNATURES[scheme]
    given = signed(scheme, FIRST) | {name: f"v1,{text}" if name == STANDARD else text}
    right = [bare(signed(scheme, live)[name]) for live in LIVE]

    assert not is_taken(scheme, given)
    assert compared == [(bare(text), one) for one in right]


@EACH
@pytest.mark.parametrize("empty", [True, False], ids=["empty", "missing"])
def test_where_no_signature_is_there_is_nothing_to_compare(scheme, empty, compared):
    given = signed(scheme, FIRST)
    del given[SIGNATURES[scheme]]

    assert not is_taken(scheme, given | ({SIGNATURES[scheme]: ""} if empty else {}))
    assert compared == []


@pytest.mark.parametrize("scheme", [one for one, name in SIGNATURES.items() if name == STANDARD])
def test_of_several_signatures_each_is_compared_whichever_is_right(scheme, compared):
    given = signed(scheme, FIRST)
    right = given[STANDARD]

    assert is_taken(scheme, given | {STANDARD: f"{right} v1,AAAA"})
    assert [one for one, _ in compared] == [bare(right)] * 2 + [b"AAAA"] * 2


def test_nothing_else_is_compared_but_with_what_everybody_knows():
    """Any other `==`, `in` or beginning would end where two texts first differ."""
    tree = ast.parse(inspect.getsource(signatures))
    compares = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    equalities = [
        node for node in compares if isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn)
    ]
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert [ast.unparse(node) for node in equalities] == ["version == 'v1'"]
    assert not named & {"startswith", "endswith", "find", "index", "count", "__eq__"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]
