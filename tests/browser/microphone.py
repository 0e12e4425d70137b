"""What Chromium's fake microphone hears, and how that compares with what arrived."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from tests.support.speech import flite

RATE: Final = 48_000
"""In Hz, of the files; Chromium resamples to whatever its AudioContext has."""

LEAD_SECONDS: Final = 1.0
"""Silence before the first word: the fake device drops some 20 ms of its beginning."""

PAUSE_SECONDS: Final = 2.0
"""Silence after each sentence, in which it is committed."""

Samples = npt.NDArray[np.float64]


def permitted() -> tuple[str, ...]:
    """Flags of a Chromium that gives its microphone to everybody."""
    return ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


def hearing(file: Path, *, loops: bool = False) -> tuple[str, ...]:
    """Flags of a Chromium whose microphone hears a file."""
    ending = "" if loops else "%noloop"
    return (*permitted(), f"--use-file-for-fake-audio-capture={file}{ending}")


def write_speech(path: Path, sentences: list[str], voice: str = "rms") -> Path:
    """Write sentences with pauses; the path."""
    parts = [np.zeros(round(LEAD_SECONDS * RATE))]
    for sentence in sentences:
        spoken, rate = flite(sentence, voice)
        parts.append(soxr.resample(spoken / 32_768, rate, RATE))
        parts.append(np.zeros(round(PAUSE_SECONDS * RATE)))
    soundfile.write(path, np.concatenate(parts), RATE)
    return path


def best_match(played: Path, received: npt.NDArray[np.int16]) -> tuple[float, list[int]]:
    """Find what was played in 16 kHz samples that arrived, second by second.

    Returns:
        The correlation, from −1 to 1, in the median of the seconds in which somebody speaks: on a
        busy machine, the fake device stutters now and then. And for each of them, by how many
        samples it lies elsewhere than the first: a sample lost or doubled moves all that follow.
    """
    samples, rate = soundfile.read(played)
    wanted: Samples = soxr.resample(samples, rate, 16_000)
    heard: Samples = received / 32_768
    correlations, offsets = [], []
    for start in range(0, len(wanted) - 16_000, 16_000):
        second = wanted[start : start + 16_000]
        if np.sqrt(np.mean(second**2)) > 0.01:
            lag = _lag(heard, second)
            found = heard[max(0, lag) :][: len(second)]
            correlations.append(float(np.corrcoef(second[: len(found)], found)[0, 1]))
            offsets.append(lag - start)
    return float(np.median(correlations)), [offset - offsets[0] for offset in offsets]


def _lag(haystack: Samples, needle: Samples) -> int:
    """Where in `haystack` the beginning of `needle` lies, in samples."""
    size = 1 << (len(haystack) + len(needle)).bit_length()
    spectrum = np.fft.rfft(haystack, size) * np.conj(np.fft.rfft(needle, size))
    found = int(np.argmax(np.fft.irfft(spectrum, size)))
    return found if found < len(haystack) else found - size
