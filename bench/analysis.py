"""How well the local analyser does on the labelled sentences, and what it costs.

The table is part of docs/topics/analysis.md; a test compares it.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.analysis.local import LANGUAGES, LocalAnalyser
from relay.analysis.scores import THREAT, TOXICITY

FOLDER: Final = Path(__file__).parents[1] / "tests/analysis/labelled"
THRESHOLD: Final = 0.5
"""As RELAY_ANALYSIS_THRESHOLDS has it by default."""

SETS: Final = ("seen", "held")


@dataclass(frozen=True)
class Labelled:
    """A sentence, and what a reader hears in it."""

    language: str
    set: str
    kinds: frozenset[str]
    text: str


@dataclass
class Tally:
    """How often the analyser was right about one kind."""

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    others: int = 0

    @property
    def precision(self) -> float:
        """Of what it flags, how much is so."""
        return self.hits / max(1, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        """Of what is so, how much it flags."""
        return self.hits / max(1, self.hits + self.misses)

    def add(self, *, is_so: bool, is_flagged: bool) -> None:
        """Count one sentence."""
        if is_so:
            self.hits += is_flagged
            self.misses += not is_flagged
        else:
            self.false_alarms += is_flagged
            self.others += not is_flagged


def labelled(language: str) -> Sequence[Labelled]:
    """Read the sentences of a language."""
    found = []
    for line in (FOLDER / f"{language}.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            group, kinds, text = line.split("\t")
            found.append(Labelled(language, group, frozenset(kinds.split("+")) - {"-"}, text))
    return found


def flagged(analyser: LocalAnalyser, sentence: Labelled) -> frozenset[str]:
    """What the analyser hears in a sentence."""
    scores = analyser.analyse(sentence.text, sentence.language)
    return frozenset(score.kind for score in scores if score.value >= THRESHOLD)


def rows(analyser: LocalAnalyser) -> Iterator[str]:
    """Write the table's rows."""
    for language in LANGUAGES:
        for group in SETS:
            sentences = [each for each in labelled(language) if each.set == group]
            for kind in (TOXICITY, THREAT):
                tally = Tally()
                for each in sentences:
                    tally.add(is_so=kind in each.kinds, is_flagged=kind in flagged(analyser, each))
                yield (
                    f"| {language} | {group} | {kind} | {len(sentences)} "
                    f"| {tally.hits + tally.misses} | {tally.misses} | {tally.false_alarms} "
                    f"| {tally.precision:.2f} | {tally.recall:.2f} |"
                )


def render() -> str:
    """Write the table."""
    head = (
        "| language | sentences | kind | of | that are so | missed | false alarms "
        "| precision | recall |"
    )
    rule = "|---|---|---|--:|--:|--:|--:|--:|--:|"
    return "\n".join([head, rule, *rows(LocalAnalyser())])


def cost() -> str:
    """Measure what a word costs, in a text of all sentences."""
    analyser = LocalAnalyser()
    sentences = [each for language in LANGUAGES for each in labelled(language)]
    words = sum(len(each.text.split()) for each in sentences)
    best = min(_seconds(analyser, sentences) for _ in range(5))
    return f"{best / words * 1e6:.0f} µs a word, {best / len(sentences) * 1e3:.2f} ms a sentence"


def _seconds(analyser: LocalAnalyser, sentences: Sequence[Labelled]) -> float:
    begin = time.perf_counter()
    for each in sentences:
        analyser.analyse(each.text, each.language)
    return time.perf_counter() - begin


if __name__ == "__main__":
    print(render())
    print(cost())
