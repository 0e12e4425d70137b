"""What a client's messages mean, and the numbering of ours. No I/O."""

from collections.abc import Iterable
from enum import Enum
from typing import Final

from relay.downstream.dialect import Input
from relay.downstream.outbox import Letter, Outbox, Slot
from relay.errors import InputError, MessageTooBig
from relay.protocol.codec import decode_client_message, encode_server_message
from relay.protocol.messages import (
    MAX_MESSAGE_BYTES,
    AudioAcknowledged,
    ScribeEvent,
    ServerMessage,
    SessionResumed,
    Stop,
)


def put(
    message: ServerMessage, text: str, outbox: Outbox, *, seq: int, is_held: bool = False
) -> Letter:
    """Put a message, worded as `text`, into the outbox, in place of what it makes worthless."""
    slot = None
    match message:
        case AudioAcknowledged():
            slot = Slot.ACKNOWLEDGEMENT
        case ScribeEvent({"message_type": "partial_transcript"}):
            slot = Slot.PARTIAL
        case ScribeEvent({"message_type": "committed_transcript"}):
            # A partial of the segment that ends here says less than its final.
            outbox.drop(Slot.PARTIAL)
    return outbox.put(text, slot, seq=seq, is_held=is_held)


class State(Enum):
    """Where a session stands."""

    STREAMING = "streaming"
    STOPPING = "stopping"
    """The client has stopped and the last words are awaited: nothing it sends counts any more."""
    ENDING = "ending"
    """The relay ends the session: what still comes was sent before the client could know."""


class DownstreamSession:
    """The client's side of one session: reads its messages, fills its outbox."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        first_seq: int = 0,
    ) -> None:
        """Number the first message `first_seq`."""
        self.state = State.STREAMING
        self._outbox = outbox
        self._max_message_bytes = max_message_bytes
        self._seq = first_seq

    def receive_message(self, message: bytes | str) -> Input:
        """Take in one WebSocket message.

        Raises:
            InputError: If this message can't be used; the session goes on without it.
            InvalidRequest: If the session can't go on after it.
            MessageTooBig: If it is longer than `max_message_bytes`.
        """
        size_bytes = len(message)
        if size_bytes > self._max_message_bytes:
            raise MessageTooBig(size_bytes, self._max_message_bytes)
        if self.state is State.STOPPING:
            raise InputError("The session is ending; this message was dropped.")
        if self.state is State.ENDING:
            return None
        if isinstance(message, bytes):
            return message
        decoded = decode_client_message(message)
        if isinstance(decoded, Stop):
            self.state = State.STOPPING
        return decoded

    def end(self) -> None:
        """Accept nothing more from the client; only after its own `stop` is it told so."""
        if self.state is State.STREAMING:
            self.state = State.ENDING

    def come_back(self) -> None:
        """Let a client that has stopped say so again: it can't know what had arrived."""
        if self.state is State.STOPPING:
            self.state = State.ENDING

    @property
    def next_seq(self) -> int:
        """The number of the next message."""
        return self._seq

    def send_message(self, message: ServerMessage, *, is_held: bool = False) -> Letter:
        """Number a message and put it into the outbox; a held one waits to be let go."""
        text = encode_server_message(message, self._seq)
        letter = put(message, text, self._outbox, seq=self._seq, is_held=is_held)
        self._seq += 1
        return letter

    def resume(self, next_sample: int, *, after: int, missed: Iterable[str] = ()) -> None:
        """Begin with a client that comes back.

        Args:
            next_sample: The first of its frames that is needed.
            after: The greatest number that it has received.
            missed: Messages with greater ones that the outbox hasn't kept, as they were sent.
        """
        # A client may have what a worker sent whose last numbers nobody wrote down.
        self._seq = max(self._seq, after + 1)
        message = encode_server_message(SessionResumed(next_sample, self._seq - 1), self._seq)
        self._outbox.restart(message, seq=self._seq, after=after, missed=missed)
        self._seq += 1


class Native:
    """The dialect of `/v1/stream`."""

    can_resume = True

    def session(
        self, outbox: Outbox, *, max_message_bytes: int, first_seq: int = 0
    ) -> DownstreamSession:
        """Begin a session whose first message is numbered `first_seq`."""
        return DownstreamSession(outbox, max_message_bytes=max_message_bytes, first_seq=first_seq)


NATIVE: Final = Native()
