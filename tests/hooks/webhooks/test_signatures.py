import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.webhooks.delivery import Delivery
from hooks.webhooks.providers import DIALECTS
from stratum.errors import BadSignature
from stratum.signing import new_signing_secret
from stratum.webhooks import Provider
from tests.deliveries import KEY, SECRET, headers, standard_headers

NOW = datetime.now(UTC)
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()
BODY = b'{"ref": "refs/heads/main"}'
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("x-hub-signature-256", "x-hub-signature", "x-gitea-signature", "x-gitlab-token"),
            *("webhook-id", "webhook-timestamp", "webhook-signature"),
        ]
    ),
    st.text(st.characters(max_codepoint=255), max_size=80)
    | st.sampled_from(["v1,", "v1,AAAA v1a,b", "sha256="]),
)


def check(
    provider: str, given: dict[str, str], secrets: list[str], body: bytes = BODY, now: datetime | None = None
):
    delivery = Delivery.of(given.items(), body)
    DIALECTS[Provider(provider)].check(delivery, secrets, now or datetime.now(UTC))


def refused(
    provider: str, given: dict[str, str], secrets: list[str], body: bytes = BODY, now: datetime | None = None
):
    with pytest.raises(BadSignature) as caught:
        check(provider, given, secrets, body, now)
    return caught.value.reason


@pytest.mark.parametrize("provider", list(Provider))
def test_what_is_signed_with_either_of_two_live_secrets_is_taken(provider: str):
    signed = headers(provider, BODY)

    check(provider, signed, [SECRET])
    check(provider, signed, [OTHER, SECRET])
    check(provider, signed, [SECRET, OTHER])


@pytest.mark.parametrize("provider", list(Provider))
def test_what_is_signed_with_another_secret_is_refused(provider: str):
    assert "secret" in refused(provider, headers(provider, BODY, OTHER), [SECRET])


@pytest.mark.parametrize("name", ["X-Forgejo-Signature", "X-Gitea-Signature", "X-Gogs-Signature"])
def test_of_several_names_that_a_signature_may_have_the_one_that_was_sent_is_told(name: str):
    wrong = "0" * 64

    assert refused("gitea", {name: wrong}, [SECRET]).startswith(f"its signature ({name.lower()}) is not")


@pytest.mark.parametrize("provider", [one for one in Provider if one is not Provider.GITLAB])
def test_a_signature_is_of_one_body_only(provider: str):
    assert "body" in refused(provider, headers(provider, BODY), [SECRET], BODY + b" ")


@pytest.mark.parametrize("provider", list(Provider))
def test_what_is_not_signed_is_refused(provider: str):
    assert refused(provider, {"Content-Type": "application/json"}, [SECRET])


@pytest.mark.parametrize("provider", list(Provider))
def test_without_a_secret_nothing_is_taken(provider: str):
    """An empty secret would be one that everybody knows."""
    assert refused(provider, headers(provider, BODY), [])


def test_githubs_own_example_is_taken():
    """Source: docs.github.com, "Validating webhook deliveries", test values."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    check("github", {"X-Hub-Signature-256": signature}, ["It's a Secret to Everybody"], b"Hello, World!")


def test_the_example_of_standard_webhooks_is_taken():
    """Source: the example of Svix's documentation, on verifying by hand."""
    signed = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime.fromtimestamp(1614265330, UTC)

    check("generic", signed, [secret], b'{"test": 2432232314}', at)


@pytest.mark.parametrize("provider", ["generic", "gitlab"])
@pytest.mark.parametrize("away_s", [-301, 301])
def test_what_was_signed_long_ago_or_is_to_come_is_refused(provider: str, away_s: int):
    signed = standard_headers(BODY, at=NOW.timestamp() + away_s)

    assert "minutes" in refused(provider, signed, [SECRET], now=NOW)


@pytest.mark.parametrize("provider", ["generic", "gitlab"])
def test_one_of_several_signatures_is_enough(provider: str):
    signed = standard_headers(BODY, KEY, at=NOW.timestamp())
    signed["webhook-signature"] = f"v1a,xyz v1,AAAA {signed['webhook-signature']}"

    check(provider, signed, [SECRET], now=NOW)


def test_the_id_is_signed_too():
    """So that what was overheard cannot be sent again as another delivery."""
    signed = standard_headers(BODY, at=NOW.timestamp()) | {"webhook-id": "msg_2"}

    assert refused("generic", signed, [SECRET], now=NOW)


def test_gitlabs_token_does_not_make_up_for_a_bad_signature():
    signed = standard_headers(BODY, b"another", at=NOW.timestamp()) | {"X-Gitlab-Token": SECRET}

    assert refused("gitlab", signed, [SECRET], now=NOW)


@given(st.sampled_from(Provider), HEADERS, st.binary(max_size=50))
def test_whatever_is_sent_is_refused_and_breaks_nothing(provider: str, given: dict[str, str], body: bytes):
    assert refused(provider, given, [SECRET, OTHER], body)


def test_a_fresh_secret_is_a_signing_token_of_gitlabs():
    """It takes `whsec_` and 32 bytes in base64, and nothing else."""
    secret = new_signing_secret()

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
