import json
from typing import Any

import pytest

from relay.scribe.codec import encode_message
from relay.scribe.parameters import Parameters
from relay.simulator.extras import extras_of


def extras(text: str, **parameters: Any) -> list[dict[str, Any]]:
    """The messages as a client reads them."""
    found = extras_of(text, Parameters(**parameters))
    return [json.loads(encode_message(extra.fields)) for extra in found]


def test_nothing_comes_unasked() -> None:
    assert extras("call 12") == []


def test_numbers_are_the_entities() -> None:
    assert extras("from 12 to 345", entity_detection=("pii",)) == [
        {
            "message_type": "committed_transcript_entities",
            "text": "from 12 to 345",
            "entities": [
                {"text": "12", "entity_type": "number", "start_char": 5, "end_char": 7},
                {"text": "345", "entity_type": "number", "start_char": 11, "end_char": 14},
            ],
        }
    ]


def test_a_text_without_entities_is_told_of_as_well() -> None:
    (message,) = extras("hello", entity_detection=("all",))
    assert (message["text"], message["entities"]) == ("hello", [])


@pytest.mark.parametrize(
    ("mode", "redacted"),
    [
        ("redacted", "[REDACTED] [REDACTED] [REDACTED]"),
        ("entity_type", "[NUMBER] [NUMBER] [NUMBER]"),
        ("enumerated_entity_type", "[NUMBER_1] [NUMBER_2] [NUMBER_1]"),
    ],
)
def test_redaction_leaves_the_text_and_replaces_in_a_copy(mode: str, redacted: str) -> None:
    assert extras("1 23 1", entity_redaction=("all",), entity_redaction_mode=mode) == [
        {"message_type": "redacted_transcript", "text": "1 23 1", "redacted_text": redacted}
    ]


def test_an_edit_belongs_to_its_text() -> None:
    assert extras("hello", transcript_edit="Shout.") == [
        {"message_type": "edited_transcript", "text": "hello", "edited_text": "HELLO"}
    ]


def test_entities_come_before_their_redaction() -> None:
    found = extras("12", entity_detection=("all",), entity_redaction=("all",))
    assert [message["message_type"] for message in found] == [
        "committed_transcript_entities",
        "redacted_transcript",
    ]
