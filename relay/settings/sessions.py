"""What a session is like: its audio, its options, its bounds."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, ValidationInfo, field_validator

from relay.scribe.parameters import Parameters
from relay.settings.layered import Layered, setting
from relay.settings.options import parse_capped_options, parse_pinned_options
from relay.settings.values import split_commas

KIB = 1024

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


class SessionSettings(Layered, frozen=True):
    """The same for every session of this relay."""

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
        "the client pauses. At 16 kHz each second takes 32 kB; for a client of Scribe's that sends "
        "48 kHz, 96 kB.",
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
    park_seconds: float = setting(
        30.0,
        "Sessions",
        "How long a session waits for a client whose connection broke; 0: not at all.",
        unit="s",
        ge=0,
        le=600,
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
