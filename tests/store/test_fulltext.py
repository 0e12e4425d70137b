import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.store.fulltext import (
    MAX_QUERY_LENGTH,
    MAX_TERMS,
    MAX_TOKEN_LENGTH,
    Query,
    Term,
    fold,
    to_tsvector,
    tokenize,
)
from tests.support.calls import calls_of


def words(text: str) -> list[str]:
    return [token.text for token in tokenize(text)]


def found(query: str, text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in Query.parse(query).find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Good morning, 42 people!", ["good", "morning", "42", "people"]),
        ("don't e-mail", ["don", "t", "e", "mail"]),
        ("Ёлка и ещё ёж", ["елка", "и", "еще", "еж"]),
        ("Мой Чай", ["мой", "чай"]),
        ("Café Ångström Straße", ["cafe", "angstrom", "strasse"]),
        ("今天天气", ["今", "天", "天", "气"]),
        ("我用Python写", ["我", "用", "python", "写"]),
        ("ＡＢＣ １２", ["abc", "12"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("한국어 말", ["한국어", "말"]),
        ("😀 \N{COMBINING ACUTE ACCENT}—…", []),
        ("", []),
        ("ﷺ", ["صلىاللهعليهوسلم"]),
        ("\N{ARABIC LIGATURE SHADDA WITH DAMMATAN ISOLATED FORM}", []),
        ("x" * 100, ["x" * MAX_TOKEN_LENGTH]),
    ],
)
def test_a_text_is_cut_into_tokens(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_tokens_are_stretches_of_the_text_in_order(text: str) -> None:
    end = 0
    for token in tokenize(text):
        assert end <= token.start < token.end <= len(text)
        assert token.text == fold(text[token.start : token.end])
        assert not any(character.isspace() for character in token.text)
        end = token.end


@given(st.text(st.characters(codec="ascii")))
def test_a_text_is_cut_alike_whether_or_not_all_of_it_is_ascii(text: str) -> None:
    assert [*tokenize(text)] == [*tokenize(f"{text} é")][:-1]


@given(st.text(min_size=1, max_size=20))
def test_a_text_is_found_by_itself(text: str) -> None:
    quoted = f'"{text.replace(chr(34), " ")}"'
    if words(quoted):
        hits = Query.parse(quoted).find(text)
        assert [hit.start for hit in hits] == [next(tokenize(text)).start]


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("morning", "Good Morning, good morning.", ["Morning", "morning"]),
        ("天气", "今天天气很好", ["天气"]),
        ("天天", "今天天气很好", ["天天"]),
        ("привет", "Привет, приветы", ["Привет"]),
        ("привет*", "Привет, приветы", ["Привет", "приветы"]),
        ('"good morning"', "good day, good morning", ["good morning"]),
        ('"good mor"*', "good day, good morning", ["good morning"]),
        ('"good morning', "good morning", ["good morning"]),
        ("don't", "I don't know", ["don't"]),
        ("morning good", "good morning", ["good", "morning"]),
        ('"good morning" morning', "a good morning", ["good morning"]),
        ('"a b" "b a"', "a b a b c", ["a b a b"]),
        ('"good morning"', "morning, good", []),
        ("天*", "今天天气很好", ["天", "天"]),
        ("evening", "good morning", []),
    ],
)
def test_hits_are_found(query: str, text: str, expected: list[str]) -> None:
    assert found(query, text) == expected


def test_a_query_is_written_for_each_database() -> None:
    query = Query.parse("""it's "two words" begin* 天气""")
    assert query.terms == (
        Term(("it", "s")),
        Term(("two", "words")),
        Term(("begin",), is_prefix=True),
        Term(("天", "气")),
    )
    assert query.to_fts5() == '"it s" AND "two words" AND "begin" * AND "天 气"'
    assert query.to_tsquery() == (
        "('it' <-> 's') & ('two' <-> 'words') & ('begin':*) & ('天' <-> '气')"
    )


def test_what_is_asked_for_twice_is_looked_for_once() -> None:
    assert Query.parse('the the* The "the" the*').terms == (
        Term(("the",)),
        Term(("the",), is_prefix=True),
    )


@given(
    st.lists(st.text("ab", min_size=1, max_size=2), max_size=12),
    st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3),
    st.booleans(),
)
def test_a_phrase_is_found_wherever_its_words_follow_one_another(
    said: list[str], phrase: list[str], is_prefix: bool
) -> None:
    """Against every place of the text."""
    touched: set[int] = set()
    for at in range(len(said) - len(phrase) + 1):
        *before, last = said[at : at + len(phrase)]
        goes_on = last.startswith(phrase[-1]) if is_prefix else last == phrase[-1]
        if before == phrase[:-1] and goes_on:
            touched.update(range(at, at + len(phrase)))
    hits = Query((Term(tuple(phrase), is_prefix),)).find(" ".join(said))
    shown = [word for hit in hits for word in words(" ".join(said)[hit.start : hit.end])]
    assert shown == [said[at] for at in sorted(touched)]


def test_a_word_that_isnt_there_costs_nothing_for_a_long_text() -> None:
    """It cost a look at every place, for each of the words."""
    text = "the of and to in is " * 100
    one = calls_of(lambda: Query((Term(("no",)),)).find(text))
    many = Query(tuple(Term(("no", str(number))) for number in range(MAX_TERMS)))
    assert calls_of(lambda: many.find(text)) - one < 20 * MAX_TERMS


def test_tokens_are_written_for_postgresql() -> None:
    assert to_tsvector(["it's", "a\\b", "it's"]) == r"'it''s':1 'a\\b':2 'it''s':3"
    assert to_tsvector(["x"] * 16_384).endswith("'x':16383 'x':16383")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "a letter or a digit"),
        ('"" * ?!', "a letter or a digit"),
        ("x" * (MAX_QUERY_LENGTH + 1), "at most 200 characters"),
        ("x " * (MAX_TERMS + 1), "at most 16 words"),
        ("good m*", "a beginning has at least 2"),
        ('"good m"*', "a beginning has at least 2"),
        ("good-m*", "a beginning has at least 2"),
    ],
)
def test_a_query_that_asks_for_nothing_or_too_much_is_refused(query: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Query.parse(query)
