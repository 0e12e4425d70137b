import base64
import json
from typing import Any

import numpy as np
import pytest

from relay.audio.pcm import WireFormat, from_ulaw
from relay.downstream.dialect import CommittedAudio, IntroducedAudio
from relay.downstream.outbox import Outbox
from relay.downstream.scribe_session import CLOSING, Scribe, ScribeSession
from relay.downstream.scribe_wording import Wording
from relay.errors import InputError, MessageTooBig, StateError
from relay.protocol.messages import (
    AudioAcknowledged,
    AudioGap,
    Commit,
    Failure,
    ScribeEvent,
    Stop,
)

AUDIO = b"\1\0\2\0"


def session(
    outbox: Outbox | None = None, audio_format: WireFormat = WireFormat.PCM_16000
) -> ScribeSession:
    dialect = Scribe(Wording(), audio_format)
    return dialect.session(Outbox(10**6) if outbox is None else outbox, max_message_bytes=1000)


def chunk(audio: bytes = AUDIO, **fields: Any) -> str:
    message = {
        "message_type": "input_audio_chunk",
        "audio_base_64": base64.b64encode(audio).decode(),
        **fields,
    }
    return json.dumps(message)


def said(outbox: Outbox) -> list[Any]:
    """What waits for the client."""
    messages = []
    while (text := outbox.peek()) is not None:
        messages.append(json.loads(text))
        outbox.pop()
    return messages


def final(text: str, **fields: Any) -> ScribeEvent:
    return ScribeEvent({"message_type": "committed_transcript", "text": text, **fields})


def test_a_session_cannot_be_resumed() -> None:
    assert not Scribe(Wording(), WireFormat.PCM_16000).can_resume
    with pytest.raises(StateError):
        session().come_back()
    with pytest.raises(StateError):
        session().resume(0, after=0)


# The client's messages.


def test_a_chunk_is_audio_bit_for_bit() -> None:
    assert session().receive_message(chunk()) == AUDIO


def test_what_the_python_sdk_always_sends_means_nothing() -> None:
    made = session()
    for _ in range(3):
        message = chunk(commit=False, sample_rate=16_000, previous_text=None)
        assert made.receive_message(message) == AUDIO


def test_a_chunk_with_commit_is_both_in_order() -> None:
    assert session().receive_message(chunk(commit=True)) == CommittedAudio(AUDIO)


def test_an_empty_chunk_with_commit_is_a_commit() -> None:
    assert session().receive_message(chunk(b"", commit=True)) == Commit()


def test_an_empty_chunk_is_a_sign_of_life() -> None:
    assert session().receive_message(chunk(b"")) is None


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize("audio", [AUDIO, b""])
def test_the_first_chunk_may_say_what_was_said_before(audio: bytes, commit: bool) -> None:
    message = chunk(audio, commit=commit, previous_text="so far")
    first = CommittedAudio(audio) if commit else audio
    assert session().receive_message(message) == IntroducedAudio(first, "so far")


def test_an_empty_text_before_the_first_chunk_is_none() -> None:
    assert session().receive_message(chunk(previous_text="")) == AUDIO


def test_no_later_chunk_may_say_so() -> None:
    made = session()
    made.receive_message(chunk())
    with pytest.raises(InputError, match="first chunk only"):
        made.receive_message(chunk(previous_text="so far"))


def test_mu_law_is_expanded() -> None:
    codes = bytes(range(256))
    taken = session(audio_format=WireFormat.ULAW_8000).receive_message(chunk(codes))
    assert taken == from_ulaw(np.frombuffer(codes, np.uint8)).astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("no JSON", "not JSON"),
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"message_type":"commit"}', "Unexpected message type: 'commit'"),
        ('{"message_type":"input_audio_chunk"}', "audio_base_64"),
        ('{"message_type":"input_audio_chunk","audio_base_64":"?"}', "base64"),
        (b"\0\0", "valid protocol message"),
        (chunk(b"\0"), "1 bytes are not whole samples of pcm_16000"),
    ],
)
def test_a_bad_message_costs_itself_alone(message: bytes | str, text: str) -> None:
    made = session()
    with pytest.raises(InputError, match=text):
        made.receive_message(message)
    # Nor does it count as the first chunk.
    assert isinstance(made.receive_message(chunk(previous_text="so far")), IntroducedAudio)


