"""The messages of `/v1/stream`, as types.

Binary messages from the client are audio and nothing else; everything here travels as JSON text
with `message_type` as the discriminator. What Scribe itself says is passed on as `ScribeEvent`,
with the fields that Scribe sent.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

SUBPROTOCOL = "scribe-relay.v1"
"""Offered by clients, answered by the relay; secrets travel as further values beside it."""

MAX_MESSAGE_BYTES = 256 * 1024
"""The longest message a client may send: 1.4 s of 48 kHz float32, or 28 usual ones of 50 ms."""

MIN_SAMPLE_RATE_HZ = 8_000
MAX_SAMPLE_RATE_HZ = 192_000


class _Tagged(msgspec.Struct, frozen=True, tag_field="message_type"):
    pass


class Format(_Tagged, frozen=True, tag="format"):
    """The next binary message has this rate: a device was changed."""

    sample_rate: int


class Commit(_Tagged, frozen=True, tag="commit"):
    """End the segment here."""


class Stop(_Tagged, frozen=True, tag="stop"):
    """No more audio: finish, say the last words, close."""


class Mute(_Tagged, frozen=True, tag="mute"):
    """End the segment here; no audio will come for a while."""


class Unmute(_Tagged, frozen=True, tag="unmute"):
    """Audio comes again."""


ClientMessage: TypeAlias = Format | Commit | Stop | Mute | Unmute


class SessionLimits(msgspec.Struct, frozen=True):
    """What a session may use."""

    minutes_left: float | None = None
    """Of audio, of the account's day (UTC); None for no limit."""
    max_session_seconds: float | None = None
    """Wall clock time after which the session is ended, in order."""


class SessionStarted(_Tagged, frozen=True, tag="session_started"):
    """The session is admitted; `config` is what was granted, which may differ from the request."""

    session_id: str
    config: dict[str, Any]
    limits: SessionLimits = SessionLimits()
    resume_token: str | None = None
    """A secret that goes on with this session from any connection; None where none can."""
    recorded: bool | msgspec.UnsetType = msgspec.UNSET
    """True where its audio is kept; else it isn't said."""


class SessionResumed(_Tagged, frozen=True, tag="session_resumed"):
    """The client has its session back, and sends from `next_sample` on.

    Events that it lacks follow first, under the numbers that they had.
    """

    next_sample: int
    """The first of its frames that the relay needs."""
    last_seq: int
    """The greatest number under which anything was sent before this message."""


class Queued(_Tagged, frozen=True, tag="queued"):
    """The session waits for one of the provider's places; audio is taken meanwhile."""

    position: int
    """From 1."""
    estimated_wait_ms: int | None
    """None where nothing is known to guess from."""


class UpstreamReconnecting(_Tagged, frozen=True, tag="upstream_reconnecting"):
    """The provider's side broke; audio is kept meanwhile."""

    attempt: int
    """From 1."""
    retry_in_ms: int
    reason: str


class UpstreamRestored(_Tagged, frozen=True, tag="upstream_restored"):
    """The provider takes audio again."""

    replayed_ms: int
    """Audio that it is sent once more."""


class ScribeEvent(msgspec.Struct, frozen=True):
    """One of Scribe's own events: the fields Scribe sent, times on the session's timeline.

    Committed ones also hold `segment`, `end_sample` and `cause`.
    """

    fields: Mapping[str, Any]


class AudioAcknowledged(_Tagged, frozen=True, tag="audio_acknowledged"):
    """How much has arrived and how much is settled: frames since the session's first."""

    samples_received: int
    samples_covered: int = 0
    """All audio before it has its final: in the events so far, or nothing was said in it."""


class AudioGap(_Tagged, frozen=True, tag="audio_gap"):
    """The stretch [from_sample, to_sample) is not covered by any committed event."""

    from_sample: int
    to_sample: int
    reason: str


class Warn(_Tagged, frozen=True, tag="warning"):
    """Something is odd, and the session goes on."""

    code: str
    text: str


class Moving(_Tagged, frozen=True, tag="moving"):
    """This worker is leaving: connect again, and resume."""

    after_ms: int
    """To wait before that, so that not all come at once."""


class SessionEnded(_Tagged, frozen=True, tag="session_ended"):
    """The last message of a session that ended in order."""

    reason: str
    audio_ms: int
    segments: int
    words: int


class Failure(msgspec.Struct, frozen=True):
    """An error; its type is the `message_type`, as Scribe does it."""

    error_type: str
    error: str
    retryable: bool
    retry_after_ms: int | None = None


ServerMessage: TypeAlias = (
    SessionStarted
    | SessionResumed
    | Queued
    | UpstreamReconnecting
    | UpstreamRestored
    | ScribeEvent
    | AudioAcknowledged
    | AudioGap
    | Warn
    | Moving
    | SessionEnded
    | Failure
)
