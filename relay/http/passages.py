"""What of a segment a page shows: its words with their times, and what was found in it. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

EXCERPT: Final = 180
"""Characters shown of a segment in a list."""

LEAD: Final = 60
"""Of them, those before what was found."""


_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that was found, or that wasn't."""

    text: str
    is_hit: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A word with its times, in seconds; or what stands between words, without."""

    runs: Sequence[Run]
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as the provider sent it."""

    text: str
    start: float
    end: float


Hits = Sequence[tuple[int, int]]
"""Stretches `text[start:end]`, in order, without overlaps."""


def excerpt(text: str, hits: Hits) -> list[Run]:
    """Cut out the part of a text around what was first found in it, whole words at both ends."""
    begin = max(0, hits[0][0] - LEAD) if hits else 0
    end = min(len(text), begin + EXCERPT)
    if begin > 0 and (space := text.find(" ", begin, hits[0][0])) >= 0:
        begin = space + 1
    shown = hits[0][1] if hits else begin
    if end < len(text) and (space := text.rfind(" ", shown, end)) >= 0:
        end = space
    runs = list(_runs(text, begin, end, hits))
    before = [Run("… ")] if begin > 0 else []
    after = [Run(" …")] if end < len(text) else []
    return [*before, *runs, *after]


def pieces(text: str, words: Sequence[TimedWord], hits: Hits) -> list[Piece]:
    """Lay words over the text that they belong to.

    The text counts: a word that isn't found where it should stand, because the provider writes it
    otherwise in the text, has no times then, and the next ones are looked for behind it.
    """
    found: list[Piece] = []
    done = skipped = 0
    for word in words:
        at = text.find(word.text, done)
        if not word.text or at < 0 or len(_WORD.findall(text, done, at)) > skipped:
            skipped += 1
            continue
        skipped = 0
        if at > done:
            found.append(Piece(list(_runs(text, done, at, hits))))
        done = at + len(word.text)
        found.append(Piece(list(_runs(text, at, done, hits)), word.start, word.end))
    if done < len(text):
        found.append(Piece(list(_runs(text, done, len(text), hits))))
    return found


def _runs(text: str, begin: int, end: int, hits: Hits) -> Iterator[Run]:
    """Divide `text[begin:end]` where what was found begins and ends."""
    at = begin
    for start, stop in hits:
        start, stop = max(start, at), min(stop, end)
        if start >= stop:
            continue
        if at < start:
            yield Run(text[at:start])
        yield Run(text[start:stop], is_hit=True)
        at = stop
    if at < end:
        yield Run(text[at:end])
