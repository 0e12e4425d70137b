"""What a session has to know of the way in which its client speaks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from relay.downstream.outbox import Letter, Outbox
from relay.protocol.messages import ClientMessage, ServerMessage


@dataclass(frozen=True, slots=True)
class CommittedAudio:
    """Audio, and the end of the segment behind it, in one message."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class IntroducedAudio:
    """The first audio of a session, with what was said before it."""

    audio: bytes | CommittedAudio
    previous_text: str
    """For the provider, as context."""


Input: TypeAlias = bytes | CommittedAudio | IntroducedAudio | ClientMessage | None
"""Audio, one of the messages that steer the session, or nothing that counts."""


class ClientSession(Protocol):
    """The client's side of one session: reads its messages, fills its outbox."""

    def receive_message(self, message: bytes | str) -> Input:
        """Take in one WebSocket message.

        Raises:
            InputError: If this message can't be used; the session goes on without it.
            InvalidRequest: If the session can't go on after it.
            MessageTooBig: If it is too long.
        """

    def end(self) -> None:
        """Accept nothing more from the client."""

    def come_back(self) -> None:
        """Let a client that has stopped, and whose line broke then, say so again."""

    @property
    def next_seq(self) -> int:
        """The number of the next message."""

    def send_message(self, message: ServerMessage, *, is_held: bool = False) -> Letter:
        """Number a message and put it into the outbox; a held one waits to be let go.

        Where the dialect has nothing to say it by, the letter has no text and is in no outbox.
        """

    def resume(self, next_sample: int, *, after: int, missed: Iterable[str] = ()) -> None:
        """Begin with a client that comes back.

        Args:
            next_sample: The first of its frames that is needed.
            after: The greatest number that it has received.
            missed: Messages with greater ones that the outbox hasn't kept, as they were sent.
        """


class Dialect(Protocol):
    """How clients of one kind speak with the relay; it may know what one of them asked for."""

    @property
    def can_resume(self) -> bool:
        """Whether a client comes back after its line broke; else its session ends in order."""

    def session(
        self, outbox: Outbox, *, max_message_bytes: int, first_seq: int = 0
    ) -> ClientSession:
        """Begin a session whose first message is numbered `first_seq`.

        Args:
            outbox: Takes what is sent.
            max_message_bytes: Longest message of the client.
            first_seq: Not 0 where another worker has spoken with the client before.
        """
