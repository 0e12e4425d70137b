from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.audio.pcm import Int16
from relay.scribe.parameters import AudioFormat, Parameters
from relay.simulator.endpointer import Endpointer
from tests.support.speech import flite

RATE = 16_000
SENTENCE = "The quick brown fox jumps over the lazy dog."


def spoken(*, pause: float, times: int = 1) -> Int16:
    """A sentence of flite's and a pause, several times over."""
    speech, rate = flite(SENTENCE)
    assert rate == RATE
    return np.tile(np.concatenate([speech, np.zeros(round(pause * rate), np.int16)]), times)


def speech_seconds() -> float:
    return len(flite(SENTENCE)[0]) / RATE


def pauses(samples: Int16, **parameters: Any) -> list[float]:
    """Seconds at which a pause was long enough."""
    return [position / RATE for position in Endpointer(Parameters(**parameters)).push(samples)]


@pytest.mark.parametrize("silence", [0.4, 1.5])
def test_a_pause_ends_the_segment_when_it_is_long_enough(silence: float) -> None:
    (pause,) = pauses(spoken(pause=2.0), vad_silence_threshold_secs=silence)
    assert pause == pytest.approx(speech_seconds() + silence, abs=0.3)


def test_a_shorter_pause_ends_nothing() -> None:
    assert pauses(spoken(pause=1.0), vad_silence_threshold_secs=1.5) == []


def test_each_sentence_has_its_pause() -> None:
    assert len(pauses(spoken(pause=2.0, times=3))) == 3


def test_silence_has_none() -> None:
    assert pauses(np.zeros(5 * RATE, np.int16)) == []


def test_speech_that_is_too_short_is_ignored() -> None:
    short = spoken(pause=2.0)[: round(0.5 * RATE)]
    samples = np.concatenate([short, np.zeros(2 * RATE, np.int16)])
    assert pauses(samples, min_speech_duration_ms=100)
    assert pauses(samples, min_speech_duration_ms=1000) == []


def test_gaps_that_are_too_short_are_no_silence() -> None:
    assert pauses(spoken(pause=1.0), vad_silence_threshold_secs=0.5)
    shorter = {"vad_silence_threshold_secs": 0.5, "min_silence_duration_ms": 1500}
    assert pauses(spoken(pause=1.0), **shorter) == []


def test_the_threshold_says_how_sure_the_detector_must_be() -> None:
    random = np.random.default_rng(1)
    samples = spoken(pause=2.0)
    faint = (samples / 100 + random.normal(0, 40, len(samples))).astype(np.int16)
    sensitive, demanding = (pauses(faint, vad_threshold=threshold) for threshold in (0.1, 0.9))
    assert sensitive != demanding


def test_after_a_reset_the_speech_so_far_counts_no_more() -> None:
    endpointer = Endpointer(Parameters())
    assert endpointer.push(spoken(pause=0.5)) == []
    endpointer.reset()
    assert endpointer.push(np.zeros(5 * RATE, np.int16)) == []


@settings(max_examples=15)
@given(st.lists(st.integers(1, 100_000), max_size=6))
def test_no_cut_of_the_audio_changes_where_pauses_are(cuts: list[int]) -> None:
    samples = spoken(pause=2.0, times=2)
    endpointer = Endpointer(Parameters())
    pieces = np.split(samples, sorted(min(cut, len(samples)) for cut in cuts))
    found = [position for piece in pieces for position in endpointer.push(piece)]
    assert found == Endpointer(Parameters()).push(samples)


@pytest.mark.parametrize(
    "audio_format", [AudioFormat.PCM_8000, AudioFormat.ULAW_8000, AudioFormat.PCM_48000]
)
def test_positions_are_samples_of_the_sessions_rate(audio_format: AudioFormat) -> None:
    samples = spoken(pause=2.0)
    rate = audio_format.rate
    indices = np.arange(len(samples) * rate // RATE) * RATE // rate
    (position,) = Endpointer(Parameters(audio_format=audio_format)).push(samples[indices])
    assert position / rate == pytest.approx(speech_seconds() + 1.5, abs=0.3)
