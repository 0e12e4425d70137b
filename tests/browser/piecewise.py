"""What was played and what arrived, compared piece by piece where clocks may drift."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from tests.browser.microphone import Samples

FINENESS: Final = 4
"""Positions per 16 kHz sample: half a sample beside it, consonants correlate at 0.9."""

RATE: Final = 16_000 * FINENESS
PIECE: Final = RATE // 8
REACH: Final = RATE // 40
"""How far from the first piece's offset others are looked for: 25 ms, half a message."""

QUIET: Final = 0.01
"""RMS, of full scale, below which a piece tells nothing."""


class Piece(NamedTuple):
    """An eighth of a second of speech, found again."""

    seconds: float
    """Where it was played."""
    moved: float
    """16 kHz samples by which it lies later than the first second of speech has it."""
    correlation: float


def match_pieces(played: Path, received: npt.NDArray[np.int16], begins_at: float) -> list[Piece]:
    """Find each piece of speech of a file in 16 kHz samples; speech `begins_at` so many seconds."""
    samples, rate = soundfile.read(played)
    wanted: Samples = soxr.resample(samples, rate, RATE)
    heard: Samples = soxr.resample(received / 32_768, 16_000, RATE)
    begin = round(begins_at * RATE)
    offset = _best(heard, wanted[begin : begin + RATE])[0] - begin
    pieces: list[Piece] = []
    for start in range(begin, len(wanted) - PIECE, PIECE):
        piece = wanted[start : start + PIECE]
        if np.sqrt(np.mean(piece**2)) < QUIET:
            continue
        around = heard[start + offset - REACH :][: PIECE + 2 * REACH]
        at, correlation = _best(around, piece)
        pieces.append(Piece(start / RATE, (at - REACH) / FINENESS, correlation))
    return pieces


def _best(haystack: Samples, needle: Samples) -> tuple[int, float]:
    """Where `needle` fits best, and how well, from −1 to 1."""
    size = 1 << (len(haystack) + len(needle)).bit_length()
    spectrum = np.fft.rfft(haystack, size) * np.conj(np.fft.rfft(needle, size))
    products = np.fft.irfft(spectrum, size)[: len(haystack) - len(needle) + 1]
    energies = np.cumsum(np.concatenate([[0], haystack**2]))
    energy = energies[len(needle) :] - energies[: -len(needle)]
    fits = products / np.sqrt(np.maximum(energy, 1e-9) * np.sum(needle**2))
    found = int(np.argmax(fits))
    return found, float(fits[found])
