"""What the relay has to say, as Scribe would say it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from relay.protocol.messages import (
    AudioGap,
    Failure,
    ScribeEvent,
    ServerMessage,
    SessionEnded,
    SessionStarted,
    Warn,
)
from relay.scribe.codec import encode_message
from relay.scribe.errors import ErrorType

ERROR_TYPES: Final[Mapping[str, ErrorType]] = MappingProxyType(
    {
        **{str(error_type): error_type for error_type in ErrorType},
        "unauthorized": ErrorType.AUTH_ERROR,
        "origin_not_allowed": ErrorType.AUTH_ERROR,
        "too_many_sessions": ErrorType.RATE_LIMITED,
        "budget_exceeded": ErrorType.QUOTA_EXCEEDED,
        "upstream_unavailable": ErrorType.TRANSCRIBER_ERROR,
        "internal_error": ErrorType.ERROR,
    }
)
"""Scribe's name for each of the relay's errors: the one after which a client does the same."""

MOVED: Final = "moved"
"""The reason of a session's end, where its worker leaves: a new one may begin at once."""

MOVED_TEXT: Final = "This worker of the relay is leaving; open a new session at once."

RELAYS_FIELDS: Final = frozenset({"segment", "end_sample", "cause"})
"""What the relay adds to Scribe's events; Scribe has no such fields."""

NORMAL: Final = 1000
"""Scribe's close code for all ends but one. Source: captures of the live service."""

POLICY_VIOLATION: Final = 1008
"""Scribe's close code after `invalid_request`. Source: likewise."""


class Wording:
    """Words messages for one connection, and knows how it has to be closed after them."""

    def __init__(self, rate: int = 16_000) -> None:
        """Speak to a client whose audio has `rate` Hz."""
        self.rate = rate
        self._fatal: ErrorType | None = None

    def word(self, message: ServerMessage) -> str | None:
        """Say a message as JSON text; None where Scribe says nothing of the kind."""
        fields = self._fields(message)
        return None if fields is None else encode_message(fields)

    @property
    def closing(self) -> tuple[int, str]:
        """Code and reason of the close frame after all that was said.

        Source: captures of `auth_error`, `invalid_request` and `commit_throttled`; the rest is
        closed like the last of these.
        """
        match self._fatal:
            case None | ErrorType.AUTH_ERROR:
                return NORMAL, ""
            case ErrorType.INVALID_REQUEST:
                return POLICY_VIOLATION, str(ErrorType.INVALID_REQUEST)
            case fatal:
                return NORMAL, str(fatal)

    def _fields(self, message: ServerMessage) -> Mapping[str, Any] | None:
        match message:
            case SessionStarted(session_id=session_id, config=config):
                return {
                    "message_type": "session_started",
                    "session_id": session_id,
                    "config": config,
                }
            case ScribeEvent({"message_type": "warning", "warning": text}) | Warn(text=text):
                return {"message_type": "warning", "warning": text}
            case ScribeEvent(fields):
                return {name: fields[name] for name in fields if name not in RELAYS_FIELDS}
            case AudioGap(begin, end, reason):
                return {"message_type": "warning", "warning": self._gap(begin, end, reason)}
            case Failure(error_type, text):
                return self._error(ERROR_TYPES.get(error_type, ErrorType.ERROR), text)
            case SessionEnded(reason=reason) if reason == MOVED:
                return self._error(ErrorType.SESSION_TIME_LIMIT_EXCEEDED, MOVED_TEXT)
            case _:
                return None

    def _gap(self, begin: int, end: int, reason: str) -> str:
        start, stop = begin / self.rate, end / self.rate
        return f"No transcript covers the audio from {start:.2f} to {stop:.2f} s: {reason}."

    def _error(self, error_type: ErrorType, text: str) -> Mapping[str, Any]:
        if error_type is not ErrorType.INPUT_ERROR:
            self._fatal = error_type
        return {"message_type": str(error_type), "error": text}
