"""Audio files for tests, written where they are needed."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from tests.support.signals import sine
from tests.support.speech import flite

RATE = 16_000


def write_audio(path: Path, samples: npt.NDArray[Any], rate: int = RATE) -> Path:
    """Write samples in the format that the suffix names; the path."""
    soundfile.write(path, samples, rate)
    return path


def write_tone(path: Path, seconds: float = 1.0, *, gains: tuple[float, ...] = (1.0,)) -> Path:
    """Write a tone of 440 Hz, in one channel for each gain; the path."""
    tone = sine(440, RATE, seconds=seconds, level_dbfs=-6)
    return write_audio(path, np.stack([gain * tone for gain in gains], axis=1))


def write_two_sentences(path: Path) -> Path:
    """Write two seconds of speech and two of silence, twice; the path."""
    speech, rate = flite("one and two and three and four and five")
    sentence = np.concatenate([speech[: 2 * rate], np.zeros(2 * rate, np.int16)])
    return write_audio(path, np.tile(sentence, 2), rate)
