"""Segments and words in; plain text, SRT, WebVTT and JSON out. Pure.

A cue never crosses a segment, so what was committed apart is shown apart.
"""

import json
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Protocol

MAX_LINE_WIDTH = 42
"""Columns in a line; a Chinese, Japanese or Korean character takes two.

Source: the limit that broadcasters' and streaming services' subtitle guidelines share.
"""

MAX_LINES = 2

MIN_DURATION = 1.0
"""Seconds that a cue stays where the next one leaves room for it."""

MAX_DURATION = 7.0
"""Seconds after which a cue ends; longer, and people read it twice."""

READING_SPEED = 20
"""Columns a second. A cue that is spoken faster stays longer where the next one leaves room for it.

Source: the limit of streaming services' subtitle guidelines for adults.
"""

SHORTEST = 0.001
"""Seconds; a cue must not end when it starts, or players drop it. Source: WebVTT, section 4.1."""

LONG_PAUSE = 0.7
"""Seconds of silence between two words that end a cue."""

_SENTENCE_END = re.compile(r"[.!?…。！？।][\"'”’»)\]]*$")
_NOT_A_SENTENCE_END = re.compile(r"(^|\s)(\w|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|vs|etc|e\.g|i\.e)\.$")


class SpokenWord(Protocol):
    """A word, the space between two words, or a sound such as laughter."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float | None:
        """Seconds since the session's first sample; `None` if unknown."""

    @property
    def end(self) -> float | None: ...
    @property
    def type(self) -> str:
        """`word`, `spacing` or `audio_event`."""


class SpokenSegment(Protocol):
    """One committed stretch of a session."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float:
        """Seconds since the session's first sample; `end` likewise."""

    @property
    def end(self) -> float: ...
    @property
    def words(self) -> Sequence[SpokenWord] | None:
        """`None` where only the segment's own bounds are known."""

    @property
    def language_code(self) -> str | None: ...


@dataclass(frozen=True)
class Cue:
    """What stands on the screen from `start` to `end`, in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Piece:
    """A word with the space before it, and when it is said."""

    text: str
    start: float
    end: float


def make_cues(segments: Iterable[SpokenSegment]) -> list[Cue]:
    """Cut segments into cues of readable length that never overlap, in order of time."""
    cutter = CueCutter()
    cues = [cue for segment in segments for cue in cutter.push(segment)]
    return [*cues, *cutter.finish()]


class CueCutter:
    """Cuts segments into cues as they come, so that nobody has to hold all of them."""

    def __init__(self) -> None:
        self._last: Cue | None = None

    def push(self, segment: SpokenSegment) -> Iterator[Cue]:
        """Take the next segment, and give the cues that are settled by it."""
        for group in _group(_pieces(segment)):
            cue = Cue(group[0].start, group[-1].end, _wrap(_text_of(group)))
            if self._last is not None:
                yield _settle(self._last, cue.start)
            self._last = cue

    def finish(self) -> Iterator[Cue]:
        """Give the last cue, once."""
        last, self._last = self._last, None
        if last is not None:
            yield _settle(last, math.inf)


def render_txt(segments: Iterable[SpokenSegment]) -> str:
    """Write one line for each segment."""
    return "".join(f"{one_line(segment.text)}\n" for segment in segments)


def render_srt(segments: Iterable[SpokenSegment]) -> str:
    """Write SubRip."""
    cues = enumerate(make_cues(segments), start=1)
    return "\n".join(srt_block(number, cue) for number, cue in cues)


def srt_block(number: int, cue: Cue) -> str:
    """Write one cue of SubRip; the first one is number 1, and an empty line stands between two."""
    times = f"{_timestamp(cue.start, ',')} --> {_timestamp(cue.end, ',')}"
    # SubRip has no escapes, and players look for the arrow.
    lines = "\n".join(cue.lines).replace("-->", "->")
    return f"{number}\n{times}\n{lines}\n"


def render_vtt(segments: Iterable[SpokenSegment]) -> str:
    """Write WebVTT."""
    return "\n".join([VTT_HEAD, *map(vtt_block, make_cues(segments))])


VTT_HEAD = "WEBVTT\n"


def vtt_block(cue: Cue) -> str:
    """Write one cue of WebVTT; an empty line stands before it."""
    times = f"{_timestamp(cue.start, '.')} --> {_timestamp(cue.end, '.')}"
    text = "\n".join(cue.lines)
    # With `>` escaped no arrow is left in the text.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{times}\n{text}\n"


def render_json(segments: Iterable[SpokenSegment]) -> str:
    """Write everything that is known, times in seconds."""
    segments = list(segments)
    transcript = {
        "text": " ".join(one_line(segment.text) for segment in segments),
        "segments": [describe(segment) for segment in segments],
    }
    return json.dumps(transcript, ensure_ascii=False, indent=2) + "\n"


def describe(segment: SpokenSegment) -> dict[str, Any]:
    """Say what is known of a segment, in terms of JSON."""
    words = segment.words
    return {
        "text": segment.text,
        "start": segment.start,
        "end": segment.end,
        "language_code": segment.language_code,
        "words": None if words is None else [_word(word) for word in words],
    }


def one_line(text: str) -> str:
    """Put a text on one line."""
    return " ".join(text.split())


def _word(word: SpokenWord) -> dict[str, Any]:
    return {"text": word.text, "start": word.start, "end": word.end, "type": word.type}


def _pieces(segment: SpokenSegment) -> list[_Piece]:
    """Cut a segment into timed pieces, each no wider than a line."""
    words = segment.words or ()
    if any(word.start is not None for word in words):
        pieces = _timed(words, segment.start)
    else:
        pieces = _spread(one_line(segment.text), segment.start, segment.end)
    return [part for piece in pieces for part in _spread_wide(piece)]


def _timed(words: Sequence[SpokenWord], start: float) -> Iterator[_Piece]:
    """Join each word with the space before it; missing times are the neighbours'."""
    space = ""
    latest = start
    for word in words:
        if word.type == "spacing":
            space = " "
            continue
        begin = max(latest, latest if word.start is None else word.start)
        latest = max(begin, begin if word.end is None else word.end)
        if text := one_line(word.text):
            yield _Piece(space + text, begin, latest)
            space = ""


