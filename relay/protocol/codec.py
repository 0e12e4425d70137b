"""Text ⇄ messages. Pure; the limits of size are checked before anything is parsed."""

from typing import Any

import msgspec

from relay.errors import InputError, InvalidRequest
from relay.protocol.messages import (
    MAX_SAMPLE_RATE_HZ,
    MIN_SAMPLE_RATE_HZ,
    ClientMessage,
    Failure,
    Format,
    ScribeEvent,
    ServerMessage,
)

MAX_TEXT_LENGTH = 4096
"""Characters of a text message; the longest that means anything has some fifty."""

MAX_REASON_LENGTH = 200


class _Typed(msgspec.Struct):
    message_type: str


_type_decoder = msgspec.json.Decoder(_Typed)
_client_decoder = msgspec.json.Decoder(ClientMessage)
_encoder = msgspec.json.Encoder()


def decode_client_message(text: str) -> ClientMessage:
    """Read one text message of a client.

    Raises:
        InputError: If it isn't one of the messages we know. The clock is whole: go on.
        InvalidRequest: If it is a `format` without a sample rate that we can take. What follows
            would be audio of an unknown rate, so the session can't go on.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise InputError(f"Not a message of this protocol: longer than {MAX_TEXT_LENGTH}.")
    try:
        message: ClientMessage = _client_decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        reason = f"Not a message of this protocol: {_reason(error)}."
        raise (InvalidRequest if _is_format(text) else InputError)(reason) from None
    if isinstance(message, Format):
        check_sample_rate(message.sample_rate)
    return message


def check_sample_rate(rate: int) -> None:
    """Accept a client's sample rate, in Hz.

    Raises:
        InvalidRequest: If `rate` is outside 8000–192000.
    """
    if not MIN_SAMPLE_RATE_HZ <= rate <= MAX_SAMPLE_RATE_HZ:
        raise InvalidRequest(
            f"sample_rate {rate} is outside {MIN_SAMPLE_RATE_HZ}–{MAX_SAMPLE_RATE_HZ}; "
            "send the rate of your AudioContext."
        )


def encode_server_message(message: ServerMessage, seq: int) -> str:
    """Write one message for a client as JSON text; `seq` rises within the session."""
    return _encoder.encode(_fields(message, seq)).decode()


def _fields(message: ServerMessage, seq: int) -> dict[str, Any]:
    match message:
        case ScribeEvent(fields):
            return {**fields, "seq": seq}
        case Failure(error_type, error, retryable, retry_after_ms):
            failure = {
                "message_type": error_type,
                "seq": seq,
                "error": error,
                "retryable": retryable,
            }
            return (
                failure
                if retry_after_ms is None
                else {
                    **failure,
                    "retry_after_ms": retry_after_ms,
                }
            )
        case _:
            return {**msgspec.to_builtins(message), "seq": seq}


def _is_format(text: str) -> bool:
    """Whether a message that can't be read wanted to change the rate."""
    try:
        return bool(_type_decoder.decode(text).message_type == "format")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False


def _reason(error: Exception) -> str:
    """What msgspec says about a message's shape; it may quote an unknown `message_type`."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    text = str(error).rstrip(".")
    return text if len(text) <= MAX_REASON_LENGTH else f"{text[:MAX_REASON_LENGTH]}…"
