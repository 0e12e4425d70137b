import pytest

from relay.analysis.tokens import MAX_WORD, fold, tokenize


def words(text: str) -> list[str]:
    """The likeliest form of each word; a full stop for the end of a sentence."""
    return [token.forms[0] if token.forms else "." for token in tokenize(text)]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ABC", "abc"),
        ("Ｆｕｌｌ", "full"),
        ("Ёлка, ЁЖ", "елка, еж"),
        ("за\u0301мок йод", "замок йод"),
        ("café naïve", "cafe naive"),
        ("zero\u200bwidth", "zerowidth"),
        ("don’t", "don't"),
        ("𝓴𝓲𝓵𝓵", "kill"),
    ],
)
def test_what_nobody_hears_is_taken_away(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I will... kill you.", ["i", "will", "kill", "you", "."]),
        ("so… yes! No? ok", ["so", "yes", ".", "no", ".", "ok"]),
        ("mother-fucker, 'tis", ["mother", "fucker", "tis"]),
        ("*really* _so_ #tag @home $", ["really", "so", "tag", "home"]),
        ("--- ' ** é", ["e"]),
    ],
)
def test_words_and_ends_of_sentences_are_found(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_numbers_are_told_from_words() -> None:
    assert [token.is_number for token in tokenize("24 hours")] == [True, False]


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("f***", ("f***",)),
        ("f**k", ("f**k",)),
        ("f##k", ("f**k",)),
        ("п****ц", ("п****ц",)),
    ],
)
def test_masked_words_keep_their_letters_and_their_length(text: str, forms: tuple[str]) -> None:
    (token,) = tokenize(text)
    assert (token.forms, token.is_masked) == (forms, True)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("sh1t", ("sh1t", "shit")),
        ("a$$hole", ("a$$hole", "asshole")),
        ("пи3да", ("пи3да", "пизда")),
        ("fuuuuck", ("fuuuuck", "fuck", "fuuck")),
        ("killll", ("killll", "kil", "kill")),
        ("1diooot", ("1diooot", "idiooot", "idiot", "idioot")),
    ],
)
def test_a_word_has_the_forms_that_it_may_mean(text: str, forms: tuple[str, ...]) -> None:
    assert next(tokenize(text)).forms == forms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cукa", "сука"),  # с and a are Latin
        ("kіll", "kill"),  # і is Cyrillic
        ("привет", "привет"),
        ("中文ab", "中文ab"),
    ],
)
def test_letters_that_look_alike_are_those_of_their_word(text: str, expected: str) -> None:
    assert words(text) == [expected]


def test_only_the_end_of_a_sentence_is_no_word() -> None:
    assert [token.ends_sentence for token in tokenize("a.")] == [False, True]


def test_a_very_long_word_is_looked_at_in_part() -> None:
    (token,) = tokenize("x" * 100_000)
    assert len(token.forms[0]) == MAX_WORD
