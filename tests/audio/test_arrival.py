from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from relay.audio.arrival import ArrivalRate, device_rate

Arrivals = Iterable[tuple[float, float]]
"""Seconds of audio, at the declared rate, and when they came."""


def live(
    *,
    minutes: float = 3.0,
    ratio: float = 1.0,
    message: float = 0.1,
    jitter: float = 0.05,
    begin: float = 1000.0,
) -> list[tuple[float, float]]:
    """A sound card that runs `ratio` times as fast as declared, over a line that jitters."""
    count = round(minutes * 60 * ratio / message)
    said = begin + np.arange(count) * message / ratio
    random = np.random.default_rng(1)
    came = np.maximum.accumulate(said + random.uniform(0, jitter, count))
    return [(message, float(at)) for at in came]


def stalled(arrivals: Arrivals, *, from_: float, until: float, speed: float) -> Iterator:  # type: ignore[type-arg]
    """The same over a line that stands still for a while, then carries `speed` × real time."""
    free_at = 0.0
    for seconds, at in arrivals:
        came = max(until if from_ <= at < until else at, free_at)
        free_at = came + seconds / speed
        yield seconds, came


def told(rate: ArrivalRate, arrivals: Arrivals) -> list[float]:
    heard = [rate.hear(seconds, at) for seconds, at in arrivals]
    return [ratio for ratio in heard if ratio is not None]


@pytest.mark.parametrize("message", [0.02, 0.1, 0.25])
@pytest.mark.parametrize(
    ("declared", "sent"), [(48_000, 44_100), (44_100, 48_000), (48_000, 16_000), (16_000, 48_000)]
)
def test_a_wrong_declaration_is_told_once(declared: int, sent: int, message: float) -> None:
    rate = ArrivalRate(declared)
    ratios = told(rate, live(ratio=sent / declared, message=message))
    assert ratios == [pytest.approx(sent / declared, rel=0.01)]
    assert rate.is_off
    assert device_rate(ratios[0] * declared) == sent


def test_it_is_told_after_half_a_minute_where_it_is_plain() -> None:
    arrivals = [each for each in live(ratio=1 / 3) if each[1] < 1029]
    assert not told(ArrivalRate(48_000), arrivals)
    arrivals = [each for each in live(ratio=1 / 3) if each[1] < 1032]
    assert told(ArrivalRate(48_000), arrivals)


@pytest.mark.parametrize("jitter", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("ratio", [0.998, 1.0, 1.002, 1.03])
def test_a_sound_card_that_is_nearly_right_is_right(ratio: float, jitter: float) -> None:
    assert not told(ArrivalRate(48_000), live(minutes=10, ratio=ratio, jitter=jitter))


def test_it_is_told_again_only_after_it_was_right_for_a_while() -> None:
    rate = ArrivalRate(48_000)
    assert told(rate, live(ratio=0.9, begin=0))
    assert not told(rate, live(ratio=0.9, begin=200))
    assert not told(rate, live(ratio=1.0, begin=400))
    assert not rate.is_off
    assert told(rate, live(ratio=0.9, begin=600))


@pytest.mark.parametrize("speed", [1.1, 1.25, 4.0, 1000.0])
@pytest.mark.parametrize("stall", [0.5, 3.0, 20.0, 60.0])
def test_a_line_that_stalls_and_catches_up_is_no_wrong_rate(stall: float, speed: float) -> None:
    arrivals = stalled(live(minutes=15), from_=1040.0, until=1040.0 + stall, speed=speed)
    assert not told(ArrivalRate(48_000), arrivals)


def test_a_client_that_sends_first_what_it_kept_while_it_connected_is_right() -> None:
    slowly = stalled(live(minutes=5), from_=0, until=1004.0, speed=1.1)
    assert not told(ArrivalRate(48_000), slowly)


def test_a_client_that_comes_back_may_have_kept_more() -> None:
    def arrivals() -> Iterator[tuple[float, float]]:
        return stalled(live(minutes=5), from_=0, until=1040.0, speed=1.5)

    assert told(ArrivalRate(48_000), arrivals())
    assert not told(ArrivalRate(48_000, kept=60.0), arrivals())


def test_pauses_and_speech_only_are_no_wrong_rate() -> None:
    random = np.random.default_rng(2)
    arrivals, now = [], 0.0
    for _ in range(200):
        for _ in range(random.integers(5, 40)):
            arrivals.append((0.1, now))
            now += 0.1
        now += random.uniform(0.3, 3.0)
    assert not told(ArrivalRate(48_000), arrivals)


@pytest.mark.parametrize("speed", [1.5, 2.5, 4.0])
def test_a_recording_that_may_come_faster_is_no_wrong_rate(speed: float) -> None:
    rate = ArrivalRate(44_100, takes_recordings=True)
    assert not told(rate, live(ratio=speed, jitter=0.0))


def test_what_looks_like_a_sound_card_is_told_also_where_recordings_are_taken() -> None:
    assert told(ArrivalRate(16_000, takes_recordings=True), live(ratio=3.0))


def test_a_client_that_is_held_back_to_the_pace_of_live_audio_is_too_fast() -> None:
    held = stalled(live(ratio=3.0), from_=0, until=0, speed=1.25)
    assert told(ArrivalRate(16_000), held) == [pytest.approx(1.25, rel=0.01)]


def test_messages_that_we_made_wait_say_nothing() -> None:
    rate = ArrivalRate(48_000)
    for count, (seconds, at) in enumerate(live(ratio=0.7)):
        if count % 100 == 0:
            rate.interrupt()
        assert rate.hear(seconds, at) is None


def test_another_declaration_is_judged_by_itself() -> None:
    rate = ArrivalRate(48_000)
    assert told(rate, live(ratio=0.9, begin=0))
    rate.declare(44_100)
    assert not rate.is_off
    assert told(rate, live(ratio=0.9, begin=200))


def test_a_rate_that_no_sound_card_has_is_none() -> None:
    assert device_rate(47_900.0) == 48_000
    assert device_rate(20_000.0) is None
