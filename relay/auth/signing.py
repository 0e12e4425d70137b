"""Texts that leave the relay and come back unchanged, or are refused.

A signed text can be read by whoever holds it: it carries no secrets. What it stands for may have
ended since: a signature says that the relay wrote it, never that it is still true.

Pure where the time is given; by default itsdangerous looks at the clock.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import itsdangerous
from itsdangerous.encoding import base64_decode, base64_encode

MAX_LENGTH: Final = 4096
"""Characters of a signed text; longer ones aren't looked at.

Source: RFC 6265, section 6.1, the size of a cookie that browsers keep.
"""

MIN_KEY_LENGTH: Final = 32
"""Characters of a key: whoever holds a signed text can try keys as fast as they like."""

CLOCK_SKEW: Final = 60.0
"""Seconds by which the clocks of two hosts may differ before they refuse each other's texts."""


class BadSignature(Exception):
    """Base of why a text was refused; holders needn't be told which."""


class Tampered(BadSignature):
    """Raised when the relay didn't write this text for this purpose, with any key it knows."""


class Expired(BadSignature):
    """Raised when it did, but too long ago."""


def check_key(key: str) -> None:
    """Accept a key to sign with.

    Raises:
        ValueError: If it could be guessed. The text doesn't quote it.
    """
    if len(key) < MIN_KEY_LENGTH:
        raise ValueError(
            f"a key has {len(key)} characters, so that others could find it by trying; "
            f"give at least {MIN_KEY_LENGTH} random ones, such as `openssl rand -hex 32` prints"
        )


class Signer:
    """Signs and verifies texts, each for one purpose only."""

    def __init__(self, keys: Sequence[str], *, clock: Callable[[], float] | None = None) -> None:
        """Sign with the first key and verify with all, so that keys can be rotated.

        To rotate, put a new key first and remove the old one when its texts have expired.

        Args:
            keys: Newest first; `check_key` says which are good.
            clock: Tells seconds since 1970; by default itsdangerous does, in whole ones.

        Raises:
            ValueError: If no key is given, or an empty one, which everybody knows.
        """
        if not keys or not all(keys):
            raise ValueError("a signer needs keys, and none of them empty")
        self._keys = list(reversed(keys))  # itsdangerous signs with the last one
        self._clock = clock or itsdangerous.TimestampSigner(keys).get_timestamp
        self._serializers: dict[str, itsdangerous.URLSafeTimedSerializer] = {}

    def dumps(self, purpose: str, value: object) -> str:
        """Sign `value`, which JSON can hold.

        The text fits a URL, a cookie and a WebSocket subprotocol as it is.

        Args:
            purpose: What the text is good for; one of a fixed few.
            value: Readable by the text's holder.

        Raises:
            ValueError: If the text would be longer than `loads` accepts.
        """
        text = self._serializer(purpose).dumps(value)
        if len(text) > MAX_LENGTH:
            raise ValueError(f"signed, it has {len(text)} characters; {MAX_LENGTH} are allowed")
        return text

    def loads(self, purpose: str, text: str, *, max_age: float) -> Any:
        """Give back what was signed for `purpose`.

        Args:
            purpose: As in `dumps`; texts for other purposes are refused.
            text: From anybody.
            max_age: Seconds for which the text is good, up to one less: the time of signing is
                noted in whole ones.

        Raises:
            Tampered: If it isn't what `dumps` gave out, to the character.
            Expired: If it is older, or from further in the future than clocks differ.
        """
        if len(text) > MAX_LENGTH or not text.isascii() or not _is_canonical(text):
            raise Tampered
        serializer = self._serializer(purpose)
        try:
            # Given an age, itsdangerous would also refuse what a host signed whose clock is ahead.
            value, signed_at = serializer.loads(text, return_timestamp=True)
        except itsdangerous.BadData as error:
            raise Tampered from error
        age = self._clock() - signed_at.timestamp()
        if not -CLOCK_SKEW <= age <= max_age:
            raise Expired
        return value

    def _serializer(self, purpose: str) -> itsdangerous.URLSafeTimedSerializer:
        if purpose not in self._serializers:
            self._serializers[purpose] = itsdangerous.URLSafeTimedSerializer(
                self._keys,
                salt=f"scribe-relay.{purpose}",
                signer=_ClockedSigner,
                signer_kwargs={
                    "clock": self._clock,
                    "key_derivation": "hmac",
                    "digest_method": hashlib.sha256,
                },
            )
        return self._serializers[purpose]


class _ClockedSigner(itsdangerous.TimestampSigner):
    def __init__(self, *args: Any, clock: Callable[[], float], **options: Any) -> None:
        super().__init__(*args, **options)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock())


def _is_canonical(text: str) -> bool:
    """Whether the signature is written as `dumps` writes it.

    Base64 leaves the last bits open and decoders skip what they don't know, so that one signature
    could be written in many ways; a text that was spent would come back as another one.
    """
    signature = text.rpartition(".")[2]
    try:
        return base64_encode(base64_decode(signature)) == signature.encode()
    except itsdangerous.BadData:
        return False
