import pytest

from relay.store import NameTaken, check_name


@pytest.mark.parametrize(
    "name",
    ["anna", "Anna Maria", "anna@example.org", "李雷", "Оля", "عائشة", "x", "x" * 64, "lobby-2"],
)
def test_names_of_people_and_places_are_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "has 1 to 64 characters, this one 0"),
        ("x" * 65, "has 1 to 64 characters, this one 65"),
        (" anna", "neither begins nor ends with a space"),
        ("anna\u00a0", "neither begins nor ends with a space"),
        ("an\nna", "U\\+000A"),
        ("an\x00na", "U\\+0000"),
        ("an\x1bna", "U\\+001B"),
        ("an\u200bna", "U\\+200B"),
        ("an\u202ena", "U\\+202E"),
        ("an\u2028na", "U\\+2028"),
        ("an\u00a0na", "U\\+00A0"),
        ("an\ud800na", "U\\+D800"),
        ("0123456789abcdef" * 2, "32 hexadecimal digits"),
        ("0123456789ABCDEF" * 2, "32 hexadecimal digits"),
        ("0123456789abcde\uff26" * 2, "32 hexadecimal digits"),
    ],
)
def test_what_nobody_can_type_or_tell_apart_is_no_name(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_name(name)


def test_a_taken_name_is_named() -> None:
    assert str(NameTaken("anna")) == "The name 'anna' is taken."
