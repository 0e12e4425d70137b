import json
from typing import get_args

import pytest

from relay.scribe.errors import ErrorClass, ErrorType
from relay.scribe.messages import (
    CommittedTranscriptWithTimestamps,
    ErrorMessage,
    InputAudioChunk,
    PartialTranscript,
    TypedMessage,
    Unknown,
    Word,
)


def test_each_documented_message_has_its_own_type() -> None:
    tags = [message.__struct_config__.tag for message in get_args(TypedMessage)]
    assert len(tags) == len(set(tags)) == 12


def test_a_message_built_here_writes_its_own_fields() -> None:
    word = Word("hi", 0.1, 0.4, logprob=-0.2)
    message = CommittedTranscriptWithTimestamps("hi", words=(word,))
    assert json.loads(json.dumps(message.fields)) == {
        "message_type": "committed_transcript_with_timestamps",
        "text": "hi",
        "language_code": None,
        "words": [
            {
                "text": "hi",
                "start": 0.1,
                "end": 0.4,
                "type": "word",
                "speaker_id": None,
                "logprob": -0.2,
                "characters": None,
                "channel_index": None,
            }
        ],
    }


def test_messages_are_equal_by_what_we_act_on() -> None:
    assert PartialTranscript("a") == PartialTranscript("a") != PartialTranscript("b")


def test_messages_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        PartialTranscript("a").text = "b"  # type: ignore[misc]  # it is what we test


def test_an_error_writes_its_type_as_message_type() -> None:
    message = ErrorMessage(ErrorType.QUEUE_OVERFLOW, "slow down")
    assert message.fields == {"message_type": "queue_overflow", "error": "slow down"}


def test_an_error_tells_what_can_be_done_about_it() -> None:
    assert ErrorMessage("input_error", "").error_class is ErrorClass.PER_MESSAGE


def test_an_undocumented_error_counts_as_retryable() -> None:
    assert ErrorMessage("new_error", "?").error_class is ErrorClass.RETRYABLE


def test_an_unknown_message_writes_its_type() -> None:
    assert Unknown("weather").fields == {"message_type": "weather"}


def test_a_chunk_neither_commits_nor_has_context_by_default() -> None:
    assert InputAudioChunk(b"") == InputAudioChunk(b"", False, None, None)
