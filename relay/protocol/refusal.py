"""The one table from our errors to what a client sees of them."""

from relay.errors import (
    ConfigError,
    InputError,
    InvalidRequest,
    LimitExceeded,
    MessageTooBig,
    NotAllowed,
    NotFound,
    OriginNotAllowed,
    RelayError,
    StateError,
    StateUnavailable,
    StoreUnavailable,
    Unauthorized,
    UpstreamRejected,
    UpstreamUnavailable,
)
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import Failure

INTERNAL_ERROR = Failure(
    "internal_error",
    "The relay failed; the fault is logged. Connect again.",
    retryable=True,
)
"""What clients learn of our own bugs; the rest is in the log."""


AWAY = "The relay can't tell at the moment who may speak; try again in a few seconds."
"""What clients learn while Redis or the database is away; which of them, the log says."""

RETRY_WHEN_AWAY = 5.0


def refuse(error: RelayError) -> tuple[Failure, CloseCode]:
    """Say `error` to a client: the message, and the close code that follows it.

    `InputError` has a close code for completeness only: its session goes on.
    """
    match error:
        case InvalidRequest():
            return Failure("invalid_request", str(error), retryable=False), CloseCode.INVALID
        case InputError():
            return Failure("input_error", str(error), retryable=False), CloseCode.INVALID
        case MessageTooBig():
            return Failure("input_error", str(error), retryable=False), CloseCode.MESSAGE_TOO_BIG
        case Unauthorized():
            return Failure("unauthorized", str(error), retryable=False), CloseCode.NOT_SIGNED_IN
        case NotAllowed():
            return Failure("unauthorized", str(error), retryable=False), CloseCode.NOT_ALLOWED
        case NotFound():
            return Failure("invalid_request", str(error), retryable=False), CloseCode.INVALID
        case OriginNotAllowed():
            return Failure("origin_not_allowed", str(error), retryable=False), CloseCode.NOT_ALLOWED
        case LimitExceeded(limit=limit, retry_after=retry_after):
            return _later(limit, str(error), retry_after), CloseCode.LIMITED
        case UpstreamRejected(error_type=error_type):
            return Failure(error_type, str(error), retryable=False), CloseCode.UPSTREAM_REFUSED
        case UpstreamUnavailable(error_type="rate_limited", retry_after=retry_after):
            return _later("rate_limited", str(error), retry_after), CloseCode.LIMITED
        case UpstreamUnavailable(error_type=error_type, retry_after=retry_after):
            return _later(error_type, str(error), retry_after), CloseCode.UPSTREAM_UNAVAILABLE
        case StateUnavailable() | StoreUnavailable():
            return _later("internal_error", AWAY, RETRY_WHEN_AWAY), CloseCode.UPSTREAM_UNAVAILABLE
        case ConfigError() | StateError():
            return INTERNAL_ERROR, CloseCode.FAULT
        case _:
            raise StateError(f"{type(error).__name__} has no row in the table of refusals")


def _later(error_type: str, text: str, retry_after: float | None) -> Failure:
    retry_after_ms = None if retry_after is None else round(retry_after * 1000)
    return Failure(error_type, text, retryable=True, retry_after_ms=retry_after_ms)
