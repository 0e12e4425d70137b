import pytest

from relay import errors
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
    StoreRefused,
    StoreUnavailable,
    Unauthorized,
    UpstreamRejected,
    UpstreamUnavailable,
)
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import Failure
from relay.protocol.refusal import AWAY, INTERNAL_ERROR, refuse

TABLE: list[tuple[RelayError, Failure, CloseCode]] = [
    (
        InvalidRequest("No."),
        Failure("invalid_request", "No.", retryable=False),
        CloseCode.INVALID,
    ),
    (InputError("No."), Failure("input_error", "No.", retryable=False), CloseCode.INVALID),
    (
        MessageTooBig(5, 4),
        Failure("input_error", str(MessageTooBig(5, 4)), retryable=False),
        CloseCode.MESSAGE_TOO_BIG,
    ),
    (
        Unauthorized("No."),
        Failure("unauthorized", "No.", retryable=False),
        CloseCode.NOT_SIGNED_IN,
    ),
    (
        OriginNotAllowed("https://x.example"),
        Failure("origin_not_allowed", str(OriginNotAllowed("https://x.example")), retryable=False),
        CloseCode.NOT_ALLOWED,
    ),
    (
        NotAllowed("Not you."),
        Failure("unauthorized", "Not you.", retryable=False),
        CloseCode.NOT_ALLOWED,
    ),
    (NotFound("No."), Failure("invalid_request", "No.", retryable=False), CloseCode.INVALID),
    (
        LimitExceeded("too_many_sessions", "Wait.", 1.5),
        Failure("too_many_sessions", "Wait.", retryable=True, retry_after_ms=1500),
        CloseCode.LIMITED,
    ),
    (
        UpstreamUnavailable("rate_limited", "Wait.", 2.0),
        Failure("rate_limited", "Wait.", retryable=True, retry_after_ms=2000),
        CloseCode.LIMITED,
    ),
    (
        UpstreamUnavailable("transcriber_error", "Oh."),
        Failure("transcriber_error", "Oh.", retryable=True),
        CloseCode.UPSTREAM_UNAVAILABLE,
    ),
    (
        UpstreamRejected("quota_exceeded", "Oh."),
        Failure("quota_exceeded", "Oh.", retryable=False),
        CloseCode.UPSTREAM_REFUSED,
    ),
    (
        StateUnavailable("ConnectionError"),
        Failure("internal_error", AWAY, retryable=True, retry_after_ms=5000),
        CloseCode.UPSTREAM_UNAVAILABLE,
    ),
    (
        StoreUnavailable("it is locked"),
        Failure("internal_error", AWAY, retryable=True, retry_after_ms=5000),
        CloseCode.UPSTREAM_UNAVAILABLE,
    ),
    (
        StoreRefused("it is locked"),
        Failure("internal_error", AWAY, retryable=True, retry_after_ms=5000),
        CloseCode.UPSTREAM_UNAVAILABLE,
    ),
    (StateError("a bug"), INTERNAL_ERROR, CloseCode.FAULT),
    (ConfigError(("a fault",)), INTERNAL_ERROR, CloseCode.FAULT),
]


@pytest.mark.parametrize(
    ("error", "failure", "code"), TABLE, ids=[type(row[0]).__name__ for row in TABLE]
)
def test_what_a_client_sees(error: RelayError, failure: Failure, code: CloseCode) -> None:
    assert refuse(error) == (failure, code)


def leaves(kind: type[RelayError]) -> set[type[RelayError]]:
    below = kind.__subclasses__()
    return {leaf for child in below for leaf in leaves(child)} if below else {kind}


def test_the_table_covers_every_error() -> None:
    ours = {leaf for leaf in leaves(RelayError) if leaf.__module__ == errors.__name__}
    assert ours <= {type(error) for error, _, _ in TABLE}


def test_an_error_without_a_row_is_a_bug() -> None:
    with pytest.raises(StateError, match="has no row"):
        refuse(RelayError())
