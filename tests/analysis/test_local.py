"""The lists themselves, on the sentences that come with them."""

import re
from pathlib import Path
from typing import Final

import pytest

from bench.analysis import Tally, flagged, labelled, render
from relay.analysis.local import LANGUAGES, LocalAnalyser
from relay.analysis.scores import KINDS, Score

PAGE: Final = Path(__file__).parents[2] / "docs/topics/analysis.md"


@pytest.fixture(scope="module")
def analyser() -> LocalAnalyser:
    return LocalAnalyser()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["toxicity", "threat"])
def test_what_the_lists_were_made_with_is_judged_right(
    analyser: LocalAnalyser, language: str, kind: str
) -> None:
    sentences = [each for each in labelled(language) if each.set == "seen"]
    assert len(sentences) >= 120
    tally = Tally()
    for each in sentences:
        tally.add(is_so=kind in each.kinds, is_flagged=kind in flagged(analyser, each))
    assert tally.precision >= 0.95
    assert tally.recall >= 0.95


def test_the_table_in_the_docs_is_what_is_measured() -> None:
    assert render() in PAGE.read_text(encoding="utf-8"), "make it again: python -m bench.analysis"


def test_a_tally_says_how_often_it_was_right() -> None:
    tally = Tally()
    for is_so, is_flagged in ((True, True), (True, False), (False, True), (False, False)):
        tally.add(is_so=is_so, is_flagged=is_flagged)
    assert (tally.precision, tally.recall) == (0.5, 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "You f***ing idiot!",
        "YOU ARE AN IDIOT",
        "you, uh, are... an idiooot",
        "you are an ｉｄｉｏｔ",
        "you are an 1d10t",
        "you are an i d i o t",
        "ты идиот",
        "ТЫ, э-э, ИДИОТКА",
        "ты идиoт",  # о is Latin
        "с-с-сука ты",
    ],
)
def test_however_it_is_written_down(analyser: LocalAnalyser, text: str) -> None:
    (score,) = analyser.analyse(text, None)
    assert score.kind == "toxicity"
    assert score.value >= 0.5


def test_people_mix_languages(analyser: LocalAnalyser) -> None:
    said = analyser.analyse("он сказал i will kill you ты мразь", "ru")
    assert said == [Score("threat", 0.95), Score("toxicity", 0.8)]


@pytest.mark.parametrize(
    ("language", "is_judged"),
    [("en", True), ("eng", True), ("en-US", True), (None, True), ("ru", True), ("de", False)],
)
def test_a_language_with_the_same_letters_has_other_words(
    analyser: LocalAnalyser, language: str | None, is_judged: bool
) -> None:
    assert bool(analyser.analyse("kys you idiot", language)) == is_judged


def test_scores_are_between_0_and_1_and_of_known_kinds(analyser: LocalAnalyser) -> None:
    for language in LANGUAGES:
        for each in labelled(language):
            for score in analyser.analyse(each.text, language):
                assert score.kind in KINDS
                assert 0 < score.value <= 1


def test_the_lists_hold_no_pattern_twice() -> None:
    folder = Path(__file__).parents[2] / "relay/analysis/lexicons"
    for language in LANGUAGES:
        lines = (folder / f"{language}.txt").read_text(encoding="utf-8").splitlines()
        patterns = [line for line in lines if re.match(r"0\.\d+ ", line)]
        assert len(patterns) == len(set(patterns))
