"""What an analyser says of a text, and what every analyser is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

TOXICITY: Final = "toxicity"
"""Insults, contempt and hatred, aimed at people."""

THREAT: Final = "threat"
"""Announcing, wishing or urging harm to people."""

KINDS: Final = (TOXICITY, THREAT, "sexual", "self-harm", "violence", "illicit")
"""Of scores. The local analyser knows the first two; those of the moderation format make all."""


@dataclass(frozen=True, slots=True)
class Score:
    """How much a text is of a kind."""

    kind: str
    value: float
    """0 to 1; what is 0 isn't said."""


class TextAnalyser(Protocol):
    """Judges a text by itself: no network, no clock, time linear in the text's length."""

    @property
    def name(self) -> str:
        """What its flags and counters are called by: a word in lower case."""

    def analyse(self, text: str, language: str | None) -> Sequence[Score]:
        """Judge a segment.

        Args:
            text: As it was committed, of any length.
            language: As Scribe gives it, such as `en`; None where nobody knows.
        """
