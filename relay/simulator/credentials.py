"""Who may open a session: keys, and tokens that one session spends."""

import secrets
from collections.abc import Collection
from enum import StrEnum
from hmac import compare_digest
from typing import Final

TOKEN_TYPES: Final = frozenset({"realtime_scribe", "batch_scribe", "tts_websocket"})
"""*Source*: the vendor's API reference."""

REALTIME_TOKEN: Final = "realtime_scribe"  # noqa: S105  # the name of a kind of token


class Credential(StrEnum):
    """How a client proved who it is."""

    API_KEY = "api_key"
    TOKEN = "token"  # noqa: S105  # the name of a kind of credential


class Credentials:
    """Check keys; issue, check and spend tokens. Times are seconds of one monotonic clock."""

    def __init__(self, api_keys: Collection[str] | None, token_lifetime: float) -> None:
        """Start without any token.

        Args:
            api_keys: Those that are accepted; `None` for any that isn't empty.
            token_lifetime: Seconds that a token can wait for its session.
        """
        self._api_keys = None if api_keys is None else [key.encode() for key in api_keys]
        self._token_lifetime = token_lifetime
        self._tokens: dict[str, tuple[str, float]] = {}

    def is_key(self, key: str | None) -> bool:
        """Check a key in a time that tells nothing about how much of it is right."""
        if not key:
            return False
        if self._api_keys is None:
            return True
        return any(compare_digest(key.encode(), known) for known in self._api_keys)

    def issue_token(self, token_type: str, now: float) -> str:
        """Mint a token of one of `TOKEN_TYPES`."""
        self._tokens = {
            token: (kind, expiry) for token, (kind, expiry) in self._tokens.items() if expiry > now
        }
        token = "sutkn_" + secrets.token_urlsafe(32)
        self._tokens[token] = (token_type, now + self._token_lifetime)
        return token

    def verify(self, *, key: str | None, token: str | None, now: float) -> Credential | None:
        """Tell which credential is good; `None` if neither is.

        A token wins over a key: a bad one fails although the key may be good.

        *Source*: the vendor's server-side JavaScript SDK, change 436.
        """
        if token is not None:
            kind, expiry = self._tokens.get(token, ("", now))
            return Credential.TOKEN if kind == REALTIME_TOKEN and expiry > now else None
        return Credential.API_KEY if self.is_key(key) else None

    def spend(self, token: str) -> None:
        """Use a token up, as the session that opens with it does."""
        self._tokens.pop(token, None)
