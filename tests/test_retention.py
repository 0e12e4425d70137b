import pytest

from relay.retention import FOREVER, Retention, Rule, parse_days, parse_rules


@pytest.mark.parametrize(
    ("kind", "who", "name", "expected"),
    [
        ("user", "1", "ben", 30),
        ("user", "1", "anna", FOREVER),
        ("user", "a" * 32, "carl", 7),
        ("kiosk", "2", "hall", 1),
        ("kiosk", "lobby", "lobby", 0),
        ("key", "3", "anna", 30),
        ("user", "1", "Anna", FOREVER),
        ("user", "4", "STRASSE", 0),
        ("kiosk", "LOBBY", "Lobby", 0),
    ],
)
def test_the_rule_for_one_goes_before_that_for_a_kind(
    kind: str, who: str, name: str, expected: float
) -> None:
    rules = parse_rules(
        f"kiosk=1, kiosk:lobby=0, user:anna=forever, user:{'a' * 32}=7, user:straße=0"
    )
    assert Retention(30, rules).days_of(kind, who, name) == expected


def test_by_default_everything_is_kept() -> None:
    assert Retention().days_of("user", "1", "anna") == FOREVER


def test_rules_are_written_as_they_are_read() -> None:
    text = "kiosk=0.5,user:a:b=forever"
    rules = parse_rules(text)
    assert rules == (Rule("kiosk", None, 0.5), Rule("user", "a:b", FOREVER))
    assert ",".join(map(str, rules)) == text
    assert parse_rules("") == ()


@pytest.mark.parametrize("text", ["never", "-1", "nan", "inf", "36501", ""])
def test_what_is_no_number_of_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="give 0 to 36500, or forever"):
        parse_days(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("lobby=1", "'lobby=1' is no rule"),
        ("kiosk:=1", "'kiosk:=1' is no rule"),
        ("kiosk", "'kiosk' is no rule"),
        ("kiosk=1,kiosk=2", "two rules for 'kiosk'"),
        ("user:Anna=1,user:anna=2", "two rules for 'user:anna'"),
        ("kiosk=soon", "'soon' is no number of days"),
    ],
)
def test_what_is_no_rule_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_rules(text)
