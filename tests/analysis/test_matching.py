from collections.abc import Mapping
from typing import Final

import pytest

from relay.analysis.lexicon import Lexicon
from relay.analysis.matching import _read, _Reading, find
from relay.analysis.tokens import tokenize

LEXICON: Final = Lexicon("""
[language]
code = en
codes = en
stemmer = english
same_script = de
[classes]
@you = you him
[spoken]
'll = will
gonna = going to
[hesitation]
uh
[negation]
not never
[split]
asshole bitch
[toxicity]
0.4 damn
0.7 asshole|bitch
0.6 you <2> fool
[threat]
0.9 i will <2> kill <1> @you
0.8 going to <1> kill
0.5 you <4> end
[harmless]
kill the <1> lights
will not you
kill time
""")


def scores(text: str) -> Mapping[str, float]:
    return find(LEXICON, tokenize(text))


@pytest.mark.parametrize(
    "text",
    [
        "i will kill you",
        "I will, some day, kill him",
        "i will ... uh kill you",
        "i'll kill you",
        "I I will will kill kill you",
        "i will kill the lights and then i will kill you",
    ],
)
def test_a_phrase_is_found_with_other_words_in_its_gaps(text: str) -> None:
    assert scores(text) == {"threat": 0.9}


@pytest.mark.parametrize(
    "text",
    [
        "i will now and then maybe kill you",
        "i will. kill you",
        "you kill will i",
        "i will",
        "",
    ],
)
def test_what_is_too_far_apart_or_in_another_order_is_no_phrase(text: str) -> None:
    assert scores(text) == {}


@pytest.mark.parametrize(
    "text", ["i will not kill you", "never going to kill", "i will never kill you", "not you fool"]
)
def test_what_is_denied_is_not_said(text: str) -> None:
    assert scores(text) == {}


def test_a_denial_reaches_no_further_than_its_sentence_and_its_word() -> None:
    assert scores("not. going to kill") == {"threat": 0.8}
    assert scores("not now going to kill") == {"threat": 0.8}
    assert scores("not damn") == {"toxicity": 0.4}


def test_words_that_mean_no_harm_where_they_stand_count_for_nothing() -> None:
    assert scores("gonna kill the bright lights") == {}
    assert scores("gonna kill time") == {}
    assert scores("not kill time but damn") == {"toxicity": 0.4}


def test_the_highest_of_each_kind_counts() -> None:
    assert scores("damn you silly fool i'm gonna kill you, i will kill you, damn") == {
        "toxicity": 0.6,
        "threat": 0.9,
    }


@pytest.mark.parametrize("text", ["ass hole", "b i t c h", "a b-i-t-c-h", "is a b i t c h ok"])
def test_a_word_in_parts_is_the_word(text: str) -> None:
    assert scores(text) == {"toxicity": 0.7}


def test_a_word_in_parts_ends_with_the_sentence() -> None:
    assert scores("ass. hole") == {}
    assert scores("b i. t c h") == {}


def test_other_endings_after_an_apostrophe_are_left_alone() -> None:
    assert scores("you o'clock fool") == {"toxicity": 0.6}


def test_what_is_remembered_between_two_words_is_bounded_by_the_lexicon() -> None:
    """So the work for each word is, and time is linear however many beginnings a text has."""
    elements = sum(len(each.elements) for some in LEXICON.starting.values() for each in some)
    reading, most = _Reading(), []
    for place, token in enumerate(tokenize("you i will not kill going to you you " * 500)):
        list(_read(LEXICON, reading, place, token))
        most.append(len(reading.threads))
    assert max(most) == max(most[:30]) <= elements
    assert scores("you " * 2000 + "end") == {"threat": 0.5}
