import math

import pytest

from relay.lifetime import (
    EXPEL_TIMEOUT,
    MOVE_TIMEOUT,
    PAUSE_TIMEOUT,
    STOPPED,
    Departure,
    Lifetime,
)
from relay.protocol.close_codes import CloseCode
from relay.translator import Finished, Refused

HERE = math.inf
STOP = Finished(STOPPED, CloseCode.ENDED)
IDLE = Finished("idle", CloseCode.IDLE)
EXPELLED = Refused(CloseCode.NOT_SIGNED_IN, "unauthorized")


def lifetime(*, park_seconds: float = 30.0) -> Lifetime:
    return Lifetime(now=100.0, park_seconds=park_seconds, idle_timeout=900.0)


def stopped(*, at: float = 100.0, timeout: float = 10.0) -> Lifetime:
    made = lifetime()
    made.finish(STOP)
    made.extend(at, timeout)
    return made


def test_who_says_nothing_is_idle() -> None:
    made = lifetime()
    made.heard(200.0)
    assert not made.is_idle(1099.0)
    assert made.is_idle(1100.0)


def test_a_client_that_is_away_is_awaited_as_long_as_it_is_parked() -> None:
    made = lifetime()
    assert not made.is_awaited(120.0, HERE)
    assert made.is_awaited(129.9, 100.0)
    assert not made.is_awaited(130.0, 100.0)
    assert made.is_parked_too_long(130.0, 100.0)
    assert not made.is_parked_too_long(1e9, HERE)


def test_a_client_that_cannot_come_back_is_not_awaited() -> None:
    made = lifetime(park_seconds=0.0)
    assert not made.is_awaited(100.0, 100.0)
    assert made.is_parked_too_long(100.0, 100.0)


def test_a_client_that_left_in_order_is_not_awaited() -> None:
    made = lifetime()
    made.waits_no_longer()
    assert not made.is_awaited(101.0, 100.0)


def test_the_first_ending_counts() -> None:
    made = lifetime()
    assert made.finish(STOP)
    assert not made.finish(IDLE)
    assert made.finishing == STOP


@pytest.mark.parametrize(("ending", "may"), [(None, True), (STOP, True), (IDLE, False)])
def test_who_has_stopped_may_hear_its_last_words(ending: Finished | None, may: bool) -> None:
    made = lifetime()
    if ending is not None:
        made.finish(ending)
    assert made.may_come_back is may


def test_the_last_final_has_its_time_once_the_provider_can_answer() -> None:
    made = stopped(at=100.0)
    assert not made.is_late(500.0, is_open=False)
    made.extend(500.0, 10.0)
    assert not made.is_late(509.9, is_open=True)
    assert made.is_late(510.0, is_open=True)


def test_nothing_is_late_in_a_session_that_goes_on() -> None:
    made = lifetime()
    made.extend(100.0, 0.0)
    assert not made.is_late(1000.0, is_open=True)


def test_an_ending_that_is_hastened_waits_neither_for_a_slot_nor_for_the_client() -> None:
    made = stopped(at=100.0, timeout=10.0)
    made.hasten(101.0, EXPEL_TIMEOUT)
    assert not made.is_awaited(101.0, 100.0)
    assert not made.is_late(102.4, is_open=False)
    assert made.is_late(102.5, is_open=False)
    made.extend(200.0, 10.0)  # a slot that comes now changes nothing
    assert made.is_late(102.5, is_open=True)


def test_an_ending_is_never_hastened_into_a_longer_one() -> None:
    made = stopped(at=100.0, timeout=10.0)
    made.hasten(109.0, 10.0)
    assert made.is_late(110.0, is_open=False)


def test_who_is_expelled_is_told_so_whatever_had_begun() -> None:
    made = stopped()
    made.replace(EXPELLED)
    assert made.finishing == EXPELLED


def test_a_session_goes_at_the_end_of_its_segment() -> None:
    departure = Departure(1000, now=100.0)
    assert not departure.may_go(1000, 1)
    assert departure.may_go(1000, 0)
    assert departure.may_go(1600, 500)


def test_a_segment_without_a_pause_is_ended() -> None:
    departure = Departure(1000, now=100.0)
    late = 100.0 + PAUSE_TIMEOUT
    assert not departure.wants_commit(1000, 1, late - 0.1)
    assert departure.wants_commit(1000, 1, late)
    assert not departure.wants_commit(1001, 0, late)


def test_a_session_goes_without_its_last_final_in_the_end() -> None:
    departure = Departure(1000, now=100.0)
    assert not departure.is_overdue(100.0 + MOVE_TIMEOUT - 0.1)
    assert departure.is_overdue(100.0 + MOVE_TIMEOUT)
