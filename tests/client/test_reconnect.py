import pytest

from relay.client.reconnect import Failures, Loss, reconnect_delay

BROKEN = Loss(1006, "broken")


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 4408, 4429, 4503, 4999])
def test_what_may_work_later_is_tried_again(code: int) -> None:
    assert reconnect_delay(Loss(code, ""), 1, 0.5) is not None


@pytest.mark.parametrize("code", [1000, 1009, 4400, 4401, 4403, 4409, 4413, 4502])
def test_what_would_end_the_same_way_is_not(code: int) -> None:
    assert reconnect_delay(Loss(code, ""), 1, 0.5) is None


def test_delays_rise_to_a_cap_and_are_jittered() -> None:
    ceilings = [reconnect_delay(BROKEN, attempt, 1.0) for attempt in (1, 2, 3, 7, 2000)]
    assert ceilings == [0.25, 0.5, 1.0, 15.0, 15.0]
    assert reconnect_delay(BROKEN, 3, 0.0) == 0.0


def test_relays_wish_comes_on_top() -> None:
    limited = Loss(4429, "", "too_many_sessions", retry_after=3.0)
    assert reconnect_delay(limited, 1, 1.0) == 3.25


def test_used_up_minutes_are_not_waited_for() -> None:
    assert reconnect_delay(Loss(4429, "", "quota_exceeded", 100.0), 1, 0.5) is None


def test_session_that_was_long_enough_is_followed_at_once() -> None:
    over = Loss(4429, "", "session_time_limit_exceeded")
    assert reconnect_delay(over, 1, 1.0) == 0.0
    assert reconnect_delay(over, 2, 1.0) == 0.5


def test_attempts_count_until_a_session_is_good() -> None:
    failures = Failures(limit=600)
    failures.add(BROKEN, 0.0, 0, 0.5)
    failures.admitted(1.0, 0)
    failures.add(BROKEN, 2.0, 0, 0.5)
    assert failures.count == 2
    failures.admitted(3.0, 0)
    failures.add(BROKEN, 4.0, 1, 0.5)
    assert failures.count == 1
    failures.admitted(5.0, 1)
    failures.add(BROKEN, 35.0, 1, 0.5)
    assert failures.count == 1


def test_time_without_a_good_session_is_bounded() -> None:
    failures = Failures(limit=60)
    assert failures.add(BROKEN, 100.0, 0, 0.0) is not None
    assert failures.add(BROKEN, 159.0, 0, 0.0) is not None
    assert failures.add(BROKEN, 160.0, 0, 0.0) is None


def test_wait_beyond_the_bound_is_not_begun() -> None:
    assert Failures(limit=60).add(Loss(4503, "", retry_after=61.0), 0.0, 0, 0.0) is None


def test_refusals_are_told_by_code_or_type() -> None:
    assert Loss(4401, "").is_refusal
    assert Loss(1006, "", "invalid_request").is_refusal
    assert not BROKEN.is_refusal
