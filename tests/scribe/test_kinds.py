from typing import Any

import pytest

from relay.scribe.kinds import Boolean, Choice, Integer, Kind, Number, Text, TextList, shown

LETTERS = Text(5, "[a-z]+", "small letters")


@pytest.mark.parametrize(
    ("kind", "texts", "value"),
    [
        (Boolean(), ["true"], True),
        (Boolean(), ["false"], False),
        (Integer(1, 9), ["+7"], 7),
        (Number(0, 1), ["0.25"], 0.25),
        (Number(0, 1), [".5"], 0.5),
        (Number(0, 1), ["1."], 1.0),
        (Choice(("a", "b")), ["b"], "b"),
        (Text(5), ["a b"], "a b"),
        (TextList(Text(5)), ["a", "b"], ("a", "b")),
    ],
)
def test_texts_of_a_query_become_a_value(kind: Kind, texts: list[str], value: object) -> None:
    assert kind.validate(kind.read(texts)) == value


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        (Boolean(), "True", "must be `true` or `false`, not 'True'"),
        (Boolean(), "1", "must be `true` or `false`, not '1'"),
        (Integer(1, 9), "7.0", "must be a whole number, not '7.0'"),
        (Integer(1, 9), "1_0", "must be a whole number, not '1_0'"),
        (Integer(1, 9), "٣", "must be a whole number, not '٣'"),
        (Integer(1, 9), "9" * 5000, "must be a whole number, not '999"),
        (Number(0, 1), "nan", "must be a number, not 'nan'"),
        (Number(0, 1), "inf", "must be a number, not 'inf'"),
        (Number(0, 1), ".", "must be a number, not '.'"),
        (Number(0, 1), "", "must be a number, not ''"),
    ],
)
def test_a_text_of_another_kind_is_refused(kind: Kind, text: str, fault: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        kind.read([text])
    assert str(caught.value).startswith(fault)


def test_only_a_list_may_be_given_twice() -> None:
    with pytest.raises(ValueError, match="may be given only once"):
        Integer(1, 9).read(["1", "1"])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Integer(1, 9), 1),
        (Integer(1, 9), 9),
        (Number(0.3, 3.0), 0.3),
        (Number(0.3, 3.0), 3),
        (Text(3), "abc"),
        (TextList(Text(3), 2), ("a", "b")),
    ],
)
def test_bounds_are_allowed(kind: Kind, value: object) -> None:
    assert kind.validate(value) == value


@pytest.mark.parametrize(
    ("kind", "value", "fault"),
    [
        (Boolean(), 1, "must be a bool, not 1"),
        (Integer(1, 9), 0, "must be 1 to 9, not 0"),
        (Integer(1, 9), 10, "must be 1 to 9, not 10"),
        (Integer(1, 9), True, "must be an int, not True"),
        (Integer(1, 9), "3", "must be an int, not '3'"),
        (Number(0.3, 3.0), 0.29, "must be 0.3 to 3.0, not 0.29"),
        (Number(0.3, 3.0), 3.01, "must be 0.3 to 3.0, not 3.01"),
        (Number(0.3, 3.0), float("nan"), "must be 0.3 to 3.0, not nan"),
        (Number(0.3, 3.0), True, "must be a number, not True"),
        (Number(0.3, 3.0), None, "must be a number, not None"),
        (Choice(("a", "b")), "c", "must be one of a, b, not 'c'"),
        (Text(3), "", "must not be empty"),
        (Text(3), 3, "must be text, not 3"),
        (Text(3), "abcd", "must have at most 3 characters; 'abcd' has 4"),
        (LETTERS, "A", "must be small letters, not 'A'"),
        (TextList(Text(3)), "abc", "must be a tuple, not 'abc'"),
        (TextList(Text(3), 1), ("a", "b"), "may be given at most 1 times, not 2"),
        (TextList(Text(3)), ("a", "abcd"), "must have at most 3 characters; 'abcd' has 4"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_the_bounds(
    kind: Kind, value: object, fault: str
) -> None:
    with pytest.raises(ValueError, match="m") as caught:
        kind.validate(value)
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("kind", "value", "texts"),
    [
        (Boolean(), True, ["true"]),
        (Boolean(), False, ["false"]),
        (Integer(1, 9), 7, ["7"]),
        (Number(0, 1), 0.1, ["0.1"]),
        (TextList(Text(3)), ("a", "b"), ["a", "b"]),
        (TextList(Text(3)), (), []),
    ],
)
def test_a_value_is_written_as_it_is_read(kind: Kind, value: Any, texts: list[str]) -> None:
    assert kind.write(value) == texts


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Boolean(), "`true`, `false`"),
        (Integer(1, 9), "1 to 9"),
        (Number(0.3, 3.0), "0.3 to 3.0"),
        (Choice(("a", "b")), "`a`, `b`"),
        (LETTERS, "small letters, at most 5 characters"),
        (TextList(LETTERS), "repeated: small letters, at most 5 characters"),
        (TextList(Text(2), 3), "repeated, at most 3 times: text, at most 2 characters"),
    ],
)
def test_each_kind_describes_itself(kind: Kind, words: str) -> None:
    assert kind.describe() == words


def test_a_long_value_is_shown_shortened() -> None:
    assert len(shown("x" * 1000)) == 64


def test_the_base_kind_leaves_its_rules_to_others() -> None:
    with pytest.raises(NotImplementedError):
        Kind().validate("x")
    with pytest.raises(NotImplementedError):
        Kind().describe()
