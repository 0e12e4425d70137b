import pytest

from relay.scribe.errors import ErrorType
from relay.simulator.actions import Close
from relay.simulator.refusals import ERROR_TEXTS, Refused, refusal


def test_a_bad_credential_looks_like_a_clean_close() -> None:
    assert refusal(ErrorType.AUTH_ERROR) == Close(
        1000,
        "",
        {
            "message_type": "auth_error",
            "error": "You must be authenticated to use this endpoint.",
        },
    )


def test_a_bad_parameter_is_a_violation_of_policy() -> None:
    close = refusal(ErrorType.INVALID_REQUEST, "model_id must be …")
    assert (close.code, close.reason) == (1008, "invalid_request")
    assert close.error == {"message_type": "invalid_request", "error": "model_id must be …"}


@pytest.mark.parametrize(
    "error_type", [t for t in ErrorType if t not in ("auth_error", "invalid_request")]
)
def test_every_other_error_closes_normally_with_its_name(error_type: ErrorType) -> None:
    close = refusal(error_type)
    assert (close.code, close.reason) == (1000, error_type)
    assert close.error == {"message_type": error_type, "error": ERROR_TEXTS[error_type]}


def test_every_error_has_something_to_say() -> None:
    assert set(ERROR_TEXTS) == set(ErrorType)


def test_the_exception_knows_how_the_socket_ends() -> None:
    refused = Refused(ErrorType.RATE_LIMITED, "6 of 6")
    assert refused.ending == refusal(ErrorType.RATE_LIMITED, "6 of 6")
