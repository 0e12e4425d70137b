"""What a webhook is told, and the signature by which it knows from whom.

*Source*: the Standard Webhooks specification, 1.0 (https://www.standardwebhooks.com).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec

EVENT: Final = "segment.flagged"

MAX_TEXT: Final = 8_000
"""Characters of a segment that are told, so that a message stays below 64 KiB."""

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # what a secret begins with
SECRET_BYTES: Final = (24, 64)
"""How long a key is, at the least and at the most."""


def parse_secret(text: str) -> bytes:
    """Read the key from its form, `whsec_` and base64.

    Raises:
        ValueError: If it is something else. The text doesn't quote it.
    """
    right = "give whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)"
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    shortest, longest = SECRET_BYTES
    if not text.startswith(SECRET_PREFIX) or not shortest <= len(key) <= longest:
        raise ValueError(f"it is no secret of Standard Webhooks; {right}")
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Write the headers that go with a message.

    Args:
        key: Shared with the receiver.
        message_id: The same for each attempt, so that the receiver can tell that it has it.
        timestamp: Of this attempt, in seconds since 1970.
        body: As it is sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def write_message(found_at: str, data: Mapping[str, Any]) -> bytes:
    """Write what a webhook is told.

    Args:
        found_at: When the flags were raised, in ISO 8601.
        data: Whose segment it is, and the flags.
    """
    return msgspec.json.encode({"type": EVENT, "timestamp": found_at, "data": data})
