"""What a client is told of its limits, and when its session has to end."""

import pytest

from relay.errors import LimitExceeded
from relay.limits.allowance import LOW, Allowance
from relay.limits.limiter import Grant
from relay.limits.pace import Pace
from relay.limits.terms import DAY, END_WARNING, Notice, Terms

NOON = DAY / 2


def terms(
    ms: int = 1_000, left_ms: int | None = None, *, max_seconds: float | None = None
) -> Terms:
    return Terms(Allowance(Grant(ms, left_ms, None, 1)), Pace(), max_seconds=max_seconds)


def must_wait(made: Terms) -> bool:
    # A function, because mypy takes a property for something that stays as it is.
    return made.must_wait


def test_the_last_minutes_are_announced_once_a_day() -> None:
    made = terms(1_000, 2 * LOW)
    assert made.renew(Grant(0, LOW + 60_000, None, 1), NOON) is None
    notice = made.renew(Grant(0, LOW - 61_000, None, 1), NOON)
    assert notice == Notice("minutes_low", "4.0 minutes are left for today (UTC).")
    assert made.renew(Grant(0, 60_000, None, 1), NOON) is None
    assert made.minutes_left == pytest.approx(1.02)
    assert made.renew(Grant(0, 2 * LOW, None, 2), NOON) is None
    assert made.renew(Grant(0, 60_000, None, 2), NOON) is not None


def test_where_there_is_no_limit_nothing_is_announced() -> None:
    made = terms()
    assert made.renew(Grant(1_000, None, None, 1), NOON) is None
    assert made.minutes_left is None


def test_used_up_minutes_end_the_session_until_midnight() -> None:
    made = terms(1_000, 0)
    made.take(1.0, 0.0)
    assert must_wait(made)
    error = made.renew(Grant(0, 0, None, 1), NOON)
    assert isinstance(error, LimitExceeded)
    assert (error.limit, error.retry_after) == ("quota_exceeded", NOON)


def test_announced_audio_waits_when_it_is_not_reserved() -> None:
    made = terms(1_000)
    made.expect(1.0)
    assert not must_wait(made)
    made.expect(1.1)
    assert must_wait(made)
    assert made.wanted_ms == 29_000
    made.renew(Grant(29_000, None, None, 1), NOON)
    assert not must_wait(made)


def test_without_an_answer_the_session_goes_on() -> None:
    made = terms(1_000)
    made.take(1.0, 0.0)
    assert made.renew(None, NOON) is None
    assert not must_wait(made)
    assert made.unspent == (0, 1)


def test_the_pace_is_kept() -> None:
    made = terms(100_000)
    assert made.take(10.0, 0.0) == 0
    assert made.take(1.25, 0.0) == pytest.approx(1.0)


def test_the_end_is_announced_once_and_then_comes() -> None:
    made = terms(max_seconds=100)
    assert made.watch(100 - END_WARNING - 1) is None
    assert made.watch(50) == Notice("session_ends", "The session may last 50 s longer.")
    assert made.watch(60) is None
    error = made.watch(100)
    assert isinstance(error, LimitExceeded)
    assert error.limit == "session_time_limit_exceeded"


def test_a_session_without_an_end_is_never_ended() -> None:
    assert terms().watch(1e9) is None


def test_a_client_that_comes_back_is_read_faster() -> None:
    made = Terms(Allowance(Grant(10**6, None, None, day=0)), Pace(1.0, 0.0), max_seconds=None)
    made.catch_up()
    assert made.take(4.0, 0.0) == 1.0


def test_recordings_are_taken_at_a_pace_that_is_more_than_catching_up() -> None:
    allowance = Allowance(Grant(30_000, None, None, 1))
    assert not Terms(allowance, Pace(), max_seconds=None).takes_recordings
    assert Terms(allowance, Pace(speed=4.0), max_seconds=None).takes_recordings


def test_audio_is_counted_at_once_where_it_is_reserved() -> None:
    made = terms(1_000)
    assert made.take_now(0.6, 0.0) == 0.0
    assert made.take_now(0.6, 0.0) is None
    assert made.take_now(0.4, 0.0) == 0.0
    assert must_wait(made)
    made.renew(Grant(60_000, None, None, 1), NOON)
    delay = made.take_now(19.0, 0.0)
    assert delay is not None
    assert delay > 0
