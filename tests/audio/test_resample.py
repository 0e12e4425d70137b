"""One signal from rate to rate: lengths, splits, alignment, the end of a signal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.pcm import Float32
from relay.audio.resample import MAX_RATE, MIN_RATE, Quality, StreamResampler
from tests.support.signals import impulse, sine

RATES = st.one_of(
    st.sampled_from([8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 192_000]),
    st.integers(MIN_RATE, MAX_RATE),
)


def convert(resampler: StreamResampler, *chunks: Float32) -> Float32:
    parts = [resampler.push(chunk) for chunk in chunks]
    return np.concatenate([*parts, resampler.push(np.empty(0, np.float32), last=True)])


@given(
    rate_in=RATES,
    rate_out=RATES,
    quality=st.sampled_from(Quality),
    frames=st.integers(0, 5_000),
    cuts=st.lists(st.integers(0, 5_000), max_size=12),
)
def test_no_split_changes_a_bit_and_the_length_is_exact(
    rate_in: int, rate_out: int, quality: Quality, frames: int, cuts: list[int]
) -> None:
    signal = np.random.default_rng(frames).uniform(-1, 1, frames).astype(np.float32)
    whole = convert(StreamResampler(rate_in, rate_out, quality), signal)
    pieces = np.split(signal, sorted(min(cut, frames) for cut in cuts))
    split = convert(StreamResampler(rate_in, rate_out, quality), *pieces)
    np.testing.assert_array_equal(split, whole)
    assert abs(whole.size - frames * rate_out / rate_in) <= 0.5


@pytest.mark.parametrize("quality", [q for q in Quality if q is not Quality.QUICK])
@pytest.mark.parametrize("rate_in", [8_000, 22_050, 44_100, 48_000, 192_000])
def test_an_impulse_keeps_its_place(rate_in: int, quality: Quality) -> None:
    at = rate_in // 3
    output = convert(StreamResampler(rate_in, 16_000, quality), impulse(rate_in, at))
    assert abs(int(np.argmax(np.abs(output))) - at * 16_000 / rate_in) <= 1


def test_equal_rates_are_passed_through_at_once() -> None:
    chunk = np.array([0.1, -0.7, 1.5], np.float32)
    assert StreamResampler(16_000, 16_000).push(chunk) is chunk


@pytest.mark.parametrize("rate_in", [16_000, 48_000])
def test_nothing_may_follow_the_last_chunk(rate_in: int) -> None:
    resampler = StreamResampler(rate_in, 16_000)
    resampler.push(np.zeros(480, np.float32), last=True)
    with pytest.raises(RuntimeError, match="reset"):
        resampler.push(np.zeros(480, np.float32))


@pytest.mark.parametrize("rate_in", [16_000, 48_000])
def test_after_reset_nothing_of_the_old_signal_is_left(rate_in: int) -> None:
    tone = sine(500, rate_in, seconds=0.1)
    resampler = StreamResampler(rate_in, 16_000)
    first = convert(resampler, tone)
    resampler.reset()
    resampler.push(tone[::-1].copy())
    resampler.reset()
    np.testing.assert_array_equal(convert(resampler, tone), first)


@pytest.mark.parametrize("rates", [(7_999, 16_000), (192_001, 16_000), (16_000, 4_000)])
def test_rates_out_of_bounds_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be from 8000 to 192000 Hz"):
        StreamResampler(*rates)


def test_only_float32_is_taken() -> None:
    with pytest.raises(TypeError, match="must be float32"):
        StreamResampler(48_000, 16_000).push(np.zeros(3))  # type: ignore[arg-type]  # the mistake
