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
    """Find what was played in 16 kHz samples that arrived.

    Returns:
        The correlation of the whole, from −1 to 1; and for each second of speech, by how many
        samples it lies elsewhere than the first: a sample lost or doubled moves all that follow.
    """
    samples, rate = soundfile.read(played)
    wanted: Samples = soxr.resample(samples, rate, 16_000)
    heard: Samples = received / 32_768
    lag = _lag(heard, wanted)
    length = min(len(wanted) - max(0, -lag), len(heard) - max(0, lag))
    part = wanted[max(0, -lag) :][:length]
    correlation = float(np.corrcoef(part, heard[max(0, lag) :][:length])[0, 1])
    seconds = (wanted[start : start + 16_000] for start in range(0, len(wanted), 16_000))
    offsets = [
        _lag(heard, second) - start * 16_000
        for start, second in enumerate(seconds)
        if len(second) == 16_000 and np.sqrt(np.mean(second**2)) > 0.01
    ]
    return correlation, [offset - offsets[0] for offset in offsets]


def _lag(haystack: Samples, needle: Samples) -> int:
    """Where in `haystack` the beginning of `needle` lies, in samples."""
    size = 1 << (len(haystack) + len(needle)).bit_length()
    spectrum = np.fft.rfft(haystack, size) * np.conj(np.fft.rfft(needle, size))
    found = int(np.argmax(np.fft.irfft(spectrum, size)))
    return found if found < len(haystack) else found - size
