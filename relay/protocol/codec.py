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

_client_decoder = msgspec.json.Decoder(ClientMessage)
_encoder = msgspec.json.Encoder()


def decode_client_message(text: str) -> ClientMessage:
    """Read one text message of a client.

    Raises:
        InputError: If it isn't one of the messages we know. The clock is whole: go on.
        InvalidRequest: If it announces a sample rate that we can't take. What follows would be
            audio of an unknown rate, so the session can't go on.
    """
    try:
        message: ClientMessage = _client_decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise InputError(f"Not a message of this protocol: {_reason(error)}.") from None
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


def _reason(error: Exception) -> str:
    """What msgspec says about a message's shape; it quotes types and field names, never values."""
    return str(error).rstrip(".")
