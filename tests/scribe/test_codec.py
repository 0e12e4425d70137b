import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.scribe.codec import (
    ChunkEncoder,
    MalformedMessage,
    decode_client_message,
    decode_server_message,
    encode_message,
)
from relay.scribe.errors import ErrorType
from relay.scribe.messages import (
    Character,
    CommittedTranscript,
    CommittedTranscriptEntities,
    CommittedTranscriptWithTimestamps,
    DiarizedTranscript,
    EditedTranscript,
    Entity,
    ErrorMessage,
    FinalTranscript,
    FinalTranscriptWithTimestamps,
    InputAudioChunk,
    PartialTranscript,
    RedactedTranscript,
    ServerMessage,
    SessionStarted,
    SpeakersMerged,
    Unknown,
    WarningMessage,
    Word,
)

SECRET = "the patient's name"
"""Stands for somebody's words, which no error text may repeat."""

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


def chunk(**fields: Any) -> str:
    return json.dumps({"message_type": "input_audio_chunk", "audio_base_64": "", **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"message_type": "session_started", "session_id": "5f", "config": {"a": 1}},
            SessionStarted("5f", {"a": 1}),
        ),
        ({"message_type": "partial_transcript", "text": "he"}, PartialTranscript("he")),
        ({"message_type": "committed_transcript", "text": "hello"}, CommittedTranscript("hello")),
        (
            {
                "message_type": "committed_transcript_entities",
                "text": "Ada",
                "entities": [
                    {"text": "Ada", "entity_type": "name", "start_char": 0, "end_char": 3}
                ],
            },
            CommittedTranscriptEntities("Ada", (Entity("Ada", "name", 0, 3),)),
        ),
        (
            {"message_type": "redacted_transcript", "text": "Ada", "redacted_text": "NAME"},
            RedactedTranscript("Ada", "NAME"),
        ),
        (
            {"message_type": "edited_transcript", "text": "ada", "edited_text": "Ada"},
            EditedTranscript("ada", "Ada"),
        ),
        (
            {"message_type": "diarized_transcript", "segment_index": 2, "text": "", "words": []},
            DiarizedTranscript(2, "", ()),
        ),
        (
            {"message_type": "speakers_merged", "from_speaker_id": "b", "to_speaker_id": "a"},
            SpeakersMerged("b", "a"),
        ),
        ({"message_type": "final_transcript", "text": "x"}, FinalTranscript("x")),
        (
            {"message_type": "final_transcript_with_timestamps", "text": "x"},
            FinalTranscriptWithTimestamps("x"),
        ),
        ({"message_type": "warning", "warning": "logged"}, WarningMessage("logged")),
        ({"message_type": "weather", "sun": True}, Unknown("weather")),
    ],
)
def test_each_message_is_decoded_to_its_type(
    fields: dict[str, Any], message: ServerMessage
) -> None:
    decoded = decode_server_message(json.dumps(fields))
    assert decoded == message
    assert decoded.fields == fields


@pytest.mark.parametrize("error_type", list(ErrorType))
def test_each_error_type_is_decoded_with_its_text(error_type: ErrorType) -> None:
    decoded = decode_server_message(f'{{"message_type":"{error_type}","error":"why"}}')
    assert decoded == ErrorMessage(error_type, "why")


def test_a_word_is_decoded_with_every_attribute() -> None:
    word = {
        "text": "Hi",
        "start": 0.12,
        "end": 1,
        "type": "word",
        "speaker_id": "s",
        "logprob": -0.21,
        "characters": [{"text": "H", "start": 0.12, "end": 0.19}],
        "channel_index": 0,
    }
    characters = (Character("H", 0.12, 0.19),)
    assert decode_words([word]) == (Word("Hi", 0.12, 1.0, "word", "s", -0.21, characters, 0),)


def decode_words(words: list[dict[str, Any]] | None) -> tuple[Word, ...] | None:
    fields = {
        "message_type": "committed_transcript_with_timestamps",
        "text": "Hi",
        "language_code": None,
        "words": words,
    }
    decoded = decode_server_message(json.dumps(fields))
    assert isinstance(decoded, CommittedTranscriptWithTimestamps)
    return decoded.words


def test_characters_may_be_plain_strings() -> None:
    assert decode_words([{"text": "Hi", "characters": ["H", "i"]}]) == (
        Word("Hi", characters=("H", "i")),
    )


def test_a_word_may_be_of_a_type_that_is_not_documented() -> None:
    assert decode_words([{"text": "♪", "type": "music"}]) == (Word("♪", type="music"),)


def test_words_are_null_when_only_the_language_was_asked_for() -> None:
    assert decode_words(None) is None


def test_messages_may_come_as_bytes() -> None:
    decoded = decode_server_message('{"message_type":"partial_transcript","text":"é"}'.encode())
    assert decoded == PartialTranscript("é")


@given(st.dictionaries(TEXT, JSON))
def test_unknown_fields_pass_untouched(extra: dict[str, Any]) -> None:
    fields = extra | {"message_type": "partial_transcript", "text": "x"}
    decoded = decode_server_message(json.dumps(fields))
    assert decoded == PartialTranscript("x")
    assert decoded.fields == fields
    assert json.loads(encode_message(decoded.fields)) == fields