def test_a_chunk_over_the_limit_is_told_so_by_scribes_name() -> None:
    outbox = Outbox(10**6)
    made = session(outbox)
    with pytest.raises(MessageTooBig):
        made.receive_message(chunk(bytes(1000)))
    made.send_message(Failure("input_error", "Too long.", retryable=False))
    assert said(outbox) == [{"message_type": "chunk_size_exceeded", "error": "Too long."}]


def test_a_close_that_waits_for_its_answer_stops_the_session() -> None:
    made = session()
    assert made.receive_message(CLOSING) == Stop()
    assert made.receive_message(chunk()) is None


def test_an_empty_message_is_no_close() -> None:
    assert CLOSING == ""
    with pytest.raises(InputError):
        session().receive_message("")


def test_nothing_counts_once_the_relay_has_ended_it() -> None:
    made = session()
    made.end()
    assert made.receive_message("no JSON") is None
    assert made.receive_message(CLOSING) is None


# What the client is told.


def test_what_has_no_words_is_in_no_outbox() -> None:
    outbox = Outbox(10**6)
    letter = session(outbox).send_message(AudioAcknowledged(5, 0), is_held=True)
    assert letter.text is None
    assert not len(outbox)


def test_messages_are_numbered_all_the_same() -> None:
    made = session()
    made.send_message(AudioAcknowledged(5, 0))
    assert made.send_message(final("hi")).seq == 1
    assert made.next_seq == 2


def test_a_newer_partial_takes_the_place_of_one_that_waits() -> None:
    outbox = Outbox(10**6)
    made = session(outbox)
    for text in ("a", "a b"):
        made.send_message(ScribeEvent({"message_type": "partial_transcript", "text": text}))
    assert said(outbox) == [{"message_type": "partial_transcript", "text": "a b"}]


def test_a_final_waits_until_it_is_written_down() -> None:
    outbox = Outbox(10**6)
    letter = session(outbox).send_message(final("hi"), is_held=True)
    assert said(outbox) == []
    letter.is_held = False
    assert said(outbox) == [{"message_type": "committed_transcript", "text": "hi"}]


# A commit that the provider never answers.


def test_a_commit_within_a_gap_gets_an_empty_final() -> None:
    outbox = Outbox(10**6)
    made = session(outbox)
    made.receive_message(chunk(bytes(200), commit=True))
    made.receive_message(chunk(bytes(200)))
    made.receive_message(chunk(bytes(200), commit=True))
    made.send_message(final("first", cause="client"))
    made.send_message(AudioGap(100, 300, "transcriber_error"))
    types = [message["message_type"] for message in said(outbox)]
    assert types == ["committed_transcript", "committed_transcript", "warning"]


def test_a_commit_behind_a_gap_waits_for_its_own() -> None:
    outbox = Outbox(10**6)
    made = session(outbox)
    for _ in range(50):
        made.receive_message(chunk(bytes(640)))
    made.receive_message(chunk(b"", commit=True))
    made.send_message(AudioGap(0, 300, "transcriber_error"))
    assert [message["message_type"] for message in said(outbox)] == ["warning"]


def test_finals_that_no_client_asked_for_answer_nothing() -> None:
    outbox = Outbox(10**6)
    made = session(outbox)
    made.send_message(final("its last words, after it has gone", cause="client"))
    made.receive_message(chunk(bytes(200), commit=True))
    made.send_message(final("by voice activity", cause="vad"))
    made.send_message(AudioGap(0, 100, "transcriber_error"))
    assert [message.get("text") for message in said(outbox)][2:] == ["", None]
