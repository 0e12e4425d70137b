"""A language's words and phrases, read from a file of ours; see `lexicons/` for its form.

A *pattern* is a sequence of *elements*, each of which words can be, with gaps between them. What is
known of a word is therefore a set of elements, and everything else is about their order.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import snowballstemmer

from relay.analysis.scores import THREAT, TOXICITY
from relay.analysis.tokens import KNOWN_WORDS, Token, fold

HARMLESS: Final = "harmless"
"""The kind of a pattern whose words mean no harm where they stand so."""

NUMBER: Final = "#"
"""Stands in a pattern for any number, in digits or spoken."""

STEM_START: Final = 3
"""Letters that a word has in common with its stem, and a stem at the least."""

_SECTIONS: Final = frozenset(
    {
        *("language", "classes", "spoken", "hesitation", "negation", "numbers"),
        *("masked", "split", HARMLESS, TOXICITY, THREAT),
    }
)

_GAP: Final = re.compile(r"<(\d)>")

NOTHING: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """What one line says."""

    kind: str
    score: float
    elements: tuple[int, ...]
    gaps: tuple[int, ...]
    """How many other words may stand before each element; 0 for the first."""


class Lexicon:
    """What one language's file says."""

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            ValueError: With the line that can't be understood.
        """
        sections = _sections(text)
        facts = dict(_assigned(sections["language"]))
        self.language = facts["code"]
        """ISO 639-1."""
        self.codes = frozenset(facts["codes"].split())
        """How the language may be called."""
        self.same_script = frozenset(facts["same_script"].split())
        """Languages whose words could be taken for this one's."""
        self._stemmer = snowballstemmer.stemmer(facts["stemmer"])
        self._classes = dict(_assigned(sections["classes"]))
        self.spoken: Mapping[str, tuple[str, ...]] = {
            fold(word): tuple(meant.split()) for word, meant in _assigned(sections["spoken"])
        }
        """Several words that are spoken as one, such as `gonna`."""
        self.hesitation = _words(sections["hesitation"])
        self.negation = _words(sections["negation"])
        self.numbers = _words(sections["numbers"])
        self._masked = _by_first_letter(_words(sections["masked"]))
        self._split = _words(sections["split"])
        self._ids: dict[str, int] = {}
        self._exact: dict[str, set[int]] = defaultdict(set)
        self._stems: dict[str, set[int]] = defaultdict(set)
        self._prefixes: dict[str, set[int]] = defaultdict(set)
        self.starting: dict[int, list[Pattern]] = defaultdict(list)
        """Patterns by their first element."""
        for kind in (TOXICITY, THREAT, HARMLESS):
            for line in sections[kind]:
                self._add(kind, line)
        self._stem_starts = {stem[:STEM_START] for stem in self._stems}
        self._prefix_lengths = sorted(set(map(len, self._prefixes)))
        self._number = frozenset(self._exact.pop(NUMBER, ()))
        self._elements = lru_cache(maxsize=KNOWN_WORDS)(self._find_elements)

    def elements_of(self, token: Token) -> frozenset[int]:
        """Every element that a word can be."""
        if token.is_number:
            return self._number
        if token.forms[0] in self.numbers:
            return self._number | self._elements(token.forms[0])
        if token.is_masked:
            return self._elements(self._unmask(token.forms[0]))
        for form in token.forms:
            if found := self._elements(form):
                return found
        return NOTHING

    def elements_of_parts(self, word: str) -> frozenset[int]:
        """The same of a word that was written in several, if it is known for that."""
        return self._elements(word) if word in self._split else NOTHING

    def _find_elements(self, word: str) -> frozenset[int]:
        found = set(self._exact.get(word, ()))
        if word[:STEM_START] in self._stem_starts:
            found.update(self._stems.get(self._stem(word), ()))
        for length in self._prefix_lengths:
            found.update(self._prefixes.get(word[:length], ()))
        return frozenset(found)

    def _unmask(self, masked: str) -> str:
        for word in self._masked.get(masked[0], ()):
            if len(word) == len(masked) and all(
                shown in ("*", meant) for shown, meant in zip(masked, word, strict=True)
            ):
                return word
        return masked

    def _stem(self, word: str) -> str:
        stem: str = self._stemmer.stemWord(word)
        return stem

    def _add(self, kind: str, line: str) -> None:
        words = line.split()
        score = 1.0
        if kind != HARMLESS:
            score = float(words.pop(0))
            if not 0 < score <= 1:
                raise ValueError(f"no score is {score}: {line}")
        elements, gaps, gap = [], [], 0
        for word in words:
            if match := _GAP.fullmatch(word):
                gap = int(match[1])
            else:
                elements.append(self._element(word))
                gaps.append(gap)
                gap = 0
        if not elements or gaps[0] or gap:
            raise ValueError(f"a pattern begins and ends with a word: {line}")
        pattern = Pattern(kind, score, tuple(elements), tuple(gaps))
        self.starting[elements[0]].append(pattern)

    def _element(self, text: str) -> int:
        """Number what stands in one place of a pattern, and learn which words that can be."""
        if (known := self._ids.get(text)) is not None:
            return known
        number = self._ids[text] = len(self._ids)
        for word in self._alternatives(text):
            folded = fold(word)
            if folded.endswith("*"):
                self._prefixes[folded[:-1]].add(number)
            elif folded.endswith("~"):
                stem = self._stem(folded[:-1])
                if len(stem) < STEM_START:
                    raise ValueError(f"too little is left of it as a stem: {word}")
                self._stems[stem].add(number)
            else:
                self._exact[folded].add(number)
        return number

    def _alternatives(self, text: str) -> Iterable[str]:
        for part in text.split("|"):
            if not part.startswith("@"):
                yield part
            elif part in self._classes:
                for word in self._classes[part].split():
                    yield from self._alternatives(word)
            else:
                raise ValueError(f"there is no class {part}")


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {name: [] for name in _SECTIONS}
    lines: list[str] = []
    for line in text.splitlines():
        content = line.partition(";")[0].strip()
        if content.startswith("["):
            name = content.strip("[]")
            if name not in sections:
                raise ValueError(f"there is no section {content}")
            lines = sections[name]
        elif content:
            lines.append(content)
    return sections


def _assigned(lines: Sequence[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, mark, value = line.partition("=")
        if not mark:
            raise ValueError(f"there is no = in: {line}")
        yield name.strip(), value.strip()


def _words(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(fold(word) for line in lines for word in line.split())


def _by_first_letter(words: Iterable[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for word in sorted(words):
        found[word[0]].append(word)
    return found