def test_an_undocumented_type_with_an_error_text_is_an_error() -> None:
    decoded = decode_server_message('{"message_type":"scribe_error","error":"oops"}')
    assert decoded == ErrorMessage("scribe_error", "oops")


@pytest.mark.parametrize(
    ("field", "text"), [("", ""), (',"error":{"code":1}', '{"code":1}'), (',"error":null', "null")]
)
def test_an_error_is_not_lost_over_the_form_of_its_text(field: str, text: str) -> None:
    decoded = decode_server_message(f'{{"message_type":"auth_error"{field}}}')
    assert decoded == ErrorMessage("auth_error", text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", "The message is not JSON: Input data was truncated."),
        (b"\xff", "The message is not JSON: "),
        (b'"\xff"', "The message is not JSON: it is not Unicode text."),
        ('"\ud800"', "The message is not JSON: it is not Unicode text."),
        ("[" * 100_000, "The message is not JSON that we read: nested too deep."),
        ("[]", "The message is not a JSON object, but of type list."),
        ("{}", "The message has no `message_type` text."),
        ('{"message_type":7}', "The message has no `message_type` text."),
        ('{"message_type":"warning"}', "Malformed warning: Object missing required field"),
        (
            '{"message_type":"partial_transcript","text":1}',
            "Malformed partial_transcript: Expected `str`, got `int` - at `$.text`.",
        ),
    ],
)
def test_a_malformed_message_is_one_clear_line(data: str | bytes, text: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode_server_message(data)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        f'{{"message_type":"committed_transcript","text":["{SECRET}"]}}',
        f'{{"message_type":"session_started","session_id":"a","config":"{SECRET}"}}',
        f'{{"text":"{SECRET}"}}',
        f'{{"text":"{SECRET}',
        f'"{SECRET}"',
    ],
)
def test_an_error_text_repeats_nothing_of_the_transcript(data: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode_server_message(data)
    assert SECRET not in str(caught.value)


@given(st.binary() | st.text())
def test_any_input_is_decoded_or_refused(data: bytes | str) -> None:
    with contextlib.suppress(MalformedMessage):
        decode_server_message(data)


def test_the_encoder_writes_one_chunk_message() -> None:
    samples = np.array([1, -2, 32767], dtype="<i2")
    encoded = ChunkEncoder(16000).encode(samples.data)
    assert encoded == (
        b'{"message_type":"input_audio_chunk","audio_base_64":"AQD+//9/",'
        b'"commit":false,"sample_rate":16000}'
    )


@given(st.binary(), st.booleans(), st.none() | TEXT)
def test_a_client_message_survives_the_round_trip(
    payload: bytes, commit: bool, previous_text: str | None
) -> None:
    encoded = ChunkEncoder(8000).encode(payload, commit=commit, previous_text=previous_text)
    decoded = decode_client_message(encoded.decode())
    assert decoded == InputAudioChunk(payload, commit, 8000, previous_text)


def test_fields_other_than_the_audio_may_be_missing() -> None:
    assert decode_client_message(chunk()) == InputAudioChunk(b"")


def test_previous_text_may_be_null() -> None:
    assert decode_client_message(chunk(previous_text=None)).previous_text is None


def test_a_slash_in_base64_may_be_escaped() -> None:
    escaped = r'{"message_type":"input_audio_chunk","audio_base_64":"\/\/8="}'
    assert decode_client_message(escaped).audio == b"\xff\xff"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("nonsense", "The message is not JSON: JSON is malformed"),
        ("\ud800", "The message is not JSON: it is not Unicode text."),
        ("[" * 100_000, "The message is not JSON that we read: nested too deep."),
        ("[]", "The message is not a JSON object, but of type list."),
        ('{"message_type":"commit"}', "Unexpected message type: 'commit'"),
        ('{"message_type":"clear","commit":1}', "Unexpected message type: 'clear'"),
        ('{"audio_base_64":""}', "Unexpected message type: None"),
        (f'{{"message_type":"{"x" * 1000}"}}', "Unexpected message type: 'xxx"),
        (
            '{"message_type":"input_audio_chunk"}',
            "Malformed input_audio_chunk: Object missing required field `audio_base_64`.",
        ),
        (chunk(commit="yes"), "Malformed input_audio_chunk: Expected `bool`, got `str`"),
        (chunk(audio_base_64="AQ"), "`audio_base_64` is not valid base64."),
        (chunk(audio_base_64="A*=="), "`audio_base_64` is not valid base64."),
        (chunk(audio_base_64="é"), "`audio_base_64` is not valid base64."),
    ],
)
def test_a_client_message_is_refused_with_the_reason(data: str, text: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode_client_message(data)
    assert str(caught.value).startswith(text)
    assert len(str(caught.value)) < 120


def test_words_that_cannot_be_read_do_not_cost_the_text() -> None:
    fields = {
        "message_type": "committed_transcript_with_timestamps",
        "text": "hello",
        "words": [{"text": 7}],
    }
    message = decode_server_message(json.dumps(fields))
    assert isinstance(message, CommittedTranscriptWithTimestamps)
    assert (message.text, message.words) == ("hello", None)
    assert message.fields == fields


def test_a_malformed_message_says_what_it_wanted_to_be() -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode_server_message('{"message_type":"committed_transcript"}')
    assert caught.value.message_type == "committed_transcript"
