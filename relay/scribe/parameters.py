"""Every query parameter of a session: name, default, bounds, conflicts.

`token` isn't one of them: it is a credential, and is dealt with where the request is.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self, TypeAlias, TypeVar

from relay.scribe.kinds import Boolean, Choice, Integer, Kind, Number, Text, TextList

T = TypeVar("T")

DEFAULT_MODEL: Final = "scribe_v2_realtime"
TURN_MODEL: Final = "scribe_v3_live"
"""The only known model that predicts turns."""
MODELS: Final = (
    DEFAULT_MODEL,
    "scribe_v2_realtime_turbo",
    "scribe_v2_realtime_lite",
    TURN_MODEL,
)
"""Ids that were seen to work, or that the server or the vendor's types list (autumn 2026)."""


class AudioFormat(StrEnum):
    """How the bytes of a chunk are to be read: raw mono, little endian."""

    PCM_8000 = "pcm_8000"
    PCM_16000 = "pcm_16000"
    PCM_22050 = "pcm_22050"
    PCM_24000 = "pcm_24000"
    PCM_44100 = "pcm_44100"
    PCM_48000 = "pcm_48000"
    ULAW_8000 = "ulaw_8000"

    @property
    def rate(self) -> int:
        """Samples per second."""
        return int(self.rpartition("_")[2])

    @property
    def bytes_per_sample(self) -> int:
        return 1 if self is AudioFormat.ULAW_8000 else 2


class CommitStrategy(StrEnum):
    """Who ends a segment."""

    MANUAL = "manual"
    VAD = "vad"
    TURN_PREDICTION = "turn_prediction"
    """In the vendor's newest types; only for a model that predicts turns."""


@dataclass(frozen=True)
class Parameter:
    """One row of the table."""

    name: str
    kind: Kind
    default: Any
    help: str
    surcharge: str | None = None
    """What setting it costs extra, as the price list said; `None` if nothing."""


@dataclass(frozen=True)
class InvalidParameters(ValueError):
    """Raised when parameters can't be used; holds every fault, not the first one."""

    faults: tuple[tuple[str, str], ...]
    """Name of the parameter, and what about it is wrong; the text starts with a verb."""

    def __str__(self) -> str:
        return "; ".join(f"{name} {text}" for name, text in self.faults)


def _row(kind: Kind, default: T, meaning: str, *, surcharge: str | None = None) -> T:
    """Declare a parameter where its attribute is, so that neither can be without the other."""
    row = {"kind": kind, "help": meaning, "surcharge": surcharge}
    return field(default=default, metadata=row)


