"""Signatures against the reference implementation of Standard Webhooks."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from random import Random

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from domain.webhooks.signatures import headers, secret_text, signature

# The example of the specification's own text.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_vector_of_the_specification() -> None:
    assert signature(SECRET, MESSAGE, 1614265330, b'{"test": 2432232314}') == VECTOR


@pytest.mark.parametrize("seed", range(50))
def test_the_reference_implementation_signs_the_same(seed: int) -> None:
    random = Random(seed)
    secret = secret_text(random.randbytes(random.randint(24, 64)))
    at = datetime.fromtimestamp(random.randint(0, 2**31), UTC)
    body = json.dumps({"é": random.random(), "n": "\u2028\U0001f600"}, ensure_ascii=bool(seed % 2))
    expected = Webhook(secret).sign("evt_1", at, body)
    assert signature(secret, "evt_1", int(at.timestamp()), body.encode()) == expected


def test_during_a_rotation_both_secrets_verify() -> None:
    old, new, body = secret_text(b"o" * 32), secret_text(b"n" * 32), b'{"a":1}'
    sent = headers([new, old], "evt_1", datetime.now(UTC), body)
    for secret in (old, new):
        assert Webhook(secret).verify(body, sent) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(b"x" * 32)).verify(body, sent)


def test_any_changed_bit_is_refused() -> None:
    secret, body = secret_text(b"s" * 32), b'{"type":"customer.created"}'
    sent = headers([secret], "evt_1", datetime.now(UTC), body)
    for place in range(len(body)):
        changed = bytearray(body)
        changed[place] ^= 1
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(bytes(changed), sent)
    for name, value in (("webhook-id", "evt_2"), ("webhook-timestamp", str(int(sent["webhook-timestamp"]) + 1))):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, sent | {name: value})
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, sent | {"webhook-timestamp": str(int(sent["webhook-timestamp"]) - 301)})


def test_a_secret_is_written_as_the_specification_says() -> None:
    assert secret_text(b"k" * 32) == "whsec_" + b64encode(b"k" * 32).decode()
