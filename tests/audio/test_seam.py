"""A chain that starts in the middle puts out what one that ran all along does."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.chain import AudioChain
from relay.audio.pcm import Encoding, Float32, Int16, WireFormat
from relay.audio.resample import Quality
from relay.audio.seam import PRE_ROLL, Seam, find_seam, grid_step
from relay.audio.timeline import Piece, Timeline

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000)
SECONDS = 3.0

Signal = tuple[tuple[int, int], ...]
"""Stretches of one rate: Hz, and the frame at which they end."""


@cache
def loud(frames: int) -> Float32:
    return np.random.default_rng(7).uniform(-0.9, 0.9, frames).astype(np.float32)


def play(chain: AudioChain, signal: Signal, begin: int = 0) -> Int16:
    """Send all from frame `begin` on, with the changes of rate on the way."""
    outputs = []
    for rate, end in signal:
        if end <= begin:
            continue
        outputs.append(chain.change_rate(rate))
        outputs.append(chain.push(loud(signal[-1][1])[begin:end].tobytes()))
        begin = end
    return np.concatenate([*outputs, chain.flush()])


def resume(seam: Seam, wire_format: WireFormat, quality: Quality) -> AudioChain:
    return AudioChain.resume(
        seam, encoding=Encoding.PCM_F32LE, channels=1, wire_format=wire_format, quality=quality
    )


@cache
def uninterrupted(
    signal: Signal, wire_format: WireFormat, quality: Quality
) -> tuple[Int16, Timeline]:
    chain = AudioChain(
        signal[0][0],
        encoding=Encoding.PCM_F32LE,
        channels=1,
        wire_format=wire_format,
        quality=quality,
    )
    return play(chain, signal), chain.timeline


def step_at(
    seam: Seam,
    signal: Signal,
    wire_format: WireFormat = WireFormat.PCM_16000,
    quality: Quality = Quality.HIGH,
) -> int:
    """The greatest difference from the seam on to the end, in steps of PCM16."""
    expected = uninterrupted(signal, wire_format, quality)[0][seam.position :]
    output = play(resume(seam, wire_format, quality), signal, seam.next_sample)
    assert output.size == expected.size
    return int(np.abs(output.astype(int) - expected).max(initial=0))


def constant(rate: int) -> Signal:
    return ((rate, round(rate * SECONDS)),)


def timeline_of(rate: int, rate_out: int = 16_000) -> Timeline:
    return Timeline.restore(rate_out, [Piece(rate, 0, 0)])


@given(
    rate=st.sampled_from(RATES),
    cut=st.floats(0, SECONDS - 0.01),
    wire_format=st.sampled_from(WireFormat),
    quality=st.sampled_from(Quality),
)
def test_nobody_hears_the_seam(
    rate: int, cut: float, wire_format: WireFormat, quality: Quality
) -> None:
    signal, covered = constant(rate), round(cut * rate)
    _, timeline = uninterrupted(signal, wire_format, quality)
    seam = find_seam(timeline, covered, from_sample=0, rate_in=rate)
    assert seam.position == timeline.position_at(covered)
    assert covered - seam.next_sample >= min(covered, PRE_ROLL * rate)
    assert seam.next_sample % grid_step(rate, wire_format.rate) == 0
    assert step_at(seam, signal, wire_format, quality) <= 1


@given(
    rate=st.one_of(st.sampled_from(RATES), st.integers(8_000, 192_000)),
    next_rate=st.sampled_from(RATES),
    change=st.floats(0, 1),
    cut=st.floats(0, 1),
    held=st.floats(0.15, 0.5),
)
def test_nor_one_near_a_change_of_rate(
    rate: int, next_rate: int, change: float, cut: float, held: float
) -> None:
    length = rate + next_rate
    at = 1 + round(change * (length - 1))
    signal = ((rate, at), (next_rate, length + 1))
    _, timeline = uninterrupted(signal, WireFormat.PCM_16000, Quality.HIGH)
    covered = round(cut * length)
    own = next_rate if covered >= at else rate
    from_sample = max(0, covered - round(held * own))
    seam = find_seam(timeline, covered, from_sample=from_sample, rate_in=own)
    if own in RATES:
        assert step_at(seam, signal) <= 1
    assert all(piece.frame <= covered for piece in seam.pieces)


def test_what_comes_after_the_seam_is_told_again() -> None:
    timeline = Timeline.restore(16_000, [Piece(48_000, 0, 0), Piece(44_100, 48_000, 16_000)])
    seam = find_seam(timeline, 47_000, from_sample=0, rate_in=48_000)
    assert seam.pieces == (Piece(48_000, 0, 0),)
    chain = resume(seam, WireFormat.PCM_16000, Quality.HIGH)
    play(chain, ((48_000, 48_000), (44_100, 92_100)), seam.next_sample)
    assert chain.timeline.pieces[:2] == timeline.pieces


def test_a_piece_that_began_just_before_needs_no_pre_roll_from_the_one_before_it() -> None:
    timeline = Timeline.restore(16_000, [Piece(48_000, 0, 0), Piece(44_100, 48_001, 16_000)])
    seam = find_seam(timeline, 48_100, from_sample=0, rate_in=44_100)
    assert (seam.next_sample, seam.position - seam.pre_roll) == (48_001, 16_000)


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate != 16_000])
def test_without_the_pre_roll_everybody_hears_it(rate: int) -> None:
    """The signal is loud enough for the tests above to fail."""
    covered = rate // 100 * 130
    grid = find_seam(timeline_of(rate), covered, from_sample=0, rate_in=rate)
    start = covered // grid_step(rate, 16_000) * grid_step(rate, 16_000)
    position = start * 16_000 // rate
    bare = Seam(start, 0, position, grid.pieces)
    # At 192 kHz the greater part of noise lies beyond what comes out.
    assert step_at(bare, constant(rate)) > (200 if rate > 96_000 else 500)


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate % 16_000])
def test_a_start_off_the_grid_is_heard(rate: int) -> None:
    right = find_seam(timeline_of(rate), 2 * rate, from_sample=0, rate_in=rate)
    off = Seam(right.next_sample + 1, right.pre_roll, right.position, right.pieces)
    expected = uninterrupted(constant(rate), WireFormat.PCM_16000, Quality.HIGH)[0]
    output = play(resume(off, WireFormat.PCM_16000, Quality.HIGH), constant(rate), off.next_sample)
    common = slice(0, 8_000)
    assert np.abs(output[common].astype(int) - expected[right.position :][common]).max() > 500


def test_what_the_client_has_no_more_is_a_gap() -> None:
    timeline = timeline_of(48_000)
    seam = find_seam(timeline, 30_001, from_sample=96_000, rate_in=44_100)
    assert seam.gap == (30_001, 96_000)
    assert (seam.next_sample, seam.pre_roll, seam.position) == (96_000, 0, 10_001)
    chain = resume(seam, WireFormat.PCM_16000, Quality.HIGH)
    assert chain.push_silence(0).size == 0
    assert (chain.frames_received, chain.position) == (96_000, 10_001)
    assert chain.timeline.seconds_of_frame(96_000) == 2.0
    assert chain.timeline.frame_at(10_001) == 96_000


@pytest.mark.parametrize("held", [0.05, 0.08, 0.099])
def test_a_shorter_pre_roll_from_the_grid_is_exact_too(held: float) -> None:
    covered = 70_000
    from_sample = covered - math.ceil(held * 44_100) - grid_step(44_100, 16_000)
    seam = find_seam(timeline_of(44_100), covered, from_sample=from_sample, rate_in=44_100)
    assert seam.next_sample >= from_sample
    assert step_at(seam, constant(44_100)) <= 1


def test_where_the_grid_is_too_coarse_for_what_the_client_holds_the_seam_is_near() -> None:
    """Rates without a divisor in common have one point of the grid a second."""
    rate, covered = 44_101, 70_000
    seam = find_seam(timeline_of(rate), covered, from_sample=covered - 11_025, rate_in=rate)
    assert seam.next_sample == covered - math.ceil(PRE_ROLL * rate)
    tone = np.sin(2 * np.pi * 440 * np.arange(100_000) / rate).astype(np.float32)
    whole = AudioChain(rate, encoding=Encoding.PCM_F32LE, channels=1)
    expected = np.concatenate([whole.push(tone.tobytes()), whole.flush()])[seam.position :]
    chain = resume(seam, WireFormat.PCM_16000, Quality.HIGH)
    output = chain.push(tone[seam.next_sample :].tobytes())
    # Half a sample of a tone whose slope is greatest: 32768 · 2π · 440 / 16000 / 2.
    assert np.abs(output.astype(int) - expected[: output.size]).max() <= 2_900
    assert chain.timeline.frame_at(seam.position) == pytest.approx(covered, abs=rate / 16_000)


def test_nothing_held_before_the_seam_is_no_reason_to_fail() -> None:
    seam = find_seam(timeline_of(48_000), 30_000, from_sample=30_000, rate_in=48_000)
    assert (seam.next_sample, seam.pre_roll, seam.gap) == (30_000, 0, None)


def test_before_the_first_final_all_begins_anew() -> None:
    seam = find_seam(timeline_of(44_100), 0, from_sample=0, rate_in=44_100)
    assert seam == Seam(0, 0, 0, (Piece(44_100, 0, 0),))


def test_a_rate_that_changes_within_the_pre_roll_ends_it() -> None:
    """No client of ours does so: it sends other audio than it did before."""
    seam = find_seam(timeline_of(48_000), 96_000, from_sample=0, rate_in=48_000)
    chain = resume(seam, WireFormat.PCM_16000, Quality.HIGH)
    chain.push_silence(480)
    assert chain.change_rate(16_000).size == 0
    assert chain.push_silence(160).size == 160
    assert chain.position == seam.position + 160


def test_a_frame_before_the_session_is_refused() -> None:
    with pytest.raises(ValueError, match="before the session"):
        find_seam(timeline_of(48_000), -1, from_sample=0, rate_in=48_000)
