"""One session with the provider: what to send when, and what its messages mean. No I/O."""

import math
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias, cast

import numpy as np

from relay.audio.pcm import WireFormat
from relay.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable
from relay.scribe.codec import ChunkEncoder
from relay.scribe.errors import ErrorClass
from relay.scribe.messages import (
    CommittedTranscript,
    CommittedTranscriptWithTimestamps,
    ErrorMessage,
    PartialTranscript,
    ServerMessage,
    SessionStarted,
    WarningMessage,
)
from relay.upstream.extras import Extras
from relay.upstream.finals import FINAL, Final, Finals
from relay.upstream.ledger import Entry, Ledger
from relay.upstream.leg import Leg

MIN_COMMIT = 0.3
"""Seconds of uncommitted audio below which Scribe throttles a commit and closes the socket.

Source: captures of the live service.
"""

KEEPALIVE_INTERVAL = 10.0
"""Seconds without a message after which silence is sent. Source: Scribe closes at 15 s."""

KEEPALIVE_SILENCE = 0.1
"""Seconds of silence in a keepalive. Empty chunks are said to do as well, but it isn't proven."""

MAX_KEEPALIVE_SILENCE = 4.0
"""Seconds of keepalive silence in one segment after which it has to end.

With the 30 s that a segment may have and the padding, it stays under the 36 s at which Scribe
commits by itself.
"""

PACE_BURST = 2.0
"""Seconds of audio that may be sent at once. Source: Scribe is silent until it has 2 s."""

REPLAY_SPEED = 4.0
"""How much faster than real time a backlog is worked off. Source: about 4× was seen to work."""

RETRY_AFTER = 2.0
"""Seconds a client is told to wait where the provider names no time of its own."""


class State(Enum):
    """Where a session stands."""

    OPENING = "opening"
    """Until `session_started`: nothing is sent. An open socket is no go signal."""
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Opened:
    """The provider takes audio from now on."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A message of Scribe's to hand on as it is."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Scribe refused one message of ours, and goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The session is over."""

    error: UpstreamError


@dataclass(frozen=True, slots=True)
class SegmentDue:
    """Silence that was put in adds up: the segment has to end before Scribe ends it."""


Event: TypeAlias = Opened | Passed | Final | Complaint | SegmentDue | Failed


