import math

import pytest

from relay.limits.policy import Limits

LIMITS = Limits(sessions=2, connects_per_minute=30, minutes_per_day=None, session_minutes=60.0)


def test_without_overrides_limits_stay() -> None:
    assert LIMITS.replaced({}) == LIMITS


def test_an_account_may_have_other_limits() -> None:
    assert LIMITS.replaced({"sessions": 5, "minutes_per_day": 1.5}) == Limits(
        sessions=5, connects_per_minute=30, minutes_per_day=1.5, session_minutes=60.0
    )


def test_a_limit_of_nothing_is_one() -> None:
    assert LIMITS.replaced({"sessions": 0, "session_minutes": 0.0}).session_minutes == 0


def test_counts_are_whole() -> None:
    sessions = LIMITS.replaced({"sessions": 5.0}).sessions
    assert isinstance(sessions, int)
    assert sessions == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sessions", 1.5),
        ("sessions", -1),
        ("connects_per_minute", math.inf),
        ("connects_per_minute", math.nan),
        ("minutes_per_day", -0.5),
        ("minutes_per_day", math.inf),
        ("session_minutes", math.nan),
    ],
)
def test_a_value_that_is_no_limit_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} can't be {value}"):
        LIMITS.replaced({name: value})


def test_an_unknown_limit_is_named() -> None:
    with pytest.raises(ValueError, match="'colour' is not a limit; there are sessions, connects"):
        LIMITS.replaced({"colour": 1})