_LANGUAGE: Final = Text(3, "[A-Za-z]{2,3}", "an ISO 639-1 or 639-3 code without a region, as `en`")
_ENTITY: Final = Text(
    64, "[a-z][a-z0-9_]*", "`all`, a category (`pii`, `phi`, `pci`, `other`, …) or an entity type"
)
_ENTITIES: Final = TextList(_ENTITY)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The configuration of one session; it can't change later.

    An instance is always valid: building one, `replace` and `parse` raise `InvalidParameters`.

    *Source* of names, bounds and defaults: the vendor's API reference; of conflicts: its errors as
    published by third parties (autumn 2026).
    """

    model_id: str = _row(Choice(MODELS), DEFAULT_MODEL, "Which model transcribes.")
    audio_format: AudioFormat = _row(  # noqa: RUF009  # `_row` is `field` with a table row
        Choice(tuple(AudioFormat)),
        AudioFormat.PCM_16000,
        "Raw mono audio: PCM is signed 16 bit little endian, µ-law 8 bit.",
    )
    language_code: str | None = _row(
        _LANGUAGE, None, "Forces the language; without it, it is detected."
    )
    secondary_languages: tuple[str, ...] = _row(
        TextList(_LANGUAGE), (), "Narrows detection to these languages."
    )
    commit_strategy: CommitStrategy = _row(  # noqa: RUF009  # as above
        Choice(tuple(CommitStrategy)),
        CommitStrategy.MANUAL,
        f"Who ends a segment; `turn_prediction` only with `{TURN_MODEL}`.",
    )
    vad_silence_threshold_secs: float = _row(
        Number(0.3, 3.0), 1.5, "With `vad`: seconds of silence after speech that commit."
    )
    vad_threshold: float = _row(
        Number(0.1, 0.9), 0.4, "With `vad`: how sure of speech the detector must be."
    )
    min_speech_duration_ms: int = _row(
        Integer(50, 2000), 100, "With `vad`: shorter speech is ignored."
    )
    min_silence_duration_ms: int = _row(
        Integer(50, 2000), 100, "With `vad`: shorter gaps are not silence."
    )
    include_timestamps: bool = _row(
        Boolean(), False, "Adds a message with word times after each commit."
    )
    include_language_detection: bool = _row(
        Boolean(), False, "Adds the language to that message, and by itself causes it."
    )
    keyterms: tuple[str, ...] = _row(
        TextList(Text(20), max_items=50), (), "Words to expect.", surcharge="20 %"
    )
    no_verbatim: bool = _row(Boolean(), False, "Drops fillers and false starts.")
    entity_detection: tuple[str, ...] = _row(
        _ENTITIES, (), "Adds a message with the entities.", surcharge="$0.07/h or 30 %"
    )
    entity_redaction: tuple[str, ...] = _row(
        _ENTITIES,
        (),
        "Adds a redacted text; not with `transcript_edit`.",
        surcharge="as `entity_detection`",
    )
    entity_redaction_mode: str = _row(
        Choice(("redacted", "entity_type", "enumerated_entity_type")),
        "enumerated_entity_type",
        "What stands in place of an entity; only with `entity_redaction`.",
    )
    transcript_edit: str | None = _row(
        Text(2000),
        None,
        "An instruction applied to each commit; not with the entity options.",
        surcharge="30 %, at least 10 s per commit",
    )
    filter_background_audio: bool = _row(
        Boolean(), False, "Suppresses far speech and noise; not with `include_timestamps`."
    )
    keepalive_interval_ms: int | None = _row(
        Integer(500, 10_000), None, "How often a partial is sent again while audio flows."
    )
    enable_logging: bool = _row(
        Boolean(), True, "`false` asks for zero retention, which needs an enterprise account."
    )
    diarize: bool = _row(Boolean(), False, "Tells speakers apart; support by model is unpublished.")

    unknown: tuple[tuple[str, str], ...] = ()
    """Pairs that are no parameters, as they came; `parse` keeps them if allowed."""

    def __post_init__(self) -> None:
        values, faults = _validate({name: getattr(self, name) for name in PARAMETERS})
        if faults:
            raise InvalidParameters(tuple(faults))
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]], *, allow_unknown: bool = False) -> Self:
        """Read decoded query pairs; a list is a parameter given several times.

        Args:
            pairs: Names and values, in any order, without `token`.
            allow_unknown: Keep unknown pairs in `unknown`, as Scribe ignores them, instead of
                refusing them.

        Raises:
            InvalidParameters: With every fault at once, unknown names included.
        """
        texts: dict[str, list[str]] = {}
        unknown: list[tuple[str, str]] = []
        for name, text in pairs:
            if name in PARAMETERS:
                texts.setdefault(name, []).append(text)
            else:
                unknown.append((name, text))
        read, faults = _each(texts, lambda parameter, several: parameter.kind.read(several))
        values, more_faults = _validate(read)
        faults += more_faults
        if not allow_unknown:
            faults += [(name, "is not a parameter") for name in dict(unknown)]
        if faults:
            raise InvalidParameters(tuple(faults))
        return cls(**values, unknown=tuple(unknown))

    def replace(self, **changes: Any) -> Self:
        """Copy with some values changed.

        Raises:
            InvalidParameters: If the result isn't valid.
        """
        return dataclasses.replace(self, **changes)

    def to_query(self) -> list[tuple[str, str]]:
        """Write what differs from the defaults, and the three that official SDKs always send."""
        return [
            (name, text)
            for name, parameter in PARAMETERS.items()
            if name in _ALWAYS_SENT or getattr(self, name) != parameter.default
            for text in parameter.kind.write(getattr(self, name))
        ]

    def surcharges(self) -> frozenset[str]:
        """Name the options that are set and cost extra."""
        return frozenset(
            name
            for name, parameter in PARAMETERS.items()
            if parameter.surcharge and getattr(self, name)
        )

    @property
    def wants_timed_message(self) -> bool:
        """Whether each commit is followed by `committed_transcript_with_timestamps`."""
        return self.include_timestamps or self.include_language_detection

    @property
    def extra_messages(self) -> frozenset[str]:
        """Types of the messages that follow each final with text, beside the timed one."""
        return frozenset(kind for name, kind in _EXTRAS.items() if getattr(self, name))

    def config_echo(self) -> dict[str, Any]:
        """Write what `session_started` tells of the configuration.

        Where the live service and the vendor's types name a key differently, both are there.
        """
        return {
            "sample_rate": self.audio_format.rate,
            "audio_format": str(self.audio_format),
            "language_code": self.language_code,
            "secondary_languages": list(self.secondary_languages),
            "commit_strategy": str(self.commit_strategy),
            "vad_commit_strategy": self.commit_strategy is CommitStrategy.VAD,
            "vad_silence_threshold_secs": self.vad_silence_threshold_secs,
            "vad_threshold": self.vad_threshold,
            "min_speech_duration_ms": self.min_speech_duration_ms,
            "min_silence_duration_ms": self.min_silence_duration_ms,
            "model_id": self.model_id,
            "timestamps_granularity": "word",
            "max_tokens_to_recompute": 5,
            "enable_logging": self.enable_logging,
            "disable_logging": not self.enable_logging,
            "include_timestamps": self.include_timestamps,
            "include_language_detection": self.include_language_detection,
            "filter_background_audio": self.filter_background_audio,
            "no_verbatim": self.no_verbatim,
            "keyterms": list(self.keyterms),
            "entity_detection": list(self.entity_detection) or None,
            "keepalive_interval_ms": self.keepalive_interval_ms,
        }


PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        row.name: Parameter(row.name, default=row.default, **row.metadata)
        for row in dataclasses.fields(Parameters)
        if row.metadata
    }
)
"""The table, in the vendor's order."""

