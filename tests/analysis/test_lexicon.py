from typing import Final

import pytest

from relay.analysis.lexicon import NOTHING, Lexicon
from relay.analysis.tokens import Token, tokenize

HEAD: Final = """
[language]
code = en
codes = en eng
stemmer = english
same_script = de fr
"""


def lexicon(body: str) -> Lexicon:
    return Lexicon(f"{HEAD}{body}")


def knows(known: Lexicon, word: str) -> bool:
    (token,) = tokenize(word)
    return known.elements_of(token) != NOTHING


def test_a_word_is_known_as_it_stands_by_its_stem_or_by_its_beginning() -> None:
    known = lexicon("[toxicity]\n0.5 Café ; a remark\n0.5 idiot~\n0.5 kill*")
    assert [knows(known, word) for word in ("cafe", "idiots", "idiotic", "killers")] == [True] * 4
    assert [knows(known, word) for word in ("cafes", "idaho", "kil", "xyz")] == [False] * 4


def test_a_class_may_hold_classes_and_is_one_element() -> None:
    known = lexicon("[classes]\n@a = one dog~\n@b = @a three\n[threat]\n0.5 @b|four <2> @b")
    ((pattern,),) = known.starting.values()
    assert (pattern.kind, pattern.score, pattern.gaps) == ("threat", 0.5, (0, 2))
    assert all(knows(known, word) for word in ("one", "dogs", "three", "four"))


def test_a_number_is_one_in_digits_and_in_words() -> None:
    known = lexicon("[numbers]\ntwo\n[threat]\n0.5 # hours\n0.5 two|ten men")
    by_digits = known.elements_of(Token(("2",), is_number=True))
    by_word = known.elements_of(Token(("two",)))
    assert len(by_digits) == 1
    assert by_digits < by_word
    assert known.elements_of(Token(("ten",))) == by_word - by_digits


def test_a_masked_word_is_the_one_that_fits() -> None:
    known = lexicon("[masked]\nfuck fucking\n[toxicity]\n0.4 fuck*")
    assert [knows(known, word) for word in ("f***", "f**k", "f***ing")] == [True] * 3
    assert [knows(known, word) for word in ("f****", "f**t", "d***")] == [False] * 3


def test_the_first_form_that_is_known_counts() -> None:
    known = lexicon("[toxicity]\n0.4 kill")
    assert knows(known, "killlll")


def test_only_words_known_for_being_split_are_joined() -> None:
    known = lexicon("[split]\nasshole\n[toxicity]\n0.4 asshole|thishit")
    assert known.elements_of_parts("asshole")
    assert not known.elements_of_parts("thishit")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("[nonsense]", "there is no section"),
        ("[classes]\n@a one", "there is no = in"),
        ("[toxicity]\n1.5 word", "no score is 1.5"),
        ("[toxicity]\nword", "could not convert"),
        ("[toxicity]\n0.5 <1> word", "begins and ends with a word"),
        ("[toxicity]\n0.5 word <1>", "begins and ends with a word"),
        ("[harmless]\n<1>", "begins and ends with a word"),
        ("[toxicity]\n0.5 @none", "there is no class @none"),
        ("[toxicity]\n0.5 be~", "too little is left"),
    ],
)
def test_a_line_that_says_nothing_is_named(body: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        lexicon(body)
