import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.auth.throttle import Backoff, Throttle

gaps = st.lists(st.floats(0, 30), max_size=80)


def test_a_burst_is_allowed_and_then_one_at_a_time() -> None:
    throttle = Throttle(rate_per_minute=6, burst=3)
    assert [throttle.allow("a", 100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]
    assert throttle.allow("a", 104.0) == 6.0
    assert throttle.allow("a", 110.0) == 0.0
    assert throttle.allow("a", 110.0) == 10.0


def test_a_pause_gives_the_burst_back_and_no_more() -> None:
    throttle = Throttle(rate_per_minute=60, burst=2)
    for now in (0.0, 0.0, 1000.0, 1000.0):
        assert throttle.allow("a", now) == 0.0
    assert throttle.allow("a", 1000.0) == 1.0


def test_keys_do_not_share() -> None:
    throttle = Throttle(rate_per_minute=1, burst=1)
    assert throttle.allow("a", 0.0) == 0.0
    assert throttle.allow("b", 0.0) == 0.0
    assert throttle.allow("a", 0.0) > 0


@given(st.floats(0.5, 600), st.integers(1, 10), gaps)
def test_no_stretch_of_time_holds_more_than_the_rate(
    rate: float, burst: int, gaps: list[float]
) -> None:
    throttle = Throttle(rate, burst)
    now, allowed = 0.0, []
    for gap in gaps:
        now += gap
        if throttle.allow("a", now) == 0.0:
            allowed.append(now)
    for first, start in enumerate(allowed):
        for last, end in enumerate(allowed[first:], start=1):
            assert last <= burst + (end - start) * rate / 60 + 1e-3


@given(st.floats(0.5, 600), st.integers(1, 10), gaps)
def test_who_waits_as_told_is_allowed(rate: float, burst: int, gaps: list[float]) -> None:
    throttle = Throttle(rate, burst)
    now = 1e6
    for gap in gaps:
        now += gap
        if (wait := throttle.allow("a", now)) > 0:
            assert throttle.allow("a", now + wait / 2) > 0
            now += wait
            assert throttle.allow("a", now) == 0.0


@given(st.lists(st.integers(0, 50)), st.integers(1, 8))
def test_no_more_keys_are_remembered_than_allowed(keys: list[int], max_keys: int) -> None:
    throttle = Throttle(1, 1, max_keys)
    backoff = Backoff(max_keys)
    for key in keys:
        throttle.allow(str(key), 0.0)
        backoff.attempt(str(key), 0.0)
        assert len(throttle) <= max_keys
        assert len(backoff) <= max_keys


def test_the_key_not_asked_about_for_longest_is_forgotten() -> None:
    throttle = Throttle(rate_per_minute=1, burst=1, max_keys=2)
    for key in ("a", "b", "a", "c"):
        throttle.allow(key, 0.0)
    assert throttle.allow("a", 0.0) > 0
    assert throttle.allow("b", 0.0) == 0.0


@pytest.mark.parametrize(("rate", "burst", "max_keys"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_a_throttle_that_allows_nothing_is_refused(rate: int, burst: int, max_keys: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Throttle(rate, burst, max_keys)


def waits(backoff: Backoff, attempts: int, now: float = 0.0) -> list[float]:
    """Fail so many times, each as soon as allowed; give what had to be waited before each."""
    found = []
    for _ in range(attempts):
        wait = backoff.attempt("anna", now)
        found.append(wait)
        if wait:
            now += wait
            assert backoff.attempt("anna", now) == 0.0
    return found


def test_waits_begin_after_five_failures_and_double_to_a_minute() -> None:
    assert waits(Backoff(), 14) == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_wait_stays_a_minute_forever() -> None:
    assert waits(Backoff(), 1200)[-1] == 60


def test_an_attempt_that_has_to_wait_is_not_held_against_anybody() -> None:
    backoff = Backoff()
    waits(backoff, 6)
    assert [backoff.attempt("anna", 1.5) for _ in range(3)] == [1.5, 1.5, 1.5]
    assert backoff.attempt("anna", 3.0) == 0.0


def test_who_knew_the_password_begins_anew() -> None:
    backoff = Backoff()
    waits(backoff, 8)
    backoff.succeeded("anna")
    assert waits(backoff, 6) == [0, 0, 0, 0, 0, 1]


def test_failures_are_forgotten_after_a_quarter_of_an_hour_without_one() -> None:
    backoff = Backoff()
    waits(backoff, 8)
    now = 7.0 + Backoff.FORGOTTEN_AFTER
    assert waits(backoff, 6, now) == [0, 0, 0, 0, 0, 1]


def test_names_do_not_share_failures() -> None:
    backoff = Backoff()
    waits(backoff, 8)
    assert backoff.attempt("boris", 0.0) == 0.0


def test_a_success_without_failures_changes_nothing() -> None:
    backoff = Backoff()
    backoff.succeeded("anna")
    assert len(backoff) == 0


def test_of_many_attempts_at_once_no_more_get_through_than_one_by_one() -> None:
    backoff = Backoff()
    assert sum(backoff.attempt("anna", 0.0) == 0.0 for _ in range(100)) == Backoff.FREE


def test_the_name_not_tried_for_longest_is_forgotten() -> None:
    backoff = Backoff(max_keys=2)
    waits(backoff, 8)
    for name in ("boris", "anna", "chris"):
        backoff.attempt(name, 7.0)
    assert backoff.attempt("anna", 7.0) > 0


def test_a_backoff_that_remembers_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        Backoff(0)
