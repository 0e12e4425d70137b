"""Settings for tests, which read nothing from outside."""

from typing import Any

from pydantic import SecretStr

from relay.settings import Settings

KEY = "xi-test-key-0123456789"
"""The provider's key that the simulator of the tests accepts."""


def settings_for(upstream_url: str, *, key: str | None = KEY, **values: Any) -> Settings:
    """Settings of a relay on a free port, with its upstream at `upstream_url`."""
    values = {"port": 0, **values}
    secret = None if key is None else SecretStr(key)
    return Settings(elevenlabs_api_key=secret, upstream_url=upstream_url, **values)