def _spread(text: str, start: float, end: float) -> Iterator[_Piece]:
    """Give each word of an untimed text its share of the time, by its width."""
    pieces = re.findall(r"\s?\S+", text)
    per_column = (end - start) / max(1, sum(map(_width, pieces)))
    for piece in pieces:
        begin, start = start, start + per_column * _width(piece)
        yield _Piece(piece, begin, start)


def _spread_wide(piece: _Piece) -> Iterator[_Piece]:
    """Cut a piece that no line can hold, such as a whole sentence of Chinese."""
    text = piece.text.strip()
    if _width(text) <= MAX_LINE_WIDTH:
        yield piece
        return
    per_column = (piece.end - piece.start) / _width(text)
    space = piece.text[: len(piece.text) - len(text)]
    begin = piece.start
    for index, part in enumerate(text):
        end = begin + per_column * _width(part)
        yield _Piece(part if index else space + part, begin, end)
        begin = end


def _group(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """Collect pieces into cues."""
    group: list[_Piece] = []
    for piece in pieces:
        if group and _ends_before(group, piece):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _ends_before(group: Sequence[_Piece], piece: _Piece) -> bool:
    start, last = group[0].start, group[-1]
    if piece.start - last.end >= LONG_PAUSE or piece.end - start > MAX_DURATION:
        return True
    text = "".join(each.text for each in group).lstrip()
    if not _fits(text + piece.text):
        return True
    return last.end - start >= MIN_DURATION and _is_sentence(text.rstrip())


def _fits(text: str) -> bool:
    """Whether two lines hold a text."""
    edges = _edges(text)
    if edges[-1] <= MAX_LINE_WIDTH:
        return True
    # The longest first line leaves least to the second, so no other has to be tried; whoever tries
    # them all for each word takes the greater part of a second for a long transcript.
    longest = bisect_right(edges, MAX_LINE_WIDTH) - 1
    place = next((i for i in range(longest, 0, -1) if _may_begin_line(text[i])), longest)
    rest = text[place:].lstrip()
    return edges[-1] - edges[len(text) - len(rest)] <= MAX_LINE_WIDTH


def _is_sentence(text: str) -> bool:
    return bool(_SENTENCE_END.search(text)) and not _NOT_A_SENTENCE_END.search(text)


def _wrap(text: str) -> tuple[str, ...]:
    """Break a text that fits into lines, two of them as even as they can be."""
    edges = _edges(text)
    if edges[-1] <= MAX_LINE_WIDTH:
        return (text,)
    places = range(1, len(text))
    halves = _halves(text, edges, (i for i in places if _may_begin_line(text[i])))
    _, first, second = min(halves or _halves(text, edges, places))
    return (first, second)


def _halves(text: str, edges: Sequence[int], places: Iterable[int]) -> list[tuple[int, str, str]]:
    """List the ways to break a text into two lines, each with how uneven they are."""
    halves = []
    for place in places:
        first, second = text[:place].rstrip(), text[place:].lstrip()
        columns = edges[len(first)]
        rest = edges[-1] - edges[len(text) - len(second)]
        if columns <= MAX_LINE_WIDTH and rest <= MAX_LINE_WIDTH:
            halves.append((abs(columns - rest), first, second))
    return halves


def _may_begin_line(char: str) -> bool:
    """Whether a line may end before it: at spaces and between wide characters."""
    if char == " ":
        return True
    return _columns(char) == 2 and not unicodedata.category(char).startswith("P")


def _settle(cue: Cue, next_start: float) -> Cue:
    """Keep a cue within its shortest and longest time, and out of the next one."""
    readable = max(MIN_DURATION, sum(map(_width, cue.lines)) / READING_SPEED)
    end = min(max(cue.end, cue.start + readable), cue.start + MAX_DURATION, next_start)
    return Cue(cue.start, max(end, cue.start + SHORTEST), cue.lines)


def _text_of(group: Iterable[_Piece]) -> str:
    return "".join(piece.text for piece in group).strip()


def _width(text: str) -> int:
    return sum(map(_columns, text))


def _edges(text: str) -> Sequence[int]:
    """Count the columns before each character, and before the text's end."""
    return list(accumulate(map(_columns, text), initial=0))


@lru_cache(maxsize=4096)
def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _timestamp(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{mark}{milliseconds:03}"
