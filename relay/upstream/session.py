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
from relay.upstream.history import History
from relay.upstream.ledger import Entry, Ledger
from relay.upstream.leg import Leg
from relay.upstream.recovery import Break, remedy_for

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
    """The session on this socket is over."""

    error: UpstreamError
    reason: str
    """Scribe's type, or a `Break`."""


@dataclass(frozen=True, slots=True)
class SegmentDue:
    """Silence that was put in adds up: the segment has to end before Scribe ends it."""


Event: TypeAlias = Opened | Passed | Final | Complaint | SegmentDue | Failed


class UpstreamSession:
    """Turns the ledger into messages for Scribe, and Scribe's messages into events.

    The caller connects; hands over what arrives by `receive_message` and `connection_lost`; calls
    `tick` about once a second; then fetches `events_received()` and sends `message_to_send()` until
    that gives None, or nothing is left that `has_unsent` knows. Where the pace forbids more for
    now, `resume_at` says when to ask again.
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
        history: History | None = None,
        speed: float = REPLAY_SPEED,
        max_chunk: float = math.inf,
        min_commit: float = MIN_COMMIT,
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
            history: Of the sockets before this one.
            speed: Audio is sent at most this many times faster than real time.
            max_chunk: Seconds of audio in one message at most.
            min_commit: Seconds of uncommitted audio to which a commit is padded.
        """
        self.state = State.OPENING
        self.resume_at: float | None = None
        self._ledger = ledger
        self._history = history or History()
        self._finals = Finals(ledger, self._history, is_timed=is_timed)
        self._extras = Extras(extras)
        self._wire_format = wire_format
        self._rate = wire_format.rate
        self._encoder = ChunkEncoder(wire_format.rate)
        self._opening_deadline = math.inf
        self._commit_timeout = commit_timeout
        self._seconds_at = seconds_at
        self._redact = redact
        self._speed = speed
        self._max_chunk = None if math.isinf(max_chunk) else round(max_chunk * self._rate)
        self._min_commit = round(min_commit * self._rate)
        self._outgoing: deque[bytes] = deque()
        self._is_first_message = True
        self._is_between_segments = True
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
    def wire_format(self) -> WireFormat:
        """What the provider has to expect."""
        return self._wire_format

    @property
    def is_settled(self) -> bool:
        """Whether all there was to say is sent, answered and handed on."""
        is_sent = self._ledger.peek() is None and not self._outgoing
        return is_sent and not self._ledger.unanswered and self.has_answered

    @property
    def has_answered(self) -> bool:
        """Whether all commits that were sent on this socket have all their answers."""
        if self._deadlines:
            return False
        is_over = self.state is State.CLOSED
        return is_over or (self._finals.is_settled and self._extras.is_settled)

    @property
    def is_between_segments(self) -> bool:
        """Whether this socket was sent no audio after its last marker."""
        return self._is_between_segments and not self._outgoing

    @property
    def seconds_sent(self) -> float:
        """Audio sent on this socket, inserted silence included."""
        return self._leg.sent / self._rate

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
                self._receive_error(error_type, self._redact(text))
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
            self._fail(_unavailable("sent a final that can't be read"), Break.UNMATCHED)

    def connection_lost(self, code: int, reason: str = "") -> None:
        """Take notice that the socket is gone; `code` is 1006 where no close frame came."""
        if self.state is State.CLOSED:
            return
        said = f" ({self._redact(reason)})" if reason else ""
        self._fail(_unavailable(f"closed the connection with code {code}{said}"), Break.LOST)

    def give_up(self) -> None:
        """End the session because the last words have not come in time."""
        if self.state is not State.CLOSED:
            self._fail(_unavailable("did not send the last words in time"), Break.UNANSWERED)

    def close(self) -> None:
        """End the session from our side; nothing is sent or received any more."""
        self.state = State.CLOSED

    def tick(self, now: float) -> None:
        """Do what time asks for: keepalive, overdue answers."""
        self._forward(self._finals.expire(now))
        self._extras.expire(now)
        if self.state is State.OPENING and self._opening_deadline <= now:
            self._fail(_unavailable("did not start the session in time"), Break.NOT_STARTED)
        elif self.state is State.OPEN and self._deadlines and self._deadlines[0] <= now:
            self._fail(_unavailable("did not answer in time"), Break.UNANSWERED)

    @property
    def has_unsent(self) -> bool:
        """Whether there is something to send beside what keeps the socket open."""
        return bool(self._outgoing) or self._ledger.has_unsent

    def message_to_send(self, now: float) -> bytes | None:
        """The next message for the provider, as UTF-8 JSON for a text frame."""
        self.resume_at = None
        if self.state is not State.OPEN:
            return None
        if not self._outgoing:
            self._take_next(now)
        return self._outgoing.popleft() if self._outgoing else None

    def keepalive_to_send(self, now: float) -> bytes | None:
        """Like `message_to_send`, on a socket whose turn to get audio hasn't come."""
        if self.state is State.OPEN and not self._outgoing:
            self._keep_alive(now)
        return self._outgoing.popleft() if self._outgoing else None

    def _take_next(self, now: float) -> None:
        entry = self._ledger.peek()
        if entry is None:
            self._keep_alive(now)
        elif self._may_send(now):
            if entry.start < self._ledger.reached:
                self._history.samples_replayed += entry.samples
            self._ledger.advance()
            self._send(entry, now)

    def _send(self, entry: Entry, now: float) -> None:
        payload = entry.payload
        self._leg.send(entry.start, entry.samples)
        self._spend(entry.samples, now)
        if entry.commit is None:
            self._is_between_segments = False
            self._put(payload)
            return
        self._is_between_segments = True
        lacking = self._min_commit - self._uncommitted
        if lacking > 0:
            payload += self._insert(lacking, now)
        self._uncommitted = self._inserted = 0
        backlog = self._ledger.samples / self._rate
        self._deadlines.append(now + self._commit_timeout + backlog / self._speed)
        self._put(payload, commit=True)

    def _put(self, payload: bytes, *, commit: bool = False) -> None:
        """Write messages for a payload, in pieces where Scribe takes no longer ones."""
        if self._max_chunk is None and not self._is_first_message:
            self._outgoing.append(self._encoder.encode(payload, commit=commit))
            return
        size = len(payload)
        if self._max_chunk is not None:
            size = self._max_chunk * self._wire_format.bytes_per_sample
        cuts = range(0, max(1, len(payload)), max(1, size))
        for cut in cuts:
            text = self._history.previous_text if self._is_first_message else None
            self._is_first_message = False
            is_last = cut == cuts[-1]
            self._outgoing.append(
                self._encoder.encode(
                    payload[cut : cut + size], commit=commit and is_last, previous_text=text
                )
            )

    def _keep_alive(self, now: float) -> None:
        assert self._sent_at is not None
        if now - self._sent_at < KEEPALIVE_INTERVAL:
            return
        silence = round(KEEPALIVE_SILENCE * self._rate)
        self._inserted += silence
        if self._inserted >= MAX_KEEPALIVE_SILENCE * self._rate:
            self._events.append(SegmentDue())
        self._put(self._insert(silence, now))

    def _insert(self, samples: int, now: float) -> bytes:
        self._leg.insert(samples)
        self._history.samples_inserted += samples
        self._spend(samples, now)
        return self._wire_format.pack(np.zeros(samples, np.int16))

    def _spend(self, samples: int, now: float) -> None:
        self._history.samples_sent += samples
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
        # The oldest commit in the ledger may be another socket's; only this one's own count here.
        finals = self._finals.receive_plain(message, now) if self._deadlines else None
        if finals is not None:
            self._deadlines.popleft()
            self._history.last_text = message.text.strip() or self._history.last_text
            self._extras.expect(message.text, now)
            self._forward(finals)
        elif message.text:
            # Every commit is ours, so a final out of turn leaves it open what it covers.
            self._fail(_unavailable("ended a segment by itself"), Break.UNMATCHED)

    def _receive_error(self, error_type: str, text: str) -> None:
        remedy = remedy_for(error_type)
        if remedy.goes_on:
            self._events.append(Complaint(text))
        elif remedy.ends:
            self._fail(UpstreamRejected(error_type, text), error_type)
        else:
            self._fail(UpstreamUnavailable(error_type, text, RETRY_AFTER), error_type)

    def _fail(self, error: UpstreamError, reason: str) -> None:
        # What is awaited will not come any more.
        self._forward(self._finals.expire(math.inf))
        self.state = State.CLOSED
        self._events.append(Failed(error, reason))

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
