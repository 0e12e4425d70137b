"""Finds a lexicon's patterns in a text, in one pass.

All patterns are followed at once, as an automaton: what is remembered between two words is how far
each pattern has come, which is bounded by the lexicon and not by the text. So time is linear, and
no text, however odd, makes it otherwise; regular expressions with gaps can't promise that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from relay.analysis.lexicon import HARMLESS, NOTHING, Lexicon, Pattern
from relay.analysis.tokens import Token

MAX_SPELLED: Final = 16
"""Letters of a word that is spelled letter by letter."""


@dataclass(frozen=True, slots=True)
class _Thread:
    """How far one pattern has come."""

    gap: int
    """Other words that may still come before the next element."""
    places: tuple[int, ...]
    """Of the words that were its elements so far."""


@dataclass(slots=True)
class _Reading:
    """What is known of a text up to a word."""

    threads: dict[tuple[Pattern, int], _Thread] = field(default_factory=dict)
    """By pattern, and the number of its next element."""
    last_word: str = ""
    spelled: str = ""
    is_negated: bool = False
    """Whether the word before negates."""


def find(lexicon: Lexicon, tokens: Iterable[Token]) -> Mapping[str, float]:
    """Judge a text: the highest score of each kind that is found and isn't harmless."""
    harmless: set[int] = set()
    found: list[tuple[Pattern, tuple[int, ...]]] = []
    reading = _Reading()
    for place, token in enumerate(_spoken(lexicon, tokens)):
        for pattern, places in _read(lexicon, reading, place, token):
            if pattern.kind == HARMLESS:
                harmless.update(places)
            else:
                found.append((pattern, places))
    scores: dict[str, float] = {}
    for pattern, places in found:
        if harmless.isdisjoint(places):
            scores[pattern.kind] = max(pattern.score, scores.get(pattern.kind, 0.0))
    return scores


def _spoken(lexicon: Lexicon, tokens: Iterable[Token]) -> Iterator[Token]:
    """Divide what is spoken as one word, and leave out hesitation."""
    for token in tokens:
        if token.ends_sentence:
            yield token
            continue
        word = token.forms[0]
        if word in lexicon.hesitation:
            continue
        stem, mark, ending = word.partition("'")
        if word in lexicon.spoken:
            parts = lexicon.spoken[word]
        elif mark and f"'{ending}" in lexicon.spoken:
            parts = (stem, *lexicon.spoken[f"'{ending}"])
        else:
            yield token
            continue
        for part in parts:
            yield Token((part,))


def _read(
    lexicon: Lexicon, reading: _Reading, place: int, token: Token
) -> Iterator[tuple[Pattern, tuple[int, ...]]]:
    """Take one word further; each pattern that ends with it, and where its elements are."""
    if token.ends_sentence:
        reading.threads = {}
        reading.last_word = reading.spelled = ""
        reading.is_negated = False
        return
    word = token.forms[0]
    elements = _elements(lexicon, reading, token)
    negates = word in lexicon.negation
    threads: dict[tuple[Pattern, int], _Thread] = {}

    def advance(pattern: Pattern, number: int, places: tuple[int, ...]) -> Iterator[Pattern]:
        if number == len(pattern.elements):
            yield pattern
        else:
            threads[pattern, number] = _Thread(pattern.gaps[number], places)

    for (pattern, number), thread in reading.threads.items():
        if pattern.elements[number] in elements:
            places = (*thread.places, place)
            for ended in advance(pattern, number + 1, places):
                yield ended, places
        # What is denied isn't said, and a phrase that came by later may still go on.
        if thread.gap and not negates:
            threads.setdefault((pattern, number), _Thread(thread.gap - 1, thread.places))
    for element in elements:
        for pattern in lexicon.starting.get(element, ()):
            is_denied = reading.is_negated and len(pattern.elements) > 1
            if not is_denied or pattern.kind == HARMLESS:
                for ended in advance(pattern, 1, (place,)):
                    yield ended, (place,)
    reading.threads = threads
    reading.last_word = word
    reading.is_negated = negates


def _elements(lexicon: Lexicon, reading: _Reading, token: Token) -> frozenset[int]:
    """What a word is, together with those before it too where they are parts of one."""
    elements = lexicon.elements_of(token)
    word = token.forms[0]
    if len(word) == 1:
        reading.spelled = (reading.spelled + word)[-MAX_SPELLED:]
        spelled = reading.spelled
        # The first letters may be words: "a" b i t c h.
        for start in range(min(3, len(spelled) - 2)):
            elements |= lexicon.elements_of_parts(spelled[start:])
    else:
        reading.spelled = ""
    joined = lexicon.elements_of_parts(reading.last_word + word) if reading.last_word else NOTHING
    return elements | joined
