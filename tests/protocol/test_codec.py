import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import InputError, InvalidRequest
from relay.protocol.codec import decode_client_message, encode_server_message
from relay.protocol.messages import (
    AudioAcknowledged,
    AudioGap,
    ClientMessage,
    Commit,
    Failure,
    Format,
    Moving,
    Mute,
    ScribeEvent,
    ServerMessage,
    SessionEnded,
    SessionLimits,
    SessionResumed,
    SessionStarted,
    Stop,
    Unmute,
    Warn,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"message_type":"format","sample_rate":44100}', Format(44_100)),
        ('{"message_type":"commit"}', Commit()),
        ('{"message_type":"stop"}', Stop()),
        ('{"message_type":"mute"}', Mute()),
        ('{"message_type":"unmute"}', Unmute()),
        ('{"message_type":"stop","later":"fields are fine"}', Stop()),
    ],
)
def test_client_messages(text: str, message: ClientMessage) -> None:
    assert decode_client_message(text) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stop",
        "[]",
        "null",
        "{}",
        '{"message_type":7}',
        '{"message_type":"dance"}',
        "[" * 4000,
        '{"message_type":"commit","x":' + "[" * 2000 + "]" * 2000 + "}",
        '{"message_type":"commit"' + " " * 5000 + "}",
        "\ud800",
    ],
)
def test_what_is_no_message_is_one_clear_error(text: str) -> None:
    with pytest.raises(InputError, match="Not a message of this protocol"):
        decode_client_message(text)


@given(st.text())
def test_no_text_breaks_the_decoder(text: str) -> None:
    with pytest.raises(InputError):
        decode_client_message(text)


def test_values_are_not_repeated_in_the_error() -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_client_message('{"message_type":"format","sample_rate":"my secret"}')
    assert "my secret" not in str(caught.value)


@pytest.mark.parametrize("rate", [0, 7_999, 192_001, -48_000])
def test_a_rate_that_we_cannot_take_ends_the_session(rate: int) -> None:
    with pytest.raises(InvalidRequest, match=str(rate)):
        decode_client_message(json.dumps({"message_type": "format", "sample_rate": rate}))


@pytest.mark.parametrize("rate", [8_000, 192_000])
def test_the_bounds_of_the_rate_are_inclusive(rate: int) -> None:
    text = json.dumps({"message_type": "format", "sample_rate": rate})
    assert decode_client_message(text) == Format(rate)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (
            SessionStarted("a1", {"channels": 1}, SessionLimits(12.5)),
            {
                "message_type": "session_started",
                "session_id": "a1",
                "config": {"channels": 1},
                "limits": {"minutes_left": 12.5, "max_session_seconds": None},
                "resume_token": None,
            },
        ),
        (
            SessionResumed(47_000, 9),
            {"message_type": "session_resumed", "next_sample": 47_000, "last_seq": 9},
        ),
        (Moving(1500), {"message_type": "moving", "after_ms": 1500}),
        (
            ScribeEvent({"message_type": "partial_transcript", "text": "hé"}),
            {"message_type": "partial_transcript", "text": "hé"},
        ),
        (
            AudioAcknowledged(48_000, 24_000),
            {
                "message_type": "audio_acknowledged",
                "samples_received": 48_000,
                "samples_covered": 24_000,
            },
        ),
        (
            AudioGap(0, 480, "error"),
            {"message_type": "audio_gap", "from_sample": 0, "to_sample": 480, "reason": "error"},
        ),
        (
            Warn("clipping", "Loud."),
            {"message_type": "warning", "code": "clipping", "text": "Loud."},
        ),
        (
            SessionEnded("stopped", 1000, 2, 3),
            {
                "message_type": "session_ended",
                "reason": "stopped",
                "audio_ms": 1000,
                "segments": 2,
                "words": 3,
            },
        ),
        (
            Failure("input_error", "No.", retryable=False),
            {"message_type": "input_error", "error": "No.", "retryable": False},
        ),
        (
            Failure("rate_limited", "Wait.", retryable=True, retry_after_ms=500),
            {
                "message_type": "rate_limited",
                "error": "Wait.",
                "retryable": True,
                "retry_after_ms": 500,
            },
        ),
    ],
)
def test_server_messages(message: ServerMessage, fields: dict[str, object]) -> None:
    assert json.loads(encode_server_message(message, 7)) == {**fields, "seq": 7}


@pytest.mark.parametrize("rate", ["", ',"sample_rate":"high"', ',"sample_rate":44100.5'])
def test_a_change_of_rate_that_cannot_be_read_ends_the_session(rate: str) -> None:
    with pytest.raises(InvalidRequest):
        decode_client_message('{"message_type":"format"' + rate + "}")


def test_an_error_repeats_no_more_than_a_little() -> None:
    with pytest.raises(InputError) as caught:
        decode_client_message('{"message_type":"' + "x" * 4000 + '"}')
    assert len(str(caught.value)) < 300
