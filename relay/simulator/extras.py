"""What follows a final on request: entities, redaction, edits, as far as a stand-in can.

The service understands entities and instructions. Here an entity is a run of digits, of type
`number`, and every instruction reads "write it in capitals": enough to see that the messages arrive
and belong to their text.
"""

import re
from collections.abc import Iterator
from typing import Final

from relay.scribe.messages import (
    CommittedTranscriptEntities,
    EditedTranscript,
    Entity,
    RedactedTranscript,
)
from relay.scribe.parameters import Parameters

_NUMBER: Final = re.compile(r"[0-9]+")


def extras_of(
    text: str, parameters: Parameters
) -> Iterator[CommittedTranscriptEntities | RedactedTranscript | EditedTranscript]:
    """Make the messages that `parameters` ask for after a final."""
    if parameters.entity_detection:
        entities = (Entity(m[0], "number", m.start(), m.end()) for m in _NUMBER.finditer(text))
        yield CommittedTranscriptEntities(text, tuple(entities))
    if parameters.entity_redaction:
        yield RedactedTranscript(text, _redact(text, parameters.entity_redaction_mode))
    if parameters.transcript_edit:
        yield EditedTranscript(text, text.upper())


def _redact(text: str, mode: str) -> str:
    numbers: dict[str, int] = {}

    def placeholder(match: re.Match[str]) -> str:
        if mode == "redacted":
            return "[REDACTED]"
        if mode == "entity_type":
            return "[NUMBER]"
        return f"[NUMBER_{numbers.setdefault(match[0], len(numbers) + 1)}]"

    return _NUMBER.sub(placeholder, text)
