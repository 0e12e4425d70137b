"""The whole chain: no split matters, the clock holds, and the sound is as clean as promised."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audio import RATES, ChainQuality, measure_chain
from relay.audio.chain import AudioChain
from relay.audio.pcm import Encoding, Int16, NonFinite, PartialFrame, WireFormat
from relay.audio.resample import Quality
from relay.audio.seam import find_seam
from tests.support.signals import impulse, level_dbfs, sine
from tests.support.speech import alsa_recording

Piece = tuple[int, int, list[int]]
"""Rate in Hz, length in frames, and where to cut it into messages (frames)."""

PIECES = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(RATES), st.integers(8_000, 192_000)),
        st.integers(0, 4_000),
        st.lists(st.integers(0, 4_000), max_size=8),
    ),
    min_size=1,
    max_size=4,
)


def chain_at(rate: int, *, wire_format: WireFormat = WireFormat.PCM_16000) -> AudioChain:
    return AudioChain(rate, encoding=Encoding.PCM_F32LE, channels=1, wire_format=wire_format)


def noise_bytes(frames: int, channels: int, encoding: Encoding, loudness: float) -> bytes:
    noise = np.random.default_rng(frames).uniform(-loudness, loudness, frames * channels)
    if encoding is Encoding.PCM_F32LE:
        return noise.astype("<f4").tobytes()
    return np.clip(noise * 32768, -32768, 32767).astype("<i2").tobytes()


def play(chain: AudioChain, pieces: Sequence[Piece], messages: Sequence[bytes]) -> Int16:
    """Send each piece in one message per cut; return all that comes out."""
    outputs = []
    for (rate, frames, cuts), message in zip(pieces, messages, strict=True):
        outputs.append(chain.change_rate(rate))
        frame_bytes = len(message) // max(frames, 1)
        edges = [0, *sorted(min(cut, frames) * frame_bytes for cut in cuts), len(message)]
        outputs += [chain.push(message[begin:end]) for begin, end in pairwise(edges)]
    return np.concatenate([*outputs, chain.flush()])


@given(
    pieces=PIECES,
    encoding=st.sampled_from(Encoding),
    channels=st.sampled_from([1, 2]),
    loudness=st.sampled_from([0.3, 3.0, 1e30]),
    wire_format=st.sampled_from(WireFormat),
    quality=st.sampled_from(Quality),
)
def test_no_split_changes_a_bit_and_the_clock_holds(
    pieces: list[Piece],
    encoding: Encoding,
    channels: int,
    loudness: float,
    wire_format: WireFormat,
    quality: Quality,
) -> None:
    messages = [noise_bytes(frames, channels, encoding, loudness) for _, frames, _ in pieces]
    chain, other = (
        AudioChain(
            pieces[0][0],
            encoding=encoding,
            channels=channels,
            wire_format=wire_format,
            quality=quality,
        )
        for _ in range(2)
    )
    output = play(chain, pieces, messages)
    uncut = [(rate, frames, list[int]()) for rate, frames, _ in pieces]
    np.testing.assert_array_equal(output, play(other, uncut, messages))

    frames = sum(frames for _, frames, _ in pieces)
    lengths = [
        (rate, sum(piece[1] for piece in run)) for rate, run in groupby(pieces, lambda p: p[0])
    ]
    exact = sum(frames * wire_format.rate / rate for rate, frames in lengths)
    assert chain.frames_received == frames
    assert chain.position == output.size
    assert abs(output.size - exact) <= 0.5 * len(lengths) + 1e-6
    assert chain.timeline.frame_at(output.size) == frames
    assert chain.timeline.position_at(frames) == output.size
    seconds = sum(frames / rate for rate, frames in lengths)
    assert chain.timeline.seconds_of_frame(frames) == pytest.approx(seconds, abs=1e-9)


@cache
def quality_at(rate: int) -> ChainQuality:
    return measure_chain(rate)


@pytest.mark.parametrize("rate", RATES)
def test_a_sine_keeps_its_signal_to_noise_ratio(rate: int) -> None:
    assert quality_at(rate).snr_db >= 96


@pytest.mark.parametrize("rate", RATES)
def test_the_passband_is_flat(rate: int) -> None:
    assert quality_at(rate).ripple_db < 0.1


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > 18_000])
def test_tones_above_the_output_nyquist_are_gone(rate: int) -> None:
    alias_dbfs = quality_at(rate).alias_dbfs
    assert alias_dbfs is not None
    assert alias_dbfs <= -90


def test_a_tone_above_the_output_nyquist_leaves_nothing_after_rounding() -> None:
    chain = chain_at(48_000)
    tone = sine(9_000, 48_000, seconds=1.0)
    output = np.concatenate([chain.push(tone.tobytes()), chain.flush()])
    assert level_dbfs(output[4_000:-4_000]) <= -90


@pytest.mark.parametrize("rate", RATES)
def test_the_length_is_exact_after_flush(rate: int) -> None:
    assert quality_at(rate).length_error <= 0.5


@pytest.mark.parametrize("rate", RATES)
def test_audio_is_held_back_for_little_more_than_a_tenth_of_a_second(rate: int) -> None:
    assert 0 <= quality_at(rate).delay_max < 0.12


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("wire_format", [WireFormat.PCM_16000, WireFormat.PCM_44100])
def test_an_impulse_appears_where_the_timeline_says(rate: int, wire_format: WireFormat) -> None:
    chain = chain_at(rate, wire_format=wire_format)
    at = rate // 3
    output = np.concatenate([chain.push(impulse(rate, at).tobytes()), chain.flush()])
    assert abs(int(np.argmax(np.abs(output))) - chain.timeline.position_at(at)) <= 1


def test_an_impulse_after_a_change_of_rate_appears_where_the_timeline_says() -> None:
    chain = chain_at(44_100)
    outputs = [chain.push_silence(10_001), chain.change_rate(48_000)]
    outputs += [chain.push(impulse(9_600, 4_800).tobytes()), chain.flush()]
    peak = int(np.argmax(np.abs(np.concatenate(outputs))))
    assert abs(peak - chain.timeline.position_at(14_801)) <= 1
    assert chain.timeline.seconds_at(peak) == pytest.approx(10_001 / 44_100 + 0.1, abs=1e-4)


def test_overload_saturates_and_never_wraps() -> None:
    chain = chain_at(48_000)
    loud = sine(200, 48_000, seconds=0.5, level_dbfs=12.0)
    output = np.concatenate([chain.push(loud.tobytes()), chain.flush()])
    ideal = sine(200, 16_000, seconds=0.5, level_dbfs=12.0)[800:-800]
    steady = output[800:-800]
    assert (steady[ideal > 1.01] == 32767).all()
    assert (steady[ideal < -1.01] == -32768).all()


def test_one_huge_sample_harms_only_its_neighbourhood() -> None:
    tone = sine(440, 48_000, seconds=1.0)
    clean, struck = chain_at(48_000), chain_at(48_000)
    expected = np.concatenate([clean.push(tone.tobytes()), clean.flush()])
    tone[24_000] = 3e38
    output = np.concatenate([struck.push(tone.tobytes()), struck.flush()])
    np.testing.assert_allclose(output[:7_000], expected[:7_000], atol=1)
    np.testing.assert_allclose(output[9_000:], expected[9_000:], atol=1)


def test_a_human_voice_comes_out_as_it_went_in() -> None:
    speech, rate = alsa_recording("Front_Center")
    chain = AudioChain(rate, encoding=Encoding.PCM_S16LE, channels=1)
    output = np.concatenate([chain.push(speech.tobytes()), chain.flush()])
    back = AudioChain(
        16_000, encoding=Encoding.PCM_S16LE, channels=1, wire_format=WireFormat.PCM_48000
    )
    again = np.concatenate([back.push(output.tobytes()), back.flush()])
    assert np.corrcoef(again, speech[: again.size])[0, 1] > 0.98


def test_a_refused_message_changes_nothing_until_silence_takes_its_place() -> None:
    tone = sine(440, 48_000, seconds=0.4).tobytes()
    chain, expected = chain_at(48_000), chain_at(48_000)
    before = chain.push(tone)
    with pytest.raises(NonFinite) as refusal:
        chain.push(np.full(960, np.nan, "<f4").tobytes())
    assert (chain.frames_received, chain.position) == (19_200, before.size)
    outputs = [before, chain.push_silence(refusal.value.frames), chain.push(tone), chain.flush()]
    whole = expected.push(tone + bytes(4 * 960) + tone)
    np.testing.assert_array_equal(
        np.concatenate(outputs), np.concatenate([whole, expected.flush()])
    )
    assert chain.frames_received == 2 * 19_200 + 960


def test_a_partial_frame_is_refused() -> None:
    with pytest.raises(PartialFrame):
        chain_at(48_000).push(bytes(7))


def test_empty_messages_are_fine() -> None:
    chain = chain_at(48_000)
    assert chain.push(b"").size == 0
    assert chain.flush().size == 0
    assert (chain.frames_received, chain.position) == (0, 0)


def test_the_same_rate_is_no_change() -> None:
    chain = chain_at(48_000)
    chain.push_silence(481)
    assert chain.change_rate(48_000).size == 0
    chain.push_silence(481)
    chain.flush()
    assert chain.position == round(962 / 3)


def test_a_rate_out_of_bounds_is_refused_and_the_old_one_stays() -> None:
    chain = chain_at(48_000)
    with pytest.raises(ValueError, match="must be from 8000"):
        chain.change_rate(1_000)
    chain.push_silence(480)
    chain.flush()
    assert chain.position == 160


def test_nothing_can_follow_the_flush() -> None:
    chain = chain_at(48_000)
    chain.flush()
    with pytest.raises(RuntimeError):
        chain.push(b"")
    with pytest.raises(RuntimeError):
        chain.change_rate(44_100)
    with pytest.raises(RuntimeError):
        chain.flush()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("encoding", Encoding)
def test_a_message_lasts_as_long_as_its_audio(encoding: Encoding, channels: int) -> None:
    chain = AudioChain(
        48_000, encoding=encoding, channels=channels, wire_format=WireFormat.PCM_16000
    )
    message = noise_bytes(4_800, channels, encoding, 0.3)
    assert chain.seconds_of(message) == pytest.approx(0.1)
    chain.change_rate(16_000)
    assert chain.seconds_of(message) == pytest.approx(0.3)


def test_it_can_go_on_where_another_one_was_cut_off() -> None:
    tone = sine(440, 48_000, seconds=2.0)
    whole = chain_at(48_000)
    expected = np.concatenate([whole.push(tone.tobytes()), whole.flush()])
    seam = find_seam(whole.timeline, 60_001, from_sample=0, rate_in=48_000)
    chain = AudioChain.resume(seam, encoding=Encoding.PCM_F32LE, channels=1)
    assert (chain.frames_received, chain.position) == (seam.next_sample, 20_001)
    output = np.concatenate([chain.push(tone[seam.next_sample :].tobytes()), chain.flush()])
    np.testing.assert_allclose(output, expected[20_001:], atol=1)
    assert (chain.frames_received, chain.position) == (whole.frames_received, whole.position)


def test_what_the_client_has_not_kept_takes_time_and_no_samples() -> None:
    chain = chain_at(48_000)
    before = chain.push(noise_bytes(48_000, 1, Encoding.PCM_F32LE, 0.5))
    tail = chain.skip_to(96_000)
    assert before.size + tail.size == chain.position == 16_000
    assert chain.frames_received == 96_000
    assert chain.timeline.seconds_at(16_000) == 2.0
    after = [chain.push(noise_bytes(48_000, 1, Encoding.PCM_F32LE, 0.5)), chain.flush()]
    assert sum(samples.size for samples in after) == 16_000
    assert chain.timeline.frame_at(chain.position) == 144_000


def test_what_was_received_cannot_be_left_out() -> None:
    chain = chain_at(48_000)
    chain.push(bytes(400))
    with pytest.raises(ValueError, match="received already"):
        chain.skip_to(100)


def test_what_went_in_has_come_out_or_is_held() -> None:
    chain = chain_at(48_000)
    for _ in range(50):
        chain.push(bytes(4 * 960))
        came_out = chain.position / 16_000
        assert chain.held == pytest.approx(chain.frames_received / 48_000 - came_out, abs=1e-9)
    chain.change_rate(44_100)
    assert chain.held == 0.0


@pytest.mark.parametrize(("size", "is_partial"), [(0, False), (8, False), (12, True), (3, True)])
def test_a_partial_frame_is_told_before_it_is_pushed(size: int, is_partial: bool) -> None:
    chain = AudioChain(48_000, encoding=Encoding.PCM_F32LE, channels=2)
    assert chain.is_partial(bytes(size)) is is_partial
