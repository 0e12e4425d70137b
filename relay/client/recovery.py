"""What to do when a connection is gone. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

from relay.client.conversation import STOPPED, Conversation
from relay.client.errors import SessionFailed
from relay.client.events import Reconnecting, SessionEnded
from relay.client.reconnect import MOVED, Failures, Loss
from relay.protocol.close_codes import CloseCode


@dataclass(frozen=True)
class Again:
    """Connect again."""

    delay: float
    """Seconds to wait before."""
    needs_audio: bool = False
    """Wait until there is something to say."""


@dataclass(frozen=True)
class Over:
    """Nothing comes any more."""

    error: SessionFailed | None
    """Why, unless it ended in order."""


Decision: TypeAlias = Again | Over


class Recovery:
    """Follows a conversation's connections and decides how to go on after each.

    Say `dialed` for each that is tried, `admitted` when its session is there, and `ended` when the
    relay says that the session is over; then `lost` decides.
    """

    def __init__(self, conversation: Conversation, limit: float) -> None:
        """Recover `conversation`, for at most `limit` seconds without anything covered."""
        self._conversation = conversation
        self._failures = Failures(limit)
        self._was_admitted_ever = False
        self._is_admitted = False
        self._is_resuming = False
        self._ended: SessionEnded | None = None

    def dialed(self, *, is_resuming: bool) -> None:
        """Note that a connection is tried, with a resume token or without."""
        self._is_resuming = is_resuming
        self._is_admitted = False
        self._ended = None

    def admitted(self, now: float) -> None:
        """Note that the relay has begun or resumed the session; `now` is in seconds."""
        self._is_admitted = self._was_admitted_ever = True
        self._failures.admitted(now, self._conversation.covered)

    def ended(self, event: SessionEnded) -> bool:
        """Note that the session is over; whether that was asked for, so that nothing follows."""
        self._ended = event
        return event.reason == STOPPED

    def lost(self, loss: Loss, now: float, random: float) -> Decision:
        """Decide what follows a connection that ended by itself or didn't come about.

        Args:
            loss: How it ended.
            now: Seconds on the clock of `admitted`.
            random: In [0, 1).
        """
        conversation = self._conversation
        if loss is MOVED:
            # It has waited as `moving` asked for, and nothing has failed.
            conversation.line_broke()
            return Again(0.0)
        is_refused_resume = self._is_resuming and not self._is_admitted and loss.is_refusal
        is_over = self._ended is not None or (self._is_admitted and loss.error_type is not None)
        if is_over or is_refused_resume:
            conversation.forget_session()
        conversation.line_broke()
        if is_refused_resume:
            return self._begin_anew()
        delay = self._failures.add(loss, now, conversation.covered, random)
        if delay is None:
            return self._give_up(loss)
        if self._was_admitted_ever and conversation.is_complete:
            conversation.settle()
            return Over(None)
        is_idle = loss.close_code == CloseCode.IDLE and conversation.missing is None
        return Again(delay, needs_audio=is_idle)

    def note(self, decision: Again, loss: Loss) -> Reconnecting:
        """Tell a listener of a decision."""
        return Reconnecting(max(1, self._failures.count), decision.delay, loss.text)

    def _begin_anew(self) -> Decision:
        conversation = self._conversation
        if conversation.is_stopping and conversation.missing is None:
            conversation.settle()
            return Over(None)
        return Again(0.0)

    def _give_up(self, loss: Loss) -> Over:
        conversation = self._conversation
        if self._ended is not None:
            conversation.give_up(self._ended.reason)
            conversation.tell_ending()
            return Over(None)
        error_type = loss.error_type or "connection_closed"
        missing = conversation.missing
        conversation.give_up(error_type)
        retryable = _is_retryable(loss)
        return Over(SessionFailed(error_type, loss.text, loss.close_code, retryable, missing))


_RESUMABLE = frozenset(
    {
        CloseCode.LEAVING,
        CloseCode.BROKEN,
        CloseCode.FAULT,
        CloseCode.RESTARTING,
        CloseCode.UPSTREAM_UNAVAILABLE,
    }
)
"""Codes after which connecting again may work, where no error message said so."""


def _is_retryable(loss: Loss) -> bool:
    return loss.close_code in _RESUMABLE if loss.retryable is None else loss.retryable
