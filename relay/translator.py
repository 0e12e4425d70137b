"""What happens on the provider's side and at the end, in the client's terms. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

from relay.audio.chain import AudioChain
from relay.errors import RelayError
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import (
    AudioAcknowledged,
    AudioGap,
    ScribeEvent,
    ServerMessage,
    SessionEnded,
)
from relay.protocol.refusal import INTERNAL_ERROR, refuse
from relay.upstream.finals import Final
from relay.upstream.session import Passed


@dataclass(frozen=True)
class Finished:
    """All that came is covered, and the session ends in order."""

    reason: str
    code: CloseCode


@dataclass(frozen=True)
class Refused:
    """The client can't go on, and was told why."""

    code: CloseCode


@dataclass(frozen=True)
class Left:
    """The client's connection ended before the session did."""

    code: int


@dataclass(frozen=True)
class Fault:
    """A bug of ours; it is in the log."""


Ending: TypeAlias = Finished | Refused | Left | Fault | RelayError


class Translator:
    """Turns positions into the client's frames, and counts what the client was told."""

    def __init__(self, chain: AudioChain) -> None:
        """Speak of the session whose clock `chain` keeps."""
        self.segments = 0
        self.words = 0
        self._chain = chain
        self._acknowledged = 0
        self._covered = 0

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
        self._covered = self._chain.timeline.frame_at(final.commit.position)
        if not final.is_timed:
            self.segments += 1
            self.words += len(final.fields["text"].split())
        covers = {
            "segment": final.segment,
            "end_sample": self._covered,
            "cause": str(final.commit.cause),
        }
        return ScribeEvent({**final.fields, **covers})

    def acknowledge(self) -> AudioAcknowledged | None:
        """Say how much has arrived, if that is news."""
        received = self._chain.frames_received
        if received == self._acknowledged:
            return None
        self._acknowledged = received
        return AudioAcknowledged(received)

    def last_words(self, ending: Ending) -> tuple[list[ServerMessage], CloseCode]:
        """What a client is told at the end, and the close code after it.

        Audio that no final covers is never passed over in silence.
        """
        received = self._chain.frames_received
        match ending:
            case Finished(reason, code):
                audio_ms = round(self._chain.timeline.seconds_of_frame(received) * 1000)
                return [SessionEnded(reason, audio_ms, self.segments, self.words)], code
            case Refused(code):
                return [], code
            case RelayError():
                failure, code = refuse(ending)
            case _:
                failure, code = INTERNAL_ERROR, CloseCode.FAULT
        if received == self._covered:
            return [failure], code
        return [AudioGap(self._covered, received, failure.error_type), failure], code
