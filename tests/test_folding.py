import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.folding import fold_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna", "aNNA"),
        ("STRASSE", "straße"),
        ("Ωmega", "ωMEGA"),
        ("ΟΔΟΣ", "οδος"),
        ("café", "cafe\u0301"),
        ("CAFÉ", "cafe\u0301"),
        ("ａｎｎａ", "anna"),
        ("ﬁsh", "FISH"),
        ("ŉ", "\u02bcN"),
        ("\u0345x", "\u03b9X"),
        ("Å", "\u212b"),
    ],
)
def test_names_that_read_the_same_are_one(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(("one", "other"), [("anna", "ana"), ("anna", "аnna"), ("a b", "ab")])
def test_names_of_other_letters_are_two(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


@given(st.text())
def test_folding_again_changes_nothing(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)


@given(st.text())
def test_case_never_makes_a_difference(name: str) -> None:
    assert fold_name(name.casefold()) == fold_name(name)