class UpstreamSession:
    """Turns the ledger into messages for Scribe, and Scribe's messages into events.

    The caller connects; hands over what arrives by `receive_message` and `connection_lost`; calls
    `tick` about once a second; then fetches `events_received()` and sends `message_to_send()` until
    that gives None. Where the pace forbids more for now, `resume_at` says when to ask again.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        wire_format: WireFormat,
        is_timed: bool,
        extras: Collection[str] = (),
        commit_timeout: float,
        seconds_at: Callable[[float], float],
        redact: Callable[[str], str],
        speed: float = REPLAY_SPEED,
    ) -> None:
        """Begin in `OPENING`.

        Args:
            ledger: The session's audio and markers; this session moves its cursor and takes
                answers to it.
            wire_format: What the provider was asked to expect.
            is_timed: Each final has a timed message.
            extras: Types of further messages that each final has.
            commit_timeout: Seconds within which a commit is answered when there is no backlog.
            seconds_at: Session seconds of a position, for word times.
            redact: Takes secrets out of texts that came from the provider.
            speed: Audio is sent at most this many times faster than real time.
        """
        self.state = State.OPENING
        self.resume_at: float | None = None
        self._ledger = ledger
        self._finals = Finals(ledger, is_timed=is_timed)
        self._extras = Extras(extras)
        self._wire_format = wire_format
        self._rate = wire_format.rate
        self._encoder = ChunkEncoder(wire_format.rate)
        self._opening_deadline = math.inf
        self._commit_timeout = commit_timeout
        self._seconds_at = seconds_at
        self._redact = redact
        self._speed = speed
        self._leg = Leg(self._rate)
        self._uncommitted = 0
        self._inserted = 0
        self._deadlines: deque[float] = deque()
        self._allowance = PACE_BURST * self._rate
        self._refilled_at: float | None = None
        self._sent_at: float | None = None
        self._last_text: str | None = None
        self._events: list[Event] = []

    @property
    def is_settled(self) -> bool:
        """Whether all there was to say is sent, answered and handed on."""
        is_answered = self._ledger.peek() is None and not self._ledger.unanswered
        return is_answered and self._finals.is_settled and self._extras.is_settled

    @property
    def samples_inserted(self) -> int:
        """Silence among them that the relay put in."""
        return self._leg.inserted

    @property
    def samples_sent(self) -> int:
        """Samples sent to the provider, inserted silence included."""
        return self._leg.sent

    def expect_start(self, deadline: float) -> None:
        """Expect `session_started` until then, since a socket is being opened."""
        self._opening_deadline = deadline

    def events_received(self) -> list[Event]:
        """Take the events since the last call, in order."""
        events, self._events = self._events, []
        return events

    def receive_message(self, message: ServerMessage, now: float) -> None:
        """Advance by one message of the provider's."""
        if self.state is State.CLOSED:
            return
        match message:
            case SessionStarted(session_id=session_id):
                self.state = State.OPEN
                self._refilled_at = self._sent_at = now
                self._events.append(Opened(session_id))
            case PartialTranscript(text=text):
                # Scribe may echo a commit's text as one more partial.
                is_echo, self._last_text = text == self._last_text, None
                if not is_echo:
                    self._events.append(Passed(message.fields))
            case CommittedTranscript():
                self._receive_final(message, now)
            case CommittedTranscriptWithTimestamps():
                self._forward(self._finals.receive_timed(message, now))
            case ErrorMessage(error_type=error_type, error=text):
                self._receive_error(message.error_class, error_type, self._redact(text))
            case WarningMessage(warning=text):
                self._events.append(Passed({**message.fields, "warning": self._redact(text)}))
            case _:
                self._extras.receive(str(message.fields["message_type"]))
                self._events.append(Passed(self._moved(message.fields)))

    def receive_malformed(self, message_type: str | None) -> None:
        """Take notice of a message that can't be read.

        The session goes on without it unless it was a final: then nobody could tell any more which
        final answers which commit.
        """
        if self.state is not State.CLOSED and message_type == FINAL:
            self._fail(_unavailable("sent a final that can't be read"))

    def connection_lost(self, code: int, reason: str = "") -> None:
        """Take notice that the socket is gone; `code` is 1006 where no close frame came."""
        if self.state is State.CLOSED:
            return
        said = f" ({self._redact(reason)})" if reason else ""
        self._fail(_unavailable(f"closed the connection with code {code}{said}"))

    def give_up(self) -> None:
        """End the session because the last words have not come in time."""
        if self.state is not State.CLOSED:
            self._fail(_unavailable("did not send the last words in time"))

    def close(self) -> None:
        """End the session from our side; nothing is sent or received any more."""
        self.state = State.CLOSED

    def tick(self, now: float) -> None:
        """Do what time asks for: keepalive, overdue answers."""
        self._forward(self._finals.expire(now))
        self._extras.expire(now)
        if self.state is State.OPENING and self._opening_deadline <= now:
            self._fail(_unavailable("did not start the session in time"))
        elif self.state is State.OPEN and self._deadlines and self._deadlines[0] <= now:
            self._fail(_unavailable("did not answer in time"))

    def message_to_send(self, now: float) -> bytes | None:
        """The next message for the provider, as UTF-8 JSON for a text frame."""
        self.resume_at = None
        if self.state is not State.OPEN:
            return None
        entry = self._ledger.peek()
        if entry is None:
            return self._keepalive(now)
        if not self._may_send(now):
            return None
        self._ledger.advance()
        return self._send(entry, now)

    def _send(self, entry: Entry, now: float) -> bytes:
        payload = entry.payload
        self._leg.send(entry.start, entry.samples)
        self._spend(entry.samples, now)
        if entry.commit is None:
            return self._encoder.encode(payload)
        lacking = round(MIN_COMMIT * self._rate) - self._uncommitted
        if lacking > 0:
            payload += self._insert(lacking, now)
        self._uncommitted = self._inserted = 0
        backlog = self._ledger.samples / self._rate
        self._deadlines.append(now + self._commit_timeout + backlog / self._speed)
        return self._encoder.encode(payload, commit=True)

    def _keepalive(self, now: float) -> bytes | None:
        assert self._sent_at is not None
        if now - self._sent_at < KEEPALIVE_INTERVAL:
            return None
        silence = round(KEEPALIVE_SILENCE * self._rate)
        self._inserted += silence
        if self._inserted >= MAX_KEEPALIVE_SILENCE * self._rate:
            self._events.append(SegmentDue())
        return self._encoder.encode(self._insert(silence, now))

    def _insert(self, samples: int, now: float) -> bytes:
        self._leg.insert(samples)
        self._spend(samples, now)
        return self._wire_format.pack(np.zeros(samples, np.int16))

    def _spend(self, samples: int, now: float) -> None:
        self._uncommitted += samples
        self._allowance -= samples
        self._sent_at = now

    def _may_send(self, now: float) -> bool:
        assert self._refilled_at is not None
        earned = (now - self._refilled_at) * self._speed * self._rate
        self._allowance = min(PACE_BURST * self._rate, self._allowance + earned)
        self._refilled_at = now
        if self._allowance > 0:
            return True
        self.resume_at = now - self._allowance / (self._speed * self._rate) + 0.01
        return False

    def _receive_final(self, message: CommittedTranscript, now: float) -> None:
        self._last_text = message.text or None
        finals = self._finals.receive_plain(message, now)
        if finals is not None:
            self._deadlines.popleft()
            self._extras.expect(message.text, now)
            self._forward(finals)
        elif message.text:
            # Every commit is ours, so a final out of turn leaves it open what it covers.
            self._fail(_unavailable("ended a segment by itself"))

    def _receive_error(self, error_class: ErrorClass, error_type: str, text: str) -> None:
        match error_class:
            case ErrorClass.PER_MESSAGE:
                self._events.append(Complaint(text))
            case ErrorClass.PERMANENT:
                self._fail(UpstreamRejected(error_type, text))
            case _:
                self._fail(UpstreamUnavailable(error_type, text, RETRY_AFTER))

    def _fail(self, error: UpstreamError) -> None:
        # What is awaited will not come any more.
        self._forward(self._finals.expire(math.inf))
        self.state = State.CLOSED
        self._events.append(Failed(error))

    def _forward(self, finals: list[Final]) -> None:
        for final in finals:
            moved = self._moved(final.fields)
            self._events.append(Final(moved, final.commit, final.segment))

    def _moved(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Move a message's word times to the session's timeline; leave all else as it was sent."""
        words = fields.get("words")
        if not isinstance(words, list):
            return fields
        return {**fields, "words": [self._moved_item(word) for word in words]}

    def _moved_item(self, item: object) -> object:
        if not isinstance(item, dict):
            return item  # some of the vendor's types have plain strings as characters
        moved = {
            key: self._moved_time(value) if key in ("start", "end") else value
            for key, value in cast(dict[str, Any], item).items()
        }
        if isinstance(characters := moved.get("characters"), list):
            moved["characters"] = [self._moved_item(character) for character in characters]
        return moved

    def _moved_time(self, seconds: object) -> object:
        if not isinstance(seconds, int | float):
            return seconds
        return round(self._seconds_at(self._leg.position(seconds)), 3)


def _unavailable(what: str) -> UpstreamUnavailable:
    text = f"The speech service {what}. Connect again."
    return UpstreamUnavailable("upstream_unavailable", text, RETRY_AFTER)
