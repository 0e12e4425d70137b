import pytest

from relay.upstream.breaker import (
    ASK_AGAIN,
    MAX_FAILURES,
    MAX_PAUSE,
    MIN_PAUSE,
    RETRIES_PER_SECOND,
    RETRY_BURST,
    WINDOW,
    Breaker,
)

ME, ANOTHER = object(), object()


def opened(now: float = 100.0) -> Breaker:
    breaker = Breaker()
    for _ in range(MAX_FAILURES):
        breaker.failed(ME, now)
    return breaker


def test_first_attempts_pass_as_long_as_few_have_failed() -> None:
    breaker = Breaker()
    for _ in range(MAX_FAILURES - 1):
        breaker.failed(ME, 100.0)
    assert not breaker.is_open
    assert breaker.wait(ME, 100.0, is_retry=False) == 0


def test_failures_that_lie_far_apart_open_nothing() -> None:
    breaker = Breaker()
    for index in range(50):
        breaker.failed(ME, index * (WINDOW / (MAX_FAILURES - 2)))
    assert not breaker.is_open


def test_many_failures_leave_one_probe_at_a_time() -> None:
    breaker = opened(100.0)
    assert breaker.is_open
    assert breaker.wait(ME, 100.0, is_retry=False) == MIN_PAUSE
    assert breaker.wait(ME, 100.0 + MIN_PAUSE, is_retry=False) == 0
    assert breaker.wait(ME, 100.0 + MIN_PAUSE, is_retry=False) == ASK_AGAIN


def test_probes_that_fail_come_ever_more_rarely() -> None:
    breaker = opened(now := 100.0)
    pauses = []
    for _ in range(6):
        pauses.append(breaker.wait(ME, now, is_retry=True))
        now += pauses[-1]
        assert breaker.wait(ME, now, is_retry=True) == 0
        breaker.failed(ME, now)
    assert pauses == [1, 2, 4, 8, MAX_PAUSE, MAX_PAUSE]


def test_attempts_that_were_under_way_as_it_opened_are_no_probes() -> None:
    breaker = opened(100.0)
    breaker.failed(ME, 100.5)
    assert breaker.wait(ME, 100.5, is_retry=False) == MIN_PAUSE - 0.5


def test_a_probe_that_succeeds_lets_everybody_in() -> None:
    breaker = opened(100.0)
    breaker.wait(ME, 102.0, is_retry=False)
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.wait(ME, 102.0, is_retry=False) == 0


def test_a_probe_that_is_abandoned_leaves_its_turn_to_another() -> None:
    breaker = opened(100.0)
    breaker.wait(ME, 102.0, is_retry=False)
    breaker.abandoned(ME)
    assert breaker.wait(ME, 102.0, is_retry=False) == 0


def test_an_attempt_that_began_before_ends_no_probe_of_another_one() -> None:
    breaker = opened(100.0)
    assert breaker.wait(ME, 102.0, is_retry=False) == 0
    breaker.abandoned(ANOTHER)
    breaker.failed(ANOTHER, 102.0)
    assert breaker.wait(ANOTHER, 102.0, is_retry=False) == ASK_AGAIN
    breaker.abandoned(ME)
    assert breaker.wait(ANOTHER, 102.0, is_retry=False) == 0


def test_retries_come_at_a_pace() -> None:
    breaker = Breaker()
    breaker.wait(ME, 100.0, is_retry=True)
    for _ in range(int(RETRY_BURST) - 1):
        assert breaker.wait(ME, 100.0, is_retry=True) == 0
    assert breaker.wait(ME, 100.0, is_retry=True) == pytest.approx(1 / RETRIES_PER_SECOND)
    assert breaker.wait(ME, 100.06, is_retry=True) == 0
    assert breaker.wait(ME, 100.06, is_retry=False) == 0
