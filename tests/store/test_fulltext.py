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
    ],
)
def test_a_query_that_asks_for_nothing_or_too_much_is_refused(query: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Query.parse(query)