_EXTRAS: Final = {
    "entity_detection": "committed_transcript_entities",
    "entity_redaction": "redacted_transcript",
    "transcript_edit": "edited_transcript",
}

_ALWAYS_SENT: Final = frozenset({"model_id", "audio_format", "commit_strategy"})

_Faults: TypeAlias = list[tuple[str, str]]


def _each(
    given: Mapping[str, T], convert: Callable[[Parameter, T], Any]
) -> tuple[dict[str, Any], _Faults]:
    """Convert each value; those that fail are left out and told of."""
    values: dict[str, Any] = {}
    faults: _Faults = []
    for name, value in given.items():
        try:
            values[name] = convert(PARAMETERS[name], value)
        except ValueError as error:
            faults.append((name, str(error)))
    return values, faults


def _validate(given: Mapping[str, Any]) -> tuple[dict[str, Any], _Faults]:
    """Check each value, and then how they go together."""
    values, faults = _each(
        given,
        lambda parameter, value: (
            value if value is parameter.default else parameter.kind.validate(value)
        ),
    )
    return values, faults + list(_conflicts(values))


def _conflicts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find what can't be combined; a value that isn't given is the default."""
    effective = {name: row.default for name, row in PARAMETERS.items()} | dict(values)
    for entities in ("entity_detection", "entity_redaction"):
        if effective[entities] and effective["transcript_edit"]:
            yield entities, "can't be combined with transcript_edit"
    mode = PARAMETERS["entity_redaction_mode"]
    if effective[mode.name] != mode.default and not effective["entity_redaction"]:
        yield mode.name, "needs entity_redaction"
    if effective["filter_background_audio"] and effective["include_timestamps"]:
        yield "filter_background_audio", "can't be combined with include_timestamps"
    predicts = effective["commit_strategy"] == CommitStrategy.TURN_PREDICTION
    if predicts and effective["model_id"] != TURN_MODEL:
        yield "commit_strategy", f"can be turn_prediction only with model_id {TURN_MODEL}"
