"""Secrets that are handed out once, of which only a digest is kept. Pure, but for the dice."""

import hashlib
import hmac
import secrets
import uuid
from typing import Final

TEXT_OF_256_BITS: Final = "[A-Za-z0-9_-]{43}"
"""What `new_secret` makes, as a pattern."""

_OF_NOBODY: Final = "0" * 64


def new_id() -> str:
    """Make an id: 32 hexadecimal digits; not a secret."""
    return uuid.uuid4().hex


def new_secret() -> str:
    """Make a secret of 256 bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Make what is stored. One plain hash is enough: nobody guesses 256 random bits."""
    # A request may bring any text, half a surrogate pair included.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def is_secret_of(stored: str | None, secret: str) -> bool:
    """Compare in a time that tells nothing; `None`, of someone unknown, costs the same."""
    is_equal = hmac.compare_digest(stored or _OF_NOBODY, digest(secret))
    return is_equal and stored is not None
