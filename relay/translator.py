"""What happens on the provider's side and at the end, in the client's terms. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from relay.audio.chain import AudioChain
from relay.audio.timeline import Piece
from relay.errors import RelayError
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import (
    AudioGap,
    Failure,
    Moving,
    ScribeEvent,
    ServerMessage,
    SessionEnded,
)
from relay.protocol.refusal import INTERNAL_ERROR, refuse
from relay.upstream.finals import TIMED, Final
from relay.upstream.ledger import Ledger
from relay.upstream.session import Passed


@dataclass(frozen=True)
class Finished:
    """All that came is covered, and the session ends in order."""

    reason: str
    code: CloseCode


@dataclass(frozen=True)
class Refused:
    """The client can't go on."""

    code: CloseCode
    reason: str
    """The error's type, for the gap that it leaves."""
    failure: Failure | None = None
    """What is said at the end; None where the client was told at once."""


@dataclass(frozen=True)
class Moved:
    """This worker is leaving, and another one goes on with the session."""

    after_ms: int
    """For which the client waits before it comes back."""


@dataclass(frozen=True)
class Taken:
    """Another worker has taken the session over."""


@dataclass(frozen=True)
class Fault:
    """A bug of ours; it is in the log."""


Ending: TypeAlias = Finished | Refused | Moved | Taken | Fault | RelayError


class Translator:
    """Turns positions into the client's frames, and counts what the client was told."""

    def __init__(
        self, chain: AudioChain, ledger: Ledger, *, segments: int = 0, words: int = 0
    ) -> None:
        """Speak of the session whose clock `chain` and whose coverage `ledger` keeps.

        Args:
            chain: The client's side.
            ledger: The provider's.
            segments: Told of before this worker owned the session.
            words: In them.
        """
        self.segments = segments
        self.words = words
        self._chain = chain
        self._ledger = ledger

    @property
    def covered(self) -> int:
        """The client's frame before which everything has its final, an empty one perhaps."""
        return self._chain.timeline.frame_at(self._ledger.covered)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Of the session's timeline, which says what positions mean."""
        return self._chain.timeline.pieces

    def translate(self, event: Passed | Final) -> ScribeEvent:
        """Say what Scribe said."""
        match event:
            case Passed({"message_type": "warning", "warning": text} as fields):
                # Ours have a code and a text; Scribe's gets them beside its own field.
                return ScribeEvent({**fields, "code": "upstream", "text": text})
            case Passed(fields):
                return ScribeEvent(fields)
            case _:
                return self._translate_final(event)

    def _translate_final(self, final: Final) -> ScribeEvent:
        if not final.is_timed:
            self.segments += 1
            self.words += len(final.fields["text"].split())
        covers = {
            "segment": final.segment,
            "end_sample": self._chain.timeline.frame_at(final.commit.position),
            "cause": str(final.commit.cause),
        }
        return ScribeEvent({**final.fields, **covers})

    def gap(self, begin: int, end: int, reason: str) -> AudioGap:
        """Say that the positions [begin, end) are covered by nothing."""
        timeline = self._chain.timeline
        return AudioGap(timeline.frame_at(begin), timeline.frame_at(end), reason)

    def seconds_of(self, gap: AudioGap) -> float:
        """How long a gap is."""
        return self.seconds_at(gap.to_sample) - self.seconds_at(gap.from_sample)

    def seconds_at(self, frame: int) -> float:
        """When a frame of the client's begins, in seconds of the session's time."""
        return self._chain.timeline.seconds_of_frame(frame)

    @property
    def received(self) -> int:
        """The client's frames that have arrived."""
        return self._chain.frames_received

    def last_words(self, ending: Ending) -> tuple[list[ServerMessage], CloseCode]:
        """What a client is told at the end, and the close code after it.

        Audio that no final covers is never passed over in silence.
        """
        received = self._chain.frames_received
        messages: list[ServerMessage] = []
        match ending:
            case Finished(reason, code):
                audio_ms = round(self._chain.timeline.seconds_of_frame(received) * 1000)
                return [SessionEnded(reason, audio_ms, self.segments, self.words)], code
            case Refused(code, reason, failure):
                messages = [] if failure is None else [failure]
            case Moved(after_ms):
                # What has no final the client sends again, so nothing is missing.
                return [Moving(after_ms)], CloseCode.RESTARTING
            case Taken():
                return [], CloseCode.TAKEN_OVER
            case Fault():
                return [INTERNAL_ERROR], CloseCode.FAULT
            case _:
                failure, code = refuse(ending)
                messages, reason = [failure], failure.error_type
        if received > self.covered:
            messages.insert(0, AudioGap(self.covered, received, reason))
        return messages, code


def untimed(events: Iterable[str]) -> list[Mapping[str, Any]]:
    """Make up the timed messages that a worker owed when it lost a session: `words` are null.

    Args:
        events: Committed events and gaps as they were sent, in order.
    """
    plain: dict[int, Mapping[str, Any]] = {}
    for event in map(msgspec.json.decode, events):
        if event["message_type"] == TIMED:
            plain.pop(event["segment"], None)
        elif "segment" in event:
            plain[event["segment"]] = event
    made_up = {"message_type": TIMED, "language_code": None, "words": None}
    return [
        {**made_up, **{name: event[name] for name in ("text", "segment", "end_sample", "cause")}}
        for event in plain.values()
    ]
