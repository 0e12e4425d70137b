"""What client and Scribe say to each other, as frozen structs tagged by `message_type`.

    client   InputAudioChunk
    server   SessionStarted
             PartialTranscript
             CommittedTranscript, CommittedTranscriptWithTimestamps (Word, Character)
             CommittedTranscriptEntities (Entity), RedactedTranscript, EditedTranscript
             DiarizedTranscript, SpeakersMerged
             FinalTranscript, FinalTranscriptWithTimestamps     documented once, never seen
             WarningMessage, ErrorMessage
             Unknown                                            whatever the vendor adds next

Attributes are what we act on; `fields` is what was sent, to the last unknown field.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeAlias

from msgspec import Struct, field, to_builtins

from relay.scribe.errors import ErrorClass, classify


class InputAudioChunk(Struct, frozen=True):
    """The only message that a client sends, decoded."""

    audio: bytes
    """Whole samples in the session's `audio_format`; may be empty."""
    commit: bool = False
    """End the segment after this chunk's audio."""
    sample_rate: int | None = None
    """Hz; informational, since the session's rate is part of its `audio_format`."""
    previous_text: str | None = None
    """Context before the audio; allowed in the first chunk only."""


class _Sent(Struct, frozen=True, dict=True):
    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object exactly as it was sent, or as it would be.

        A decoded message finds it in its `__dict__`, where the codec has put it; one that was built
        here makes it from its attributes.
        """
        return to_builtins(self)  # type: ignore[no-any-return]  # a struct gives a dict


class _Tagged(_Sent, frozen=True, dict=True, tag_field="message_type"):
    pass


class Character(Struct, frozen=True):
    """One character of a word; `start` and `end` as in `Word`."""

    text: str
    start: float | None = None
    end: float | None = None


class Word(Struct, frozen=True):
    """A word, the space between two words, or a sound such as laughter."""

    text: str
    start: float | None = None
    """Seconds from the first audio of the socket, not of the segment."""
    end: float | None = None
    type: str = "word"
    """`word`, `spacing` or `audio_event`; a value added later passes."""
    speaker_id: str | None = None
    logprob: float | None = None
    characters: tuple[Character | str, ...] | None = None
    """Objects on the live service, plain strings in some of the vendor's types."""
    channel_index: int | None = None


class Entity(Struct, frozen=True):
    """A named thing found in a committed text."""

    text: str
    entity_type: str
    start_char: int | None = None
    end_char: int | None = None


class SessionStarted(_Tagged, frozen=True, tag="session_started"):
    """The go signal: the credential and every parameter were accepted."""

    session_id: str
    config: dict[str, Any] = field(default_factory=dict)


class PartialTranscript(_Tagged, frozen=True, tag="partial_transcript"):
    """The open segment so far; replaces the previous one."""

    text: str


class CommittedTranscript(_Tagged, frozen=True, tag="committed_transcript"):
    """The final text of a segment: exactly one per commit, `""` for silence."""

    text: str


class CommittedTranscriptWithTimestamps(
    _Tagged, frozen=True, tag="committed_transcript_with_timestamps"
):
    """A committed segment's second message; the same segment, not another one."""

    text: str
    language_code: str | None = None
    words: tuple[Word, ...] | None = None
    """`None` when only the language was asked for."""


class CommittedTranscriptEntities(_Tagged, frozen=True, tag="committed_transcript_entities"):
    """The entities of a committed segment; arrives on either side of the timed message."""

    text: str
    entities: tuple[Entity, ...] = ()


class RedactedTranscript(_Tagged, frozen=True, tag="redacted_transcript"):
    """A committed text with its entities replaced; arrives some time after it."""

    text: str
    redacted_text: str


class EditedTranscript(_Tagged, frozen=True, tag="edited_transcript"):
    """A committed text after the `transcript_edit` instruction; matched by `text`, any order."""

    text: str
    edited_text: str


class DiarizedTranscript(_Tagged, frozen=True, tag="diarized_transcript"):
    """The final speakers of a segment, in commit order."""

    segment_index: int
    text: str
    words: tuple[Word, ...] | None = None


class SpeakersMerged(_Tagged, frozen=True, tag="speakers_merged"):
    """Two speakers were one: rename the earlier ids, in order."""

    from_speaker_id: str
    to_speaker_id: str


class FinalTranscript(_Tagged, frozen=True, tag="final_transcript"):
    """Documented in mid 2026, gone since, never seen; accepted all the same."""

    text: str


class FinalTranscriptWithTimestamps(_Tagged, frozen=True, tag="final_transcript_with_timestamps"):
    """Documented in mid 2026, gone since, never seen; accepted all the same."""

    text: str
    language_code: str | None = None
    words: tuple[Word, ...] | None = None


class WarningMessage(_Tagged, frozen=True, tag="warning"):
    """Something to show; not fatal."""

    warning: str


class ErrorMessage(_Sent, frozen=True):
    """An error of any type; the server usually closes the socket next."""

    error_type: str
    """The `message_type`: an `ErrorType`'s value, or one that isn't documented."""
    error: str
    """For people: never branch on it."""

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object exactly as it was sent, or as it would be."""
        return {"message_type": str(self.error_type), "error": self.error}

    @property
    def error_class(self) -> ErrorClass:
        """What can be done about it; an undocumented type counts as retryable."""
        return classify(self.error_type) or ErrorClass.RETRYABLE


class Unknown(_Sent, frozen=True):
    """A message whose type isn't documented: pass it on or ignore it, never fail on it."""

    message_type: str

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object exactly as it was sent, or as it would be."""
        return {"message_type": self.message_type}


TypedMessage: TypeAlias = (
    SessionStarted
    | PartialTranscript
    | CommittedTranscript
    | CommittedTranscriptWithTimestamps
    | CommittedTranscriptEntities
    | RedactedTranscript
    | EditedTranscript
    | DiarizedTranscript
    | SpeakersMerged
    | FinalTranscript
    | FinalTranscriptWithTimestamps
    | WarningMessage
)
"""The messages that one type each describes."""

ServerMessage: TypeAlias = TypedMessage | ErrorMessage | Unknown
"""Everything that a server may send."""
