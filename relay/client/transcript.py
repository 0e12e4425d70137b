"""Events in, segments and words out. Pure."""

from dataclasses import dataclass, replace

from relay.client.events import CommittedTranscript, Event, PartialTranscript, TimedTranscript


@dataclass(frozen=True)
class Word:
    """A word, the space between two words, or a sound such as laughter."""

    text: str
    start: float | None
    """Seconds since the session's first sample; `None` where the provider gives no time."""
    end: float | None
    type: str = "word"
    """`word`, `spacing` or `audio_event`."""


@dataclass(frozen=True)
class Segment:
    """One committed stretch of a session."""

    index: int
    text: str
    start: float
    """Seconds since the session's first sample; where the segment before ends."""
    end: float
    words: tuple[Word, ...] | None = None
    """`None` if times were not asked for or were lost."""
    language_code: str | None = None


class Transcript:
    """What was said in one session, as far as it has come."""

    def __init__(self, sample_rate: int) -> None:
        """Begin empty; `sample_rate` is that of the audio sent, in Hz."""
        self._sample_rate = sample_rate
        self._committed: dict[int, CommittedTranscript | TimedTranscript] = {}
        self.partial = ""
        """Text of the open segment; replaced often, empty after each commit."""

    def receive(self, event: Event) -> None:
        """Take in one event; those that carry no text change nothing."""
        match event:
            case PartialTranscript(text):
                self.partial = text
            case TimedTranscript():
                self._committed[event.segment] = event
                self.partial = ""
            case CommittedTranscript():
                # The timed message says all that the plain one does, and may come first.
                self._committed.setdefault(event.segment, event)
                self.partial = ""
            case _:
                pass

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Every committed segment that has text, in order."""
        segments: list[Segment] = []
        start = 0.0
        for index, event in sorted(self._committed.items()):
            end = event.end_sample / self._sample_rate
            segment = Segment(index, event.text.strip(), start, end)
            if isinstance(event, TimedTranscript):
                segment = replace(
                    segment, words=_words_of(event), language_code=event.language_code
                )
            if segment.text:
                segments.append(segment)
            start = end
        return tuple(segments)

    @property
    def text(self) -> str:
        """All committed text, one segment after the other."""
        return " ".join(segment.text for segment in self.segments)


def _words_of(event: TimedTranscript) -> tuple[Word, ...] | None:
    if event.words is None:
        return None
    return tuple(Word(word.text, word.start, word.end, word.type) for word in event.words)
