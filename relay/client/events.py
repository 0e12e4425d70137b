"""What the relay says, as types.

The relay's own messages are the protocol's; Scribe's carry three fields more on this protocol, so
their types are here. Messages are added without a new version of the protocol: what isn't known
here becomes `Other` and may be ignored.
"""

from typing import Any, TypeAlias

import msgspec

from relay.errors import InputError
from relay.protocol.messages import (
    AudioAcknowledged,
    AudioGap,
    Failure,
    Moving,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    UpstreamReconnecting,
    UpstreamRestored,
    Warn,
)

__all__ = [
    "AudioAcknowledged",
    "AudioGap",
    "CommittedTranscript",
    "Event",
    "Failure",
    "Moving",
    "Other",
    "PartialTranscript",
    "Reconnecting",
    "SessionEnded",
    "SessionResumed",
    "SessionStarted",
    "TimedTranscript",
    "TimedWord",
    "UpstreamReconnecting",
    "UpstreamRestored",
    "Warn",
    "decode_event",
    "decode_seq",
]


class _Tagged(msgspec.Struct, frozen=True, tag_field="message_type"):
    pass


class PartialTranscript(_Tagged, frozen=True, tag="partial_transcript"):
    """The open segment so far; replaces the previous one."""

    text: str


class TimedWord(msgspec.Struct, frozen=True):
    """A word, the space between two words, or a sound such as laughter."""

    text: str
    start: float | None = None
    """Seconds on the session's timeline."""
    end: float | None = None
    type: str = "word"
    """`word`, `spacing` or `audio_event`."""


class CommittedTranscript(_Tagged, frozen=True, tag="committed_transcript"):
    """The final text of a segment."""

    text: str
    segment: int
    """0, 1, 2 … within the session."""
    end_sample: int
    """All audio before this frame is covered by this segment and the earlier ones."""
    cause: str = "client"
    """Who ended the segment: `client`, `vad` or `relay`."""


class TimedTranscript(_Tagged, frozen=True, tag="committed_transcript_with_timestamps"):
    """A segment's words and language, in addition to its `CommittedTranscript`."""

    text: str
    segment: int
    end_sample: int
    cause: str = "client"
    words: tuple[TimedWord, ...] | None = None
    """`None` when only the language was asked for, or when the words were lost."""
    language_code: str | None = None


class Reconnecting(msgspec.Struct, frozen=True):
    """The connection is gone and is made again; the client's own event, no message of the relay.

    `SessionResumed` follows, or a `SessionStarted` where the former session can't be had back.
    """

    attempt: int
    """From 1, since the last session that was good."""
    delay: float
    """Seconds until it."""
    reason: str
    """Why the connection is gone, for people."""


class Other(msgspec.Struct, frozen=True):
    """A message of a type that this client doesn't know."""

    message_type: str
    fields: dict[str, Any]


_Known: TypeAlias = (
    SessionStarted
    | SessionResumed
    | PartialTranscript
    | CommittedTranscript
    | TimedTranscript
    | AudioAcknowledged
    | AudioGap
    | UpstreamReconnecting
    | UpstreamRestored
    | Moving
    | Warn
    | SessionEnded
)

Event: TypeAlias = (
    SessionStarted
    | SessionResumed
    | PartialTranscript
    | CommittedTranscript
    | TimedTranscript
    | AudioAcknowledged
    | AudioGap
    | UpstreamReconnecting
    | UpstreamRestored
    | Moving
    | Warn
    | SessionEnded
    | Reconnecting
    | Failure
    | Other
)


class _Numbered(msgspec.Struct):
    seq: int = 0


_known_decoder: msgspec.json.Decoder[_Known] = msgspec.json.Decoder(_Known)
_seq_decoder = msgspec.json.Decoder(_Numbered)
_any_decoder = msgspec.json.Decoder(dict[str, Any])


def decode_event(text: str) -> Event:
    """Read one text message of the relay.

    Raises:
        InputError: If it isn't a JSON object with a `message_type`.
    """
    try:
        return _known_decoder.decode(text)
    except msgspec.ValidationError:
        # A later version's message, an error, or a message that only shares a name with ours, as
        # Scribe's own `warning` does.
        return _decode_other(text)
    except msgspec.DecodeError:
        raise InputError("The relay sent a message that is not JSON.") from None


def decode_seq(text: str) -> int:
    """Read the number of a message that `decode_event` could read; 0 where it has none."""
    try:
        return _seq_decoder.decode(text).seq
    except msgspec.ValidationError:
        return 0


def _decode_other(text: str) -> Failure | Other:
    try:
        fields = _any_decoder.decode(text)
        message_type = fields["message_type"]
    except (msgspec.DecodeError, KeyError):
        raise InputError("The relay sent a message without a message_type.") from None
    if "error" not in fields:
        return Other(str(message_type), fields)
    return Failure(
        str(message_type),
        str(fields["error"]),
        retryable=bool(fields.get("retryable", False)),
        retry_after_ms=fields.get("retry_after_ms"),
    )
