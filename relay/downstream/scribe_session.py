"""What the messages of a client of Scribe's mean. No I/O.

The same session as the native one, in another dialect: this module says what `session` says.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, NoReturn

from msgspec.structs import replace

from relay.audio.pcm import WireFormat
from relay.downstream.dialect import CommittedAudio, Input, IntroducedAudio
from relay.downstream.outbox import Letter, Outbox
from relay.downstream.scribe_wording import Wording
from relay.downstream.session import put
from relay.errors import InputError, MessageTooBig, StateError
from relay.protocol.messages import (
    MAX_MESSAGE_BYTES,
    AudioGap,
    Commit,
    Failure,
    ScribeEvent,
    ServerMessage,
    Stop,
)
from relay.scribe.codec import MalformedMessage, decode_client_message
from relay.scribe.errors import ErrorType
from relay.scribe.messages import CommittedTranscript, InputAudioChunk


class _Closing(str):
    __slots__ = ()


CLOSING: Final = _Closing()
"""Stands, among a client's messages, for its close frame, as long as that isn't answered.

Official SDKs close right after the last commit: its final has to come before the close is answered.
"""


class ScribeSession:
    """A client's side of one session: reads `input_audio_chunk`s, fills its outbox."""

    def __init__(
        self,
        outbox: Outbox,
        wording: Wording,
        audio_format: WireFormat,
        *,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        first_seq: int = 0,
    ) -> None:
        """Begin.

        Args:
            outbox: Takes what is sent.
            wording: Of the client's connection.
            audio_format: What the client sends.
            max_message_bytes: Longest message of the client, in JSON.
            first_seq: Number of the first message; it isn't sent.
        """
        self._outbox = outbox
        self._wording = wording
        self._format = audio_format
        self._max_message_bytes = max_message_bytes
        self._seq = first_seq
        self._has_ended = False
        self._has_begun = False
        self._is_oversized = False
        self._samples = 0
        self._commits: deque[int] = deque()

    def receive_message(self, message: bytes | str) -> Input:
        """Take in one WebSocket message, or `CLOSING`.

        Raises:
            InputError: If this message can't be used; the session goes on without it.
            MessageTooBig: If it is longer than `max_message_bytes`.
        """
        if self._has_ended:
            return None
        if message is CLOSING:
            self._has_ended = True
            return Stop()
        if isinstance(message, bytes):
            raise InputError("Message must be a valid protocol message")
        if len(message) > self._max_message_bytes:
            self._is_oversized = True
            raise MessageTooBig(len(message), self._max_message_bytes)
        try:
            chunk = decode_client_message(message)
        except MalformedMessage as error:
            raise InputError(str(error)) from None
        return self._receive_chunk(chunk)

    def end(self) -> None:
        """Accept nothing more from the client."""
        self._has_ended = True

    def come_back(self) -> NoReturn:
        """Never called: a client of Scribe's can't come back."""
        raise StateError("a session in Scribe's dialect was resumed")

    def resume(self, next_sample: int, *, after: int, missed: Iterable[str] = ()) -> NoReturn:
        """Never called: a client of Scribe's can't come back."""
        raise StateError("a session in Scribe's dialect was resumed")

    @property
    def next_seq(self) -> int:
        """The number of the next message."""
        return self._seq

    def send_message(self, message: ServerMessage, *, is_held: bool = False) -> Letter:
        """Put a message into the outbox, if Scribe has words for it; a held one waits there."""
        match message:
            case ScribeEvent({"message_type": "committed_transcript", "cause": "client"}):
                if self._commits:
                    self._commits.popleft()
            case AudioGap(to_sample=end):
                self._answer_commits(end)
            case Failure() if self._is_oversized:
                message = replace(message, error_type=ErrorType.CHUNK_SIZE_EXCEEDED)
        return self._put(message, is_held=is_held)

    def _receive_chunk(self, chunk: InputAudioChunk) -> Input:
        audio = chunk.audio
        if chunk.previous_text is not None and self._has_begun:
            raise InputError("`previous_text` is allowed in the first chunk only.")
        if len(audio) % self._format.bytes_per_sample:
            raise InputError(f"{len(audio)} bytes are not whole samples of {self._format}.")
        self._has_begun = True
        self._samples += len(audio) // self._format.bytes_per_sample
        if chunk.commit:
            self._commits.append(self._samples)
        if self._format is WireFormat.ULAW_8000:
            audio = self._format.unpack(audio).astype("<i2").tobytes()
        if chunk.previous_text:
            first = CommittedAudio(audio) if chunk.commit else audio
            return IntroducedAudio(first, chunk.previous_text)
        if not audio:
            return Commit() if chunk.commit else None
        return CommittedAudio(audio) if chunk.commit else audio

    def _answer_commits(self, end: int) -> None:
        """Give an empty final to each commit up to `end`: clients match finals by their order."""
        while self._commits and self._commits[0] <= end:
            self._commits.popleft()
            self._put(ScribeEvent(CommittedTranscript("").fields), is_held=False)

    def _put(self, message: ServerMessage, *, is_held: bool) -> Letter:
        seq, self._seq = self._seq, self._seq + 1
        text = self._wording.word(message)
        if text is None:
            return Letter(seq, None, 0)
        return put(message, text, self._outbox, seq=seq, is_held=is_held)


@dataclass(frozen=True)
class Scribe:
    """The dialect of `/v1/speech-to-text/realtime`, for one connection."""

    wording: Wording
    audio_format: WireFormat
    """What the client sends."""
    can_resume: ClassVar[bool] = False

    def session(
        self, outbox: Outbox, *, max_message_bytes: int, first_seq: int = 0
    ) -> ScribeSession:
        """Begin the connection's session."""
        return ScribeSession(
            outbox,
            self.wording,
            self.audio_format,
            max_message_bytes=max_message_bytes,
            first_seq=first_seq,
        )
