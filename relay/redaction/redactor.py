"""Texts and words with marks in the place of personal data."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from relay.redaction.finding import KINDS, Mark, find

_TOLD_BY_LETTERS: Final = ("characters", "logprob")
"""Of a word of Scribe's: what would tell what it was."""


def parse_kinds(text: str) -> frozenset[str]:
    """Read `email, card`, or `all`.

    Raises:
        ValueError: If there is no such kind.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return frozenset(KINDS)
    if strange := sorted(set(names) - set(KINDS)):
        raise ValueError(f"'{strange[0]}' is none of {', '.join(KINDS)}, or all")
    return frozenset(names)


class Redactor:
    """Puts `[email]` in the place of an address, and likewise for the other kinds."""

    def __init__(self, kinds: Collection[str]) -> None:
        """Look for some of `KINDS`."""
        self.kinds = frozenset(kinds)

    def text(self, text: str) -> str:
        """Give a text without them."""
        return _replaced(text, find(text, self.kinds))

    def words(self, words: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Give a segment's words without them.

        A number may take several words: they become one, from the first one's begin to the last
        one's end.

        Args:
            words: As Scribe sends them, spaces among them; each has a `text`.
        """
        texts = [str(word.get("text", "")) for word in words]
        starts = [0, *accumulate(map(len, texts))]
        found: list[dict[str, Any]] = []
        following = 0
        for first, last, marks in _by_words(find("".join(texts), self.kinds), starts):
            found += [dict(word) for word in words[following:first]]
            found.append(self._merged(words[first : last + 1], marks, starts[first]))
            following = last + 1
        return found + [dict(word) for word in words[following:]]

    def _merged(
        self, words: Sequence[Mapping[str, Any]], marks: Sequence[Mark], start: int
    ) -> dict[str, Any]:
        merged = {name: words[0][name] for name in words[0] if name not in _TOLD_BY_LETTERS}
        moved = [Mark(mark.start - start, mark.end - start, mark.kind) for mark in marks]
        merged["text"] = _replaced("".join(str(word.get("text", "")) for word in words), moved)
        if "end" in words[-1]:
            merged["end"] = words[-1]["end"]
        return merged


def _replaced(text: str, marks: Sequence[Mark]) -> str:
    pieces, position = [], 0
    for mark in marks:
        pieces += [text[position : mark.start], f"[{mark.kind}]"]
        position = mark.end
    return "".join([*pieces, text[position:]])


def _by_words(marks: Sequence[Mark], starts: Sequence[int]) -> list[tuple[int, int, list[Mark]]]:
    """Say which words, from first to last, marks touch; those of one word go together."""
    found: list[tuple[int, int, list[Mark]]] = []
    for mark in marks:
        first, last = bisect_right(starts, mark.start) - 1, bisect_right(starts, mark.end - 1) - 1
        if found and found[-1][1] >= first:
            begin, _, before = found.pop()
            found.append((begin, last, [*before, mark]))
        else:
            found.append((first, last, [mark]))
    return found
