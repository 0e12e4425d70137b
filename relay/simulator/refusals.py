"""How an error ends a socket."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from relay.scribe.errors import ErrorType
from relay.scribe.messages import ErrorMessage
from relay.simulator.actions import Close

ERROR_TEXTS: Final[Mapping[ErrorType, str]] = MappingProxyType(
    {
        ErrorType.AUTH_ERROR: "You must be authenticated to use this endpoint.",
        ErrorType.INVALID_REQUEST: "The request is invalid.",
        ErrorType.INPUT_ERROR: "The message is invalid.",
        ErrorType.COMMIT_THROTTLED: "Too little uncommitted audio for a commit.",
        ErrorType.CHUNK_SIZE_EXCEEDED: "The chunk is too large.",
        ErrorType.QUEUE_OVERFLOW: "Audio arrives faster than it can be processed.",
        ErrorType.RATE_LIMITED: "Too many sessions at once.",
        ErrorType.RESOURCE_EXHAUSTED: "There is no capacity left.",
        ErrorType.TRANSCRIBER_ERROR: "The transcriber failed.",
        ErrorType.ERROR: "Something went wrong.",
        ErrorType.QUOTA_EXCEEDED: "The credits of this account are used up.",
        ErrorType.UNACCEPTED_TERMS: "The terms of service have not been accepted.",
        ErrorType.SESSION_TIME_LIMIT_EXCEEDED: "The session has reached its time limit.",
        ErrorType.INSUFFICIENT_AUDIO_ACTIVITY: "There was too little audio activity.",
    }
)
"""What is said if nothing more precise is known. The first is the service's own text."""


def refusal(error_type: ErrorType, text: str = "") -> Close:
    """Return the error and the close that ends a socket with it.

    *Source*: captures of `auth_error`, `invalid_request` and `commit_throttled`; of the others it
    is only known that a close follows, so they are closed like the last of these.
    """
    error = ErrorMessage(error_type, text or ERROR_TEXTS[error_type]).fields
    if error_type is ErrorType.AUTH_ERROR:
        return Close(1000, error=error)
    code = 1008 if error_type is ErrorType.INVALID_REQUEST else 1000
    return Close(code, str(error_type), error)


class Refused(Exception):
    """Raised when a socket can't become a session."""

    def __init__(self, error_type: ErrorType, text: str = "") -> None:
        super().__init__(error_type, text)
        self.ending = refusal(error_type, text)
