"""Numbers as they are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.redaction.spoken import runs_of_digits


def read(text: str) -> list[list[str]]:
    return [[group.digits for group in run] for run in runs_of_digits(text)]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("call 8 (916) 123-45-67", [["8", "916", "123", "45", "67"]]),
        ("one two three", [["1", "2", "3"]]),
        ("Oh nine", [["0", "9"]]),
        ("twenty one, forty-two", [["21", "42"]]),
        ("twenty eleven", [["20", "11"]]),
        ("eight hundred five five five", [["805", "5", "5"]]),
        ("hundred", []),
        ("twenty hundred", [["20"]]),
        ("double five triple zero one", [["55", "000", "1"]]),
        ("double", []),
        ("double trouble", []),
        ("one double trouble two", [["1"], ["2"]]),
        ("девятьсот шестнадцать сто двадцать три", [["916", "123"]]),
        ("двести пять ноль", [["205", "0"]]),
        ("сорок пять шестьдесят семь", [["45", "67"]]),
        ("one and two", [["1"], ["2"]]),
        ("one ... then two", [["1"], ["2"]]),
        ("one     two", [["1"], ["2"]]),
        ("٣ ٤", [["3", "4"]]),
        ("", []),
    ],
)
def test_words_and_digits_make_runs(text: str, runs: list[list[str]]) -> None:
    assert read(text) == runs


def test_groups_know_where_they_stand() -> None:
    text = "say double five, twenty one and 7"
    found = [text[group.start : group.end] for run in runs_of_digits(text) for group in run]
    assert found == ["double five", "twenty one", "7"]


@given(st.text("0123456789 .-onetw двa", max_size=60))
def test_groups_stand_in_order_and_hold_digits(text: str) -> None:
    end = 0
    for run in runs_of_digits(text):
        for group in run:
            assert end <= group.start < group.end <= len(text)
            assert group.digits.isdecimal()
            end = group.end
