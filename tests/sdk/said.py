"""What is said to the SDKs."""

from pathlib import Path
from typing import Final

import numpy as np

from relay.audio.pcm import Int16
from relay.simulator.faults import Fault, FaultKind
from tests.support.audio_files import RATE, write_audio
from tests.support.speech import flite

SENTENCE: Final = "the train leaves at nine in the morning"
"""Words that the recogniser's dictionary knows."""

PAUSE_SECONDS: Final = 1.5
"""Silence behind it, where a pause shall commit it."""

IN_MID_SENTENCE: Final = Fault(FaultKind.DROP, after_samples=RATE)
"""The provider's socket is reset after the first second of it."""


def sentence() -> Int16:
    """The sentence at `RATE`: two and a half seconds."""
    samples, rate = flite(SENTENCE, "rms")
    assert rate == RATE
    return samples


def sentence_and_pause() -> Int16:
    return np.concatenate([sentence(), np.zeros(round(PAUSE_SECONDS * RATE), np.int16)])


def write_sentence(folder: Path) -> Path:
    """Write the sentence as a WAV file; the path."""
    return write_audio(folder / "sentence.wav", sentence(), RATE)


def write_sentence_and_pause(folder: Path) -> Path:
    """Write sentence and pause as a WAV file; the path."""
    return write_audio(folder / "sentence-and-pause.wav", sentence_and_pause(), RATE)


def write_samples(folder: Path) -> Path:
    """Write the sentence as bare samples; the path."""
    path = folder / "sentence.pcm"
    path.write_bytes(sentence().tobytes())
    return path
