"""Every setting: its name, unit, default, range and meaning.

A field's variable is `RELAY_` and the field's name in capitals, but for the provider's key.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from relay.scribe.parameters import Parameters
from relay.settings.layered import Layered, setting
from relay.settings.options import parse_capped_options, parse_pinned_options
from relay.settings.values import (
    parse_host_name,
    parse_listen_host,
    parse_origin,
    parse_secret,
    parse_upstream_url,
    split_commas,
)

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

KIB = 1024

HostName: TypeAlias = Annotated[str, AfterValidator(parse_host_name)]
Origin: TypeAlias = Annotated[str, AfterValidator(parse_origin)]
PinnedOptions: TypeAlias = Annotated[
    tuple[tuple[str, str], ...], BeforeValidator(parse_pinned_options)
]
CappedOptions: TypeAlias = Annotated[dict[str, float], BeforeValidator(parse_capped_options)]
Surcharge: TypeAlias = Literal[
    "keyterms", "entity_detection", "entity_redaction", "transcript_edit"
]
AudioFormat: TypeAlias = Literal[
    "pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "ulaw_8000"
]


def _clean_secret(value: object) -> object:
    return parse_secret(value) if isinstance(value, str) else value


def _not_empty(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("it names no host, so every request would be refused; name one")
    return names


Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(_clean_secret)]


class Settings(Layered, frozen=True):
    """What the relay does, fixed at its start."""

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
    upstream_write_bytes: int = setting(
        1024 * KIB,
        "Provider",
        "Audio waiting to be written to one provider socket before its session pauses.",
        unit="bytes",
        ge=64 * KIB,
        le=64 * 1024 * KIB,
    )

    host: Annotated[str, AfterValidator(parse_listen_host)] = setting(
        "127.0.0.1",
        "Listening",
        "Address to listen on. Loopback addresses alone are accepted, because the relay has no "
        "sign-in yet.",
    )
    port: int = setting(
        8000,
        "Listening",
        "TCP port to listen on; 0 takes a free one.",
        ge=0,
        le=65535,
    )
    allowed_hosts: Annotated[
        tuple[HostName, ...], BeforeValidator(split_commas), AfterValidator(_not_empty)
    ] = setting(
        ("localhost", "127.0.0.1", "[::1]"),
        "Listening",
        "Names in the `Host` header that requests may use, without port, separated by commas; "
        "others are refused, which stops DNS rebinding.",
    )
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(split_commas)] = setting(
        (),
        "Listening",
        "Origins of web pages, separated by commas, that may open sessions besides the relay's "
        "own, such as `https://app.example.org`.",
    )

    upstream_audio_format: AudioFormat = setting(
        "pcm_16000",
        "Audio",
        "What the provider receives; its own advice is `pcm_16000`.",
    )
    resampler_quality: Literal["quick", "low", "medium", "high", "very_high"] = setting(
        "high",
        "Audio",
        "Quality of the sample rate conversion (soxr); `high` keeps 16 bits.",
    )
    chunk_ms: int = setting(
        100,
        "Audio",
        "Audio collected into one message to the provider. Shorter costs more processor time, "
        "longer adds delay.",
        unit="ms",
        ge=20,
        le=1000,
    )

    allowed_surcharges: Annotated[frozenset[Surcharge], BeforeValidator(split_commas)] = setting(
        frozenset(),
        "Sessions",
        "Options with a surcharge that sessions may use, separated by commas.",
    )
    pinned_options: PinnedOptions = setting(
        (),
        "Sessions",
        "Options that every session gets, whatever it asks for, as a query string: "
        "`language_code=en&no_verbatim=true`.",
    )
    capped_options: CappedOptions = setting(
        {},
        "Sessions",
        "Highest value of a number, or greatest length of a list, that a session is granted, as a "
        "query string: `keyterms=10&vad_silence_threshold_secs=2`.",
    )
    max_sessions: int = setting(
        400,
        "Sessions",
        "Live sessions in one worker; further ones are refused.",
        ge=1,
        le=100_000,
    )
    message_bytes: int = setting(
        256 * KIB,
        "Sessions",
        "Longest message that a client may send.",
        unit="bytes",
        ge=4 * KIB,
        le=1024 * KIB,
    )
    ledger_seconds: float = setting(
        60.0,
        "Sessions",
        "Audio that a session keeps until its commit is answered; once it is full, reading from "
        "the client pauses. At 16 kHz each second takes 32 kB.",
        unit="s",
        ge=40,
        le=600,
    )
    outbox_bytes: int = setting(
        256 * KIB,
        "Sessions",
        "Events that wait for a slow client; past this its connection is closed.",
        unit="bytes",
        ge=16 * KIB,
        le=64 * 1024 * KIB,
    )
    idle_timeout: float = setting(
        900.0,
        "Sessions",
        "How long a client may send nothing before its connection is closed with 4408.",
        unit="s",
        ge=0.1,
        le=86_400,
    )
    commit_timeout: float = setting(
        5.0,
        "Sessions",
        "How long a commit may stay unanswered; a backlog of audio adds a quarter of its length.",
        unit="s",
        ge=0.1,
        le=120,
    )
    stop_timeout: float = setting(
        10.0,
        "Sessions",
        "How long to wait for the last words after `stop`; a backlog of audio adds to it.",
        unit="s",
        ge=0.1,
        le=600,
    )

    log_level: Literal["debug", "info", "warning", "error", "critical"] = setting(
        "info",
        "Logs",
        "Least severe message that is logged.",
    )
    log_format: Literal["auto", "json", "console"] = setting(
        "auto",
        "Logs",
        "`json` writes one object a line, `console` is for reading; `auto` is `console` on a "
        "terminal, else `json`.",
    )

    @classmethod
    def variable_of(cls, field_name: str) -> str:
        """Name the environment variable of a field."""
        if field_name == "elevenlabs_api_key":
            return "ELEVENLABS_API_KEY"
        return super().variable_of(field_name)

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

    @field_validator("pinned_options")
    @classmethod
    def _check_pinned_options(
        cls, pairs: tuple[tuple[str, str], ...], info: ValidationInfo
    ) -> tuple[tuple[str, str], ...]:
        allowed = info.data.get("allowed_surcharges", frozenset())
        if refused := sorted(Parameters.parse(pairs).surcharges() - allowed):
            raise ValueError(
                f"{', '.join(refused)} costs extra, so every session would be refused; "
                "name it in RELAY_ALLOWED_SURCHARGES as well"
            )
        return pairs

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


class ClientSettings(Layered, frozen=True):
    """What `scribe-relay transcribe` and `scribe-relay doctor` need to use a running relay."""

    secrets: ClassVar[frozenset[str]] = frozenset({"key"})

    key: Secret | None = setting(
        None,
        "Client",
        "Key that `transcribe` and `doctor` show to the relay that `--url` names.",
    )


def known_variables() -> set[str]:
    """Name every variable that this program reads."""
    return Settings.variables() | ClientSettings.variables()
