import json

import pytest

from relay.downstream.outbox import Outbox
from relay.downstream.session import NATIVE, DownstreamSession, State
from relay.errors import InputError, InvalidRequest, MessageTooBig
from relay.protocol.messages import (
    MAX_MESSAGE_BYTES,
    AudioAcknowledged,
    Commit,
    ScribeEvent,
    Stop,
    Warn,
)

STOP = '{"message_type":"stop"}'


def session() -> DownstreamSession:
    return DownstreamSession(Outbox(10**6))


def test_the_native_dialect_lets_clients_come_back() -> None:
    made = NATIVE.session(Outbox(10**6), max_message_bytes=3, first_seq=5)
    assert NATIVE.can_resume
    assert made.next_seq == 5
    with pytest.raises(MessageTooBig):
        made.receive_message(bytes(4))


def test_binary_is_audio() -> None:
    assert session().receive_message(b"\0\0\0\0") == b"\0\0\0\0"


def test_text_steers() -> None:
    assert session().receive_message('{"message_type":"commit"}') == Commit()


@pytest.mark.parametrize("message", [bytes(MAX_MESSAGE_BYTES + 1), "x" * (MAX_MESSAGE_BYTES + 1)])
def test_a_message_over_the_limit_is_refused_unread(message: bytes | str) -> None:
    with pytest.raises(MessageTooBig, match=str(MAX_MESSAGE_BYTES)):
        session().receive_message(message)


def test_a_message_at_the_limit_is_fine() -> None:
    assert session().receive_message(bytes(MAX_MESSAGE_BYTES)) == bytes(MAX_MESSAGE_BYTES)


def test_text_that_is_no_message_leaves_the_session_streaming() -> None:
    made = session()
    with pytest.raises(InputError):
        made.receive_message("hello")
    assert made.state is State.STREAMING


def test_a_format_that_we_cannot_take_is_invalid() -> None:
    with pytest.raises(InvalidRequest):
        session().receive_message('{"message_type":"format","sample_rate":1}')


@pytest.mark.parametrize("message", [b"\0\0\0\0", STOP])
def test_nothing_counts_after_stop(message: bytes | str) -> None:
    made = session()
    assert made.receive_message(STOP) == Stop()
    assert made.state is State.STOPPING
    with pytest.raises(InputError, match="ending"):
        made.receive_message(message)


@pytest.mark.parametrize("message", [b"\0\0\0\0", STOP, "no JSON"])
def test_what_comes_after_the_relay_has_ended_it_is_dropped_in_silence(
    message: bytes | str,
) -> None:
    made = session()
    made.end()
    assert made.receive_message(message) is None


def test_a_session_that_its_client_stopped_stays_so_at_the_end() -> None:
    made = session()
    made.receive_message(STOP)
    made.end()
    assert made.state is State.STOPPING


def test_messages_are_numbered_from_zero() -> None:
    outbox = Outbox(10**6)
    made = DownstreamSession(outbox)
    for said in ("one", "two"):
        made.send_message(Warn("odd", said))
    numbers = []
    while (text := outbox.peek()) is not None:
        numbers.append(json.loads(text)["seq"])
        outbox.pop()
    assert numbers == [0, 1]


def test_a_client_that_waits_skips_what_is_stale() -> None:
    outbox = Outbox(10**6)
    made = DownstreamSession(outbox)
    for number in range(3):
        made.send_message(ScribeEvent({"message_type": "partial_transcript", "text": f"{number}"}))
        made.send_message(AudioAcknowledged(number))
    made.send_message(ScribeEvent({"message_type": "committed_transcript", "text": "2"}))
    kinds = []
    while (waiting := outbox.peek()) is not None:
        kinds.append(json.loads(waiting)["message_type"])
        outbox.pop()
    assert kinds == ["audio_acknowledged", "committed_transcript"]


def test_a_client_that_comes_back_is_told_where_to_go_on() -> None:
    outbox = Outbox(10**6)
    made = DownstreamSession(outbox, first_seq=5)
    made.send_message(Warn("code", "text"))
    made.resume(48_000, after=4)
    assert json.loads(outbox.peek() or "") == {
        "message_type": "session_resumed",
        "next_sample": 48_000,
        "last_seq": 5,
        "seq": 6,
    }
    outbox.pop()
    assert json.loads(outbox.peek() or "")["seq"] == 5
    assert made.next_seq == 7


def test_no_number_is_given_twice_though_the_client_has_greater_ones() -> None:
    made = session()
    made.resume(0, after=41)
    assert made.next_seq == 43


def test_a_stop_that_is_said_again_is_no_fault() -> None:
    made = session()
    made.receive_message(STOP)
    made.come_back()
    assert made.receive_message(STOP) is None


def test_coming_back_changes_nothing_for_who_has_not_stopped() -> None:
    made = session()
    made.come_back()
    assert made.state is State.STREAMING
