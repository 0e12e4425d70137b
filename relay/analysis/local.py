"""The analyser that needs no network: word and phrase lists, in every language that has a file."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from relay.analysis.lexicon import Lexicon
from relay.analysis.matching import find
from relay.analysis.scores import Score
from relay.analysis.tokens import tokenize

LANGUAGES: Final = ("en", "ru")
"""Those that have a file."""


class LocalAnalyser:
    """Finds toxicity and threats by what is said word for word; of irony it knows nothing."""

    name: Final = "local"

    def __init__(self, languages: Sequence[str] = LANGUAGES) -> None:
        """Judge by the files of `languages`, which are read when there is the first text."""
        self._languages = languages

    def analyse(self, text: str, language: str | None) -> Sequence[Score]:
        """Judge a text by every language that it may hold."""
        tokens = list(tokenize(text))
        scores: dict[str, float] = {}
        for lexicon in map(_lexicon, self._languages):
            if _may_hold(lexicon, language):
                for kind, score in find(lexicon, tokens).items():
                    scores[kind] = max(score, scores.get(kind, 0.0))
        return [Score(kind, scores[kind]) for kind in sorted(scores)]


@cache
def _lexicon(language: str) -> Lexicon:
    """Read a language's file, once; it takes some 50 ms."""
    file = files("relay.analysis") / "lexicons" / f"{language}.txt"
    return Lexicon(file.read_text(encoding="utf-8"))


def _may_hold(lexicon: Lexicon, language: str | None) -> bool:
    """Tell whether a text in a language may hold words of the lexicon's.

    People mix languages, and recognisers may be wrong about which one it is, so only those are
    left out that share the script, where words of one would be taken for the other's.
    """
    if language is None:
        return True
    code = language.casefold().partition("-")[0]
    return code in lexicon.codes or code not in lexicon.same_script
