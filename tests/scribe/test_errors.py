import pytest

from relay.scribe.errors import CLASS_OF, ErrorClass, ErrorType, classify


def test_every_error_type_has_a_class() -> None:
    assert set(CLASS_OF) == set(ErrorType)
    assert len(ErrorType) == 14


@pytest.mark.parametrize(
    "error_type", ["auth_error", "invalid_request", "quota_exceeded", "unaccepted_terms"]
)
def test_what_no_new_socket_can_mend_is_permanent(error_type: str) -> None:
    assert classify(error_type) is ErrorClass.PERMANENT


def test_only_input_error_concerns_a_single_message() -> None:
    of_messages = {name for name, kind in CLASS_OF.items() if kind is ErrorClass.PER_MESSAGE}
    assert of_messages == {ErrorType.INPUT_ERROR}


@pytest.mark.parametrize("message_type", ["partial_transcript", "scribe_error", ""])
def test_a_type_that_is_not_documented_has_no_class(message_type: str) -> None:
    assert classify(message_type) is None
