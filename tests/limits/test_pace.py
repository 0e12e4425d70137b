import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.limits.pace import Pace

START = 5000.0

speeds = st.floats(0.5, 8)
bursts = st.floats(0, 30)
messages = st.lists(st.floats(0, 5), min_size=1, max_size=100)


def test_a_burst_is_taken_at_once_and_then_the_speed_counts() -> None:
    pace = Pace(speed=2.0, burst=10.0)
    assert pace.take(10.0, START) == 0.0
    assert pace.take(3.0, START) == 1.5
    assert pace.take(4.0, START + 1.5) == 2.0


def test_a_pause_fills_the_bucket_and_no_more() -> None:
    pace = Pace(speed=1.25, burst=10.0)
    pace.take(10.0, START)
    assert pace.take(10.0, START + 3600) == 0.0
    assert pace.take(1.25, START + 3600) == 1.0


@given(speeds, bursts, messages, st.lists(st.floats(0, 10), min_size=100, max_size=100))
def test_in_the_long_run_nobody_is_faster_than_the_speed(
    speed: float, burst: float, messages: list[float], pauses: list[float]
) -> None:
    pace = Pace(speed, burst)
    now, taken = START, 0.0
    for seconds, pause in zip(messages, pauses, strict=False):
        delay = pace.take(seconds, now)
        taken += seconds
        # Before anything more is read, all that was taken fits the bucket.
        now += delay
        assert taken <= burst + speed * (now - START) + 1e-6
        now += pause


@given(st.floats(1.0, 8), st.lists(st.floats(0.01, 5), max_size=100), st.floats(0, 9))
def test_a_client_in_real_time_never_waits(
    speed: float, chunks: list[float], longest_delay: float
) -> None:
    pace = Pace(speed, burst=14.0)
    spoken, arrived = START, START
    for index, seconds in enumerate(chunks):
        spoken += seconds
        # A slow line holds back what was said for some seconds and brings it all at once.
        arrived = max(arrived, spoken + (longest_delay if index % 3 else 0.0))
        assert pace.take(seconds, arrived) == 0.0


@given(speeds, bursts, st.floats(0, 100))
def test_one_long_message_is_waited_for_no_longer_than_it_takes(
    speed: float, burst: float, seconds: float
) -> None:
    delay = Pace(speed, burst).take(seconds, START)
    assert delay == pytest.approx(max(0.0, seconds - burst) / speed)


@pytest.mark.parametrize(("speed", "burst"), [(0.0, 10.0), (-1.0, 10.0), (1.0, -1.0)])
def test_a_pace_of_nothing_is_refused(speed: float, burst: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Pace(speed, burst)


def test_whoever_comes_back_may_catch_up_once() -> None:
    pace = Pace(speed=1.25, burst=0.0)
    pace.catch_up(10.0)
    assert pace.take(4.0, 0.0) == 1.0
    assert pace.take(4.0, 1.0) == 1.0
    assert pace.take(4.0, 2.0) == pytest.approx(2.0 / 1.25)


def test_its_speed_is_known() -> None:
    assert Pace().speed == 1.25
