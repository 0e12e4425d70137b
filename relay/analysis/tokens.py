"""A text as recognisers write it, brought into the one form in which words are compared.

Recognisers differ in case, punctuation, digits and whether they mask words, and people who write
differ in more. So what a reader wouldn't hear is taken away here; which words there are is the
lexicon's business.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAX_WORD: Final = 64
"""Characters of a word that are looked at; a longer one is no word."""

KNOWN_WORDS: Final = 4096
"""Words of which is remembered what they are; most of what people say is a few thousand words."""

MASKS: Final = frozenset("*#_")
"""What stands for letters that were taken out: `f***`."""

_PIECE: Final = re.compile(r"[\w'*#@$]+|(?:\.\.+|…)|[.!?]+")
"""A word, an ellipsis, or the end of a sentence: one class of characters each, so linear."""

_REPEATED: Final = re.compile(r"(.)\1{2,}", re.DOTALL)

_FOLDS: Final = {ord(apostrophe): "'" for apostrophe in "’‘ʼ`´"} | {ord("ё"): "е"}

_TO_CYRILLIC: Final = str.maketrans("aceopxyktmhbu", "асеорхуктмнви")
_TO_LATIN: Final = str.maketrans("асеорхуктмнвіїј", "aceopxyktmhbiij")
"""Letters that look alike."""

_LATIN_DIGITS: Final = str.maketrans("013457@$", "oieastas")
_CYRILLIC_DIGITS: Final = str.maketrans("0346@$", "озчбас")
"""Digits and signs that stand for letters: `sh1t`."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or the end of a sentence."""

    forms: tuple[str, ...]
    """How it may be meant, the likeliest first; none for the end of a sentence."""
    is_number: bool = False
    is_masked: bool = False
    """Whether letters are missing; then it is one form, with `*` for each."""

    @property
    def ends_sentence(self) -> bool:
        return not self.forms


END: Final = Token(())


def tokenize(text: str) -> Iterator[Token]:
    """Take a text apart; what is no word and ends no sentence is left out."""
    for match in _PIECE.finditer(fold(text)):
        piece = match.group()
        if piece[0] in ".!?…":
            # Three points are somebody who thinks, and goes on.
            if piece[:2] != ".." and piece != "…":
                yield END
        elif (token := _token(piece[:MAX_WORD])) is not None:
            yield token


def fold(text: str) -> str:
    """Take away width, case, accents, marks, what can't be seen, and the dots of ё."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_FOLDS)
    if plain.isascii():
        return plain
    return "".join(map(_fold_character, plain))


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    base = unicodedata.normalize("NFD", character)[0]
    # й and ї are letters of their own; é is an e.
    return base if base.isascii() else character


@lru_cache(maxsize=KNOWN_WORDS)
def _token(piece: str) -> Token | None:
    word = piece.strip("'@$")
    if len(word) > 2 and word[0] in MASKS and word[-1] in MASKS:
        word = word.strip("*#_")  # emphasis, as in *word*
    if not any(map(str.isalnum, word)):
        return None
    if word.isdigit():
        return Token((word,), is_number=True)
    if word[0].isalpha() and not MASKS.isdisjoint(word):
        masked = "".join("*" if character in MASKS else character for character in word)
        return Token((_one_script(masked),), is_masked=True)
    word = word.strip("*#_")
    return Token(tuple(dict.fromkeys(_forms(_one_script(word)))))


def _forms(word: str) -> Iterator[str]:
    yield word
    plain = word
    if not word.isalpha():
        is_cyrillic = any(map(_is_cyrillic, word))
        plain = word.translate(_CYRILLIC_DIGITS if is_cyrillic else _LATIN_DIGITS)
        yield plain
    if _REPEATED.search(plain):
        yield _REPEATED.sub(r"\1", plain)
        yield _REPEATED.sub(r"\1\1", plain)


def _one_script(word: str) -> str:
    """Write a word of two scripts in the one that most of it has."""
    if word.isascii():
        return word
    cyrillic = sum(map(_is_cyrillic, word))
    latin = sum(map(_is_latin, word))
    if not (cyrillic and latin):
        return word
    return word.translate(_TO_CYRILLIC if cyrillic >= latin else _TO_LATIN)


def _is_cyrillic(character: str) -> bool:
    return "\u0400" <= character <= "\u04ff"


def _is_latin(character: str) -> bool:
    return "a" <= character <= "z"
