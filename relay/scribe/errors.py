"""What Scribe's errors are called, and what may be done about each."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType


class ErrorType(StrEnum):
    """Every `message_type` that carries an `error` text."""

    AUTH_ERROR = "auth_error"
    INVALID_REQUEST = "invalid_request"
    INPUT_ERROR = "input_error"
    COMMIT_THROTTLED = "commit_throttled"
    CHUNK_SIZE_EXCEEDED = "chunk_size_exceeded"
    QUEUE_OVERFLOW = "queue_overflow"
    RATE_LIMITED = "rate_limited"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    TRANSCRIBER_ERROR = "transcriber_error"
    ERROR = "error"
    QUOTA_EXCEEDED = "quota_exceeded"
    UNACCEPTED_TERMS = "unaccepted_terms"
    SESSION_TIME_LIMIT_EXCEEDED = "session_time_limit_exceeded"
    INSUFFICIENT_AUDIO_ACTIVITY = "insufficient_audio_activity"


class ErrorClass(Enum):
    """Whether anything can be done about an error."""

    PERMANENT = "permanent"
    """The same request fails the same way: end, with the reason."""
    RETRYABLE = "retryable"
    """A new socket may work, some of them only after a wait or a change of pace."""
    PER_MESSAGE = "per_message"
    """One message was refused; the session goes on."""


CLASS_OF: Mapping[ErrorType, ErrorClass] = MappingProxyType(
    {
        ErrorType.AUTH_ERROR: ErrorClass.PERMANENT,
        ErrorType.INVALID_REQUEST: ErrorClass.PERMANENT,
        ErrorType.QUOTA_EXCEEDED: ErrorClass.PERMANENT,
        ErrorType.UNACCEPTED_TERMS: ErrorClass.PERMANENT,
        ErrorType.INPUT_ERROR: ErrorClass.PER_MESSAGE,
        ErrorType.COMMIT_THROTTLED: ErrorClass.RETRYABLE,
        ErrorType.CHUNK_SIZE_EXCEEDED: ErrorClass.RETRYABLE,
        ErrorType.QUEUE_OVERFLOW: ErrorClass.RETRYABLE,
        ErrorType.RATE_LIMITED: ErrorClass.RETRYABLE,
        ErrorType.RESOURCE_EXHAUSTED: ErrorClass.RETRYABLE,
        ErrorType.TRANSCRIBER_ERROR: ErrorClass.RETRYABLE,
        ErrorType.ERROR: ErrorClass.RETRYABLE,
        ErrorType.SESSION_TIME_LIMIT_EXCEEDED: ErrorClass.RETRYABLE,
        ErrorType.INSUFFICIENT_AUDIO_ACTIVITY: ErrorClass.RETRYABLE,
    }
)
"""What a client can do about each error.

Source: vendor's error table, and what third parties report of each (autumn 2026).
"""


def classify(message_type: str) -> ErrorClass | None:
    """Tell what can be done about an error type; `None` if Scribe doesn't document it.

    A message of an undocumented type that carries an `error` text is still an error:
    `ErrorMessage.error_class` counts it as retryable, since the vendor adds types without notice
    and a retry that fails ends soon enough.
    """
    try:
        return CLASS_OF[ErrorType(message_type)]
    except ValueError:
        return None
