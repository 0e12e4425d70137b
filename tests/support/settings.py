"""Settings for tests, which read nothing from outside."""

from typing import Any

from pydantic import SecretStr

from relay.settings import Settings

KEY = "xi-test-key-0123456789"
"""The provider's key that the simulator of the tests accepts."""


SIGNING_KEY = "a-key-for-tests-that-signs-cookies-and-tickets"


def settings_for(
    upstream_url: str | None = None, *, key: str | None = KEY, **values: Any
) -> Settings:
    """Settings of a relay on a free port that keeps nothing; `upstream_url` is its upstream."""
    values = {
        "port": 0,
        "database_url": "sqlite+aiosqlite://",
        "secret_keys": SIGNING_KEY,
        "handshakes_per_minute": 1_000_000,
        "limit_key_connects_per_minute": 1_000_000,
        **values,
    }
    secret = None if key is None else SecretStr(key)
    return Settings(elevenlabs_api_key=secret, upstream_url=upstream_url, **values)
