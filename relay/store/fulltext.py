"""Words of any script: how texts are indexed, what a query means, where its hits are. Pure.

SQLite and PostgreSQL each have a parser of their own, which cut the same text differently; neither
finds a Chinese word within a sentence. So both are given tokens that were made here, and a query
means the same in both.

* A run of letters, digits and the marks on them is a token; all else divides.
* Where words aren't divided by spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese), each
  character is a token, and a word is found as a phrase.
* Case, width and compatibility forms don't count, nor do accents on Latin letters, nor the dots of
  the Cyrillic ё. Word forms do count; `word*` finds all that begin so.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_QUERY_LENGTH: Final = 200
"""Characters."""

MAX_TERMS: Final = 16

MIN_BEGINNING: Final = 2
"""Characters before a `*`: what begins with one letter is a good part of the whole index, which is
everybody's, and has to be gone through before it is known whose it is."""

MAX_TOKEN_LENGTH: Final = 64
"""Characters; what is longer is cut. PostgreSQL takes 2,046 bytes.

*Source*: https://www.postgresql.org/docs/15/textsearch-limitations.html
"""

MAX_POSITION: Final = 16_383
"""Of a token in PostgreSQL; a segment has some hundreds. *Source*: as above."""

_UNDIVIDED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # Chinese: iteration mark, zero
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana
    (0x3400, 0x9FFF),  # Chinese
    (0xF900, 0xFAFF),  # Chinese
    (0xFF66, 0xFF9D),  # Katakana of half width
    (0x1B000, 0x1B16F),  # Kana
    (0x20000, 0x3FFFF),  # Chinese
)
"""Scripts that don't divide words by spaces. *Source*: Unicode 15.0, Blocks.txt."""

_TERM: Final = re.compile(r'"([^"]*)"?(\*?)|([^\s"]+)')

_ASCII_WORD: Final = re.compile("[0-9A-Za-z]+")

_AFTER_LATIN: Final = "\u0250"

_IE_WITH_DOTS: Final = "е\N{COMBINING DIAERESIS}"


class Token(NamedTuple):
    """A word, or a character of a script that doesn't divide words; `text[start:end]` is it."""

    text: str
    """Folded: two that are the same for a search are equal."""
    start: int
    end: int


class Hit(NamedTuple):
    """A stretch `text[start:end]` of a text that a query found, in characters (code points)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Term:
    """Tokens that follow one another."""

    tokens: tuple[str, ...]
    is_prefix: bool = False
    """Whether the last one may go on."""


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that all have to be found in one segment."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> "Query":
        """Read what somebody typed: words, "phrases in quotes", beginnings*.

        Raises:
            ValueError: If there is nothing to look for in it, too much, or a beginning too short.
        """
        if len(text) > MAX_QUERY_LENGTH:
            raise ValueError(f"a search has at most {MAX_QUERY_LENGTH} characters")
        terms = []
        for phrase, star, word in _TERM.findall(text):
            written = phrase or word
            if tokens := tuple(token.text for token in tokenize(written)):
                is_prefix = bool(star) or word.endswith("*")
                if is_prefix and _is_too_short(tokens[-1]):
                    raise ValueError(
                        f"a beginning has at least {MIN_BEGINNING} letters or digits before the *"
                    )
                terms.append(Term(tokens, is_prefix))
        if not terms:
            raise ValueError("a search needs a letter or a digit")
        if len(terms) > MAX_TERMS:
            raise ValueError(f"a search has at most {MAX_TERMS} words")
        # What is asked for twice is found once.
        return cls(tuple(dict.fromkeys(terms)))

    def to_fts5(self) -> str:
        """Write it for SQLite: https://www.sqlite.org/fts5.html#full_text_query_syntax."""
        return " AND ".join(
            f'"{" ".join(term.tokens)}"{" *" if term.is_prefix else ""}' for term in self.terms
        )

    def to_tsquery(self) -> str:
        """Write it for PostgreSQL, as the text of a tsquery."""
        return " & ".join(f"({_tsquery_of(term)})" for term in self.terms)

    def find(self, text: str) -> list[Hit]:
        """Find where it is in a text, in order, without overlaps."""
        tokens = list(tokenize(text))
        places: dict[str, list[int]] = {}
        for place, token in enumerate(tokens):
            places.setdefault(token.text, []).append(place)
        found = sorted(hit for term in self.terms for hit in _find(term, tokens, places))
        hits: list[Hit] = []
        for hit in found:
            if hits and hit.start < hits[-1].end:
                hits[-1] = Hit(hits[-1].start, max(hits[-1].end, hit.end))
            else:
                hits.append(hit)
        return hits


