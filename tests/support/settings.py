"""Settings for tests, which read nothing from outside."""

from typing import Any

from pydantic import SecretStr

from relay.settings import Settings

KEY = "xi-test-key-0123456789"
"""The provider's key that the simulator of the tests accepts."""

PROXY = {"trusted_proxies": "127.0.0.1", "proxy_secret": "a-secret-of-the-proxy"}
"""Settings with which a request that brings `PROOF` comes from a trusted proxy."""

PROOF = {"X-Relay-Proxy-Secret": "a-secret-of-the-proxy"}

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
