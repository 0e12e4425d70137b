"""The way to the provider."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal

from pydantic import ValidationInfo, field_validator

from relay.settings.layered import Layered, setting
from relay.settings.secret import Secret
from relay.settings.values import parse_upstream_url

KIB = 1024

REGION_URLS: Mapping[str, str] = MappingProxyType(
    {
        "default": "wss://api.elevenlabs.io",
        "us": "wss://api.us.elevenlabs.io",
        "eu": "wss://api.eu.residency.elevenlabs.io",
        "in": "wss://api.in.residency.elevenlabs.io",
        "sg": "wss://api.sg.residency.elevenlabs.io",
    }
)
"""The provider's hosts by region.

Source: the vendor's API reference for realtime speech to text (autumn 2026).
"""


class ProviderSettings(Layered, frozen=True):
    """Where the provider is, and what opens sessions there."""

    secrets: ClassVar[frozenset[str]] = frozenset({"elevenlabs_api_key"})

    elevenlabs_api_key: Secret | None = setting(
        None,
        "Provider",
        "The key that opens sessions at ElevenLabs. It never leaves the server.",
    )
    upstream_region: Literal["default", "us", "eu", "in", "sg"] = setting(
        "default",
        "Provider",
        "Which of the provider's hosts to use; isolated regions need a key that belongs to them.",
    )
    upstream_allow_plaintext: bool = setting(
        False,
        "Provider",
        "Allow `ws://` in `RELAY_UPSTREAM_URL` for other hosts than this one; the key then "
        "crosses the network unencrypted.",
    )
    upstream_url: str | None = setting(
        None,
        "Provider",
        "Base URL to use instead of the region's host, such as that of the simulator: "
        "`wss://host[:port]`, or `ws://` to this machine.",
    )
    upstream_ca_file: Path | None = setting(
        None,
        "Provider",
        "PEM file of the certificate authority that signed the provider's certificate, where it "
        "is a private one.",
    )
    upstream_connect_timeout: float = setting(
        10.0,
        "Provider",
        "How long one attempt to open a session at the provider may take.",
        unit="s",
        ge=0.1,
        le=120,
    )
    upstream_outage_limit: float = setting(
        600.0,
        "Provider",
        "How long a session tries to reach the provider again before it ends. Meanwhile it keeps "
        "what `RELAY_LEDGER_SECONDS` allows, and then reads the client no further.",
        unit="s",
        gt=0,
        le=86_400,
    )
    upstream_session_limit: float = setting(
        450.0,
        "Provider",
        "How much audio is sent on one of the provider's sockets before the next one takes over, "
        "where a segment ends; 0 for no limit. The provider ends sessions after a time that "
        "depends on the plan.",
        unit="s",
        ge=0,
        le=86_400,
    )
    quiet_seconds: float = setting(
        60.0,
        "Provider",
        "How long a session may be quiet, muted or without speech (the latter with voice activity "
        "only), before its place at the provider is given back until there is something to say "
        "again; 0 for as long as it likes.",
        unit="s",
        ge=0,
        le=86_400,
    )
    upstream_write_bytes: int = setting(
        1024 * KIB,
        "Provider",
        "Audio waiting to be written to one provider socket before its session pauses.",
        unit="bytes",
        ge=64 * KIB,
        le=64 * 1024 * KIB,
    )

    @property
    def upstream_base_url(self) -> str:
        """`scheme://host[:port]` of the provider; the path is the caller's."""
        return self.upstream_url or REGION_URLS[self.upstream_region]

    @field_validator("upstream_url")
    @classmethod
    def _check_upstream_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is None:
            return None
        # The switch stands above the URL in the model, so it is checked by now, if it is valid.
        plaintext_allowed = info.data.get("upstream_allow_plaintext", False)
        return parse_upstream_url(url, plaintext_allowed=plaintext_allowed)

    @field_validator("upstream_ca_file")
    @classmethod
    def _check_ca_file(cls, path: Path | None) -> Path | None:
        if path is None:
            return None
        try:
            ssl.create_default_context(cafile=path)
        except ssl.SSLError:
            raise ValueError(f"'{path}' holds no certificate in PEM form; name one") from None
        except OSError as error:
            raise ValueError(
                f"'{path}' can't be read: {error.strerror}; name a readable PEM file"
            ) from None
        return path