def tokenize(text: str) -> Iterator[Token]:
    """Cut a text into tokens, in order."""
    if text.isascii():
        # The same, without looking at each character.
        for word in _ASCII_WORD.finditer(text):
            yield Token(word[0].lower()[:MAX_TOKEN_LENGTH], word.start(), word.end())
        return
    for start, end in _runs(text):
        if folded := fold(text[start:end]):
            yield Token(folded, start, end)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    start: int | None = None
    was_alone = False
    for position, character in enumerate(text):
        category = unicodedata.category(character)[0]
        if category == "M" and start is not None:
            continue  # a mark belongs to what it is on
        is_word = category in "LN"
        is_alone = is_word and _stands_alone(character)
        if start is not None and (not is_word or is_alone or was_alone):
            yield start, position
            start = None
        if is_word and start is None:
            start, was_alone = position, is_alone
    if start is not None:
        yield start, len(text)


def to_tsvector(tokens: Sequence[str]) -> str:
    """Write tokens for PostgreSQL, as the text of a tsvector."""
    numbered = enumerate(tokens, start=1)
    return " ".join(f"{_quoted(token)}:{min(at, MAX_POSITION)}" for at, token in numbered)


def _stands_alone(character: str) -> bool:
    code = ord(character)
    return code >= 0x0E00 and any(first <= code <= last for first, last in _UNDIVIDED)


def fold(word: str) -> str:
    """Bring a word to the form in which it is indexed; empty if nothing is left of it."""
    if word.isascii():
        return word.lower()[:MAX_TOKEN_LENGTH]
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", word).casefold())
    kept: list[str] = []
    is_latin = False
    for character in decomposed.replace(_IE_WITH_DOTS, "е"):
        if not unicodedata.combining(character):
            is_latin = character < _AFTER_LATIN
        elif is_latin:
            continue
        kept.append(character)
    # Some forms stand for several words.
    return "".join(unicodedata.normalize("NFC", "".join(kept)).split())[:MAX_TOKEN_LENGTH]


def _is_too_short(beginning: str) -> bool:
    # A character that is a word by itself begins little else.
    return len(beginning) < MIN_BEGINNING and not _stands_alone(beginning)


def _find(
    term: Term, tokens: Sequence[Token], places: Mapping[str, Sequence[int]]
) -> Iterator[Hit]:
    """Find a term where its first token is, instead of trying every place for every term."""
    *before, last = term.tokens
    for begin in _places_of(term, places):
        found = tokens[begin : begin + len(term.tokens)]
        if len(found) <= len(before) or any(map(_differs, found, before)):
            continue
        text = found[-1].text
        if text == last or (term.is_prefix and text.startswith(last)):
            yield Hit(found[0].start, found[-1].end)


def _places_of(term: Term, places: Mapping[str, Sequence[int]]) -> Iterable[int]:
    first = term.tokens[0]
    if len(term.tokens) > 1 or not term.is_prefix:
        return places.get(first, ())
    return (place for text in places if text.startswith(first) for place in places[text])


def _differs(token: Token, wanted: str) -> bool:
    return token.text != wanted


def _tsquery_of(term: Term) -> str:
    quoted = [_quoted(token) for token in term.tokens]
    if term.is_prefix:
        quoted[-1] += ":*"
    return " <-> ".join(quoted)


def _quoted(token: str) -> str:
    doubled = token.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
