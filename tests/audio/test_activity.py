"""Speech or not: the table of noises, loud changes of noise, every rate, every split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.audio import (
    SNRS_DB,
    UTTERANCES,
    Scene,
    detect,
    find_commits,
    measure_activity,
    scene,
    scenes_in,
    utterance,
)
from relay.audio.activity import SILENCE_DBFS, ActivityDetector, ActivityFrame
from relay.audio.pcm import PCM16_SCALE, Int16, WireFormat, to_pcm16
from relay.audio.resample import StreamResampler
from tests.support.signals import NOISE_RATE, rms, sine, trim_silence, white_noise
from tests.support.speech import alsa_recording


def at_rate(samples: Int16, rate: int, *, rate_in: int = NOISE_RATE) -> Int16:
    resampler = StreamResampler(rate_in, rate)
    return to_pcm16(resampler.push(samples.astype(np.float32) / np.float32(PCM16_SCALE), last=True))


def judge(samples: Int16, rate: int = NOISE_RATE, threshold: float = 0.4) -> list[ActivityFrame]:
    return ActivityDetector(rate, threshold=threshold).push(samples)


@pytest.mark.parametrize("snr_db", SNRS_DB)
@pytest.mark.parametrize("noise", ["white", "pink", "fan and hum", "babble"])
def test_the_end_of_speech_is_found_in_noise(noise: str, snr_db: int) -> None:
    quality = measure_activity(scenes_in(noise, snr_db))
    assert quality.found >= 19
    assert quality.early == 0


@pytest.mark.parametrize("noise", ["white", "pink", "fan and hum", "babble"])
def test_noise_that_grows_louder_does_not_hang_it(noise: str) -> None:
    for index in range(0, len(UTTERANCES), 4):
        stepped = scene(utterance(index), noise, 20, tail=9.0, step_db=15.0, step_at=1.5)
        commits = find_commits(detect(stepped.samples))
        assert commits
        assert commits[-1] < stepped.speech_end / NOISE_RATE + 9.0


@pytest.mark.parametrize("snr_db", SNRS_DB)
@pytest.mark.parametrize("noise", ["white", "fan and hum"])
def test_fluent_speech_is_never_cut(noise: str, snr_db: int) -> None:
    pause = np.zeros(round(0.35 * NOISE_RATE), np.int16)
    voices = [utterance(index) for index in range(12)]
    evened = [(voice * (2_000 / rms(voice))).astype(np.int16) for voice in voices]
    parts = [part for voice in evened for part in (pause, voice)]
    fluent = scene(np.concatenate(parts[1:]), noise, snr_db)
    quality = measure_activity([fluent])
    assert (quality.found, quality.early) == (1, 0)


@pytest.mark.parametrize("rate", sorted({wire_format.rate for wire_format in WireFormat}))
@pytest.mark.parametrize("noise", ["fan and hum", "babble"])
def test_speech_is_found_at_every_rate(rate: int, noise: str) -> None:
    def detect_at_rate(samples: Int16) -> list[bool]:
        return [frame.is_speech for frame in judge(at_rate(samples, rate), rate)]

    scenes = [scene(utterance(index), noise, 10) for index in (0, 1, 2, 3, 4)]
    assert measure_activity(scenes, detect_at_rate).found == len(scenes)


@pytest.mark.parametrize("name", ["Front_Center", "Rear_Left", "Side_Right"])
def test_a_human_voice_is_found(name: str) -> None:
    recording, rate = alsa_recording(name)
    voice = trim_silence(at_rate(recording, NOISE_RATE, rate_in=rate))
    quiet = white_noise(3 * NOISE_RATE, np.random.default_rng(1)) * 20
    samples = np.concatenate([quiet[:NOISE_RATE].astype(np.int16), voice, quiet.astype(np.int16)])
    found = measure_activity([Scene(samples, NOISE_RATE, NOISE_RATE + voice.size)])
    assert (found.found, found.early) == (1, 0)


@settings(max_examples=30)
@given(
    rate=st.sampled_from([8_000, 16_000, 22_050, 24_000, 44_100, 48_000]),
    cuts=st.lists(st.integers(0, 48_000), max_size=20),
    levels_only=st.booleans(),
)
def test_no_split_changes_a_frame(rate: int, cuts: list[int], levels_only: bool) -> None:
    samples = at_rate(scene(utterance(4), "pink", 10).samples, rate)
    whole = ActivityDetector(rate, levels_only=levels_only).push(samples)
    detector = ActivityDetector(rate, levels_only=levels_only)
    pieces = np.split(samples, sorted(cuts))
    assert [frame for piece in pieces for frame in detector.push(piece)] == whole


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100])
def test_a_frame_is_at_most_two_frames_late(rate: int) -> None:
    detector = ActivityDetector(rate)
    size = rate // 50
    late = 0
    for pushed in range(1, 200):
        late -= len(detector.push(np.zeros(size, np.int16))) - 1
        assert 0 <= late <= 2, pushed


def test_frames_end_every_20_ms() -> None:
    frames = judge(np.zeros(24_000, np.int16), 24_000)
    ends = [frame.end for frame in frames]
    assert ends == list(range(480, 480 * len(ends) + 1, 480))


@pytest.mark.parametrize("level_dbfs", [-1.0, -40.0])
def test_levels_are_rms_against_full_scale(level_dbfs: float) -> None:
    tone = to_pcm16(sine(500, 16_000, seconds=0.1, level_dbfs=level_dbfs))
    for frame in ActivityDetector(16_000, levels_only=True).push(tone):
        assert frame.level_dbfs == pytest.approx(level_dbfs - 3.01, abs=0.05)


def test_digital_silence_has_a_level_and_no_speech() -> None:
    frames = judge(np.zeros(16_000, np.int16))
    assert {(frame.level_dbfs, frame.is_speech) for frame in frames} == {(SILENCE_DBFS, False)}


def test_faint_sound_behind_a_noise_gate_is_no_speech() -> None:
    faint = (utterance(0) / 2_000).astype(np.int16)
    samples = np.concatenate([np.zeros(16_000, np.int16), faint])
    assert not any(detect(samples))


def test_levels_only_measures_the_same_and_hears_nothing() -> None:
    samples = scene(utterance(0), "white", 30).samples
    levels = ActivityDetector(16_000, levels_only=True).push(samples)
    assert [frame.level_dbfs for frame in levels] == [f.level_dbfs for f in judge(samples)]
    assert not any(frame.is_speech for frame in levels)


def test_a_higher_threshold_hears_less() -> None:
    samples = scene(utterance(7), "pink", 10).samples
    heard = [
        sum(frame.is_speech for frame in judge(samples, threshold=threshold))
        for threshold in (0.1, 0.2, 0.35, 0.4, 0.65, 0.9)
    ]
    assert heard == sorted(heard, reverse=True)
    assert heard[0] > 1.2 * heard[-1] > 0


@pytest.mark.parametrize("threshold", [0.09, 0.91])
def test_a_threshold_out_of_bounds_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=r"must be from 0\.1 to 0\.9"):
        ActivityDetector(16_000, threshold=threshold)


def test_a_rate_without_whole_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 50 Hz"):
        ActivityDetector(11_025)


def test_levels_can_begin_anywhere() -> None:
    loud = np.full(480, 8192, np.int16)
    detector = ActivityDetector(16_000, levels_only=True)
    assert [frame.end for frame in detector.push(loud)] == [320]
    detector.skip_to(1000)
    (frame,) = detector.push(loud)
    assert frame.end == 1320
    assert frame.level_dbfs == pytest.approx(-12.04, abs=0.01)
