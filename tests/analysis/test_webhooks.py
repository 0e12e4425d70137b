import base64
import hashlib
import hmac
import json

import pytest

from relay.analysis.webhooks import parse_secret, sign, write_message

KEY = b"0123456789abcdef0123456789abcdef"


def test_a_secret_is_base64_behind_its_prefix() -> None:
    assert parse_secret(f"whsec_{base64.b64encode(KEY).decode()}") == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_!!!",
        f"whsec_{base64.b64encode(b'x' * 23).decode()}",
        f"whsec_{base64.b64encode(b'x' * 65).decode()}",
        base64.b64encode(KEY).decode(),
    ],
)
def test_another_secret_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="Standard Webhooks") as caught:
        parse_secret(text)
    assert len(text) < 10 or text not in str(caught.value)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """Computed here from the specification's own words."""
    headers = sign(KEY, "msg_1", 1_700_000_000, b'{"a":1}')
    expected = hmac.new(KEY, b'msg_1.1700000000.{"a":1}', hashlib.sha256).digest()
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": f"v1,{base64.b64encode(expected).decode()}",
    }


def test_the_specifications_own_example() -> None:
    """The example in its text, with which its libraries are tested too."""
    key = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_has_a_type_a_time_and_data() -> None:
    assert json.loads(write_message("2026-11-28T12:00:00+00:00", {"segment": 3})) == {
        "type": "segment.flagged",
        "timestamp": "2026-11-28T12:00:00+00:00",
        "data": {"segment": 3},
    }
