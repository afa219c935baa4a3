"""What is sent is signed as Standard Webhooks has it."""

import base64
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from stratum.signing import headers, new_signing_secret, signature


def test_a_known_message_has_its_known_signature():
    """The example of the specification's reference libraries."""
    secret, key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"

    found = signature(secret, key, 1614265330, b'{"test": 2432232314}')

    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(), st.integers(0, 1 << 40))
def test_a_signature_is_the_hmac_of_id_time_and_body(body, timestamp_s):
    secret = new_signing_secret()

    found = headers([secret], "msg_1", timestamp_s, body)

    key = base64.b64decode(secret[6:])
    digest = hmac.new(key, b"msg_1.%d.%s" % (timestamp_s, body), hashlib.sha256).digest()
    assert found == {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def test_each_secret_in_force_signs():
    secrets = [new_signing_secret(), new_signing_secret()]

    found = headers(secrets, "msg_1", 1, b"{}")["webhook-signature"].split(" ")

    assert found == [signature(secret, "msg_1", 1, b"{}") for secret in secrets]
    assert len(set(found)) == len(set(secrets)) == 2
