"""Signals whose answer is known, noises, and the measures that compare what came out."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from relay.audio.pcm import PCM16_SCALE, Float32, Int16

Float64: TypeAlias = npt.NDArray[np.float64]
Noise: TypeAlias = Callable[[int, np.random.Generator], Float64]
"""Makes so many samples of noise at `NOISE_RATE`, of any level."""

NOISE_RATE = 16_000
"""Hz; the rate of every noise here, and of flite's voices."""


def sine(frequency_hz: float, rate: int, *, seconds: float, level_dbfs: float = -1.0) -> Float32:
    """Return a sine whose peak is `level_dbfs` below full scale."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency_hz * time)
    return wave.astype(np.float32)


def impulse(frames: int, at: int) -> Float32:
    """Return silence with one half-scale frame at index `at`."""
    signal = np.zeros(frames, np.float32)
    signal[at] = 0.5
    return signal


def identifiable_noise(seconds: float, rate: int, *, seed: int) -> Float32:
    """Return noise, every second of which is another and the same in every run; never silent."""
    parts = [
        np.random.default_rng((seed, second)).uniform(-0.5, 0.5, rate)
        for second in range(int(np.ceil(seconds)))
    ]
    return np.concatenate(parts)[: round(seconds * rate)].astype(np.float32)


def fit_sine(samples: Int16, frequency_hz: float, rate: int) -> tuple[float, float]:
    """Find the sine of a known frequency in `samples`, by least squares.

    Returns:
        Its amplitude (full scale 1.0), and the ratio of its power to that of everything else in
        `samples` (noise, distortion, alias and offset) in dB.
    """
    signal = samples / PCM16_SCALE
    angle = 2 * np.pi * frequency_hz * np.arange(samples.size) / rate
    basis = np.column_stack([np.sin(angle), np.cos(angle)])
    weights, *_ = np.linalg.lstsq(basis, signal, rcond=None)
    fitted = basis @ weights
    amplitude = float(np.hypot(*weights))
    return amplitude, decibels(rms(fitted) / rms(signal - fitted))


def rms(signal: npt.NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(np.square(signal.astype(np.float64)))))


def decibels(ratio: float) -> float:
    """Express a ratio of amplitudes in dB; nothing at all is −inf."""
    return float(20 * np.log10(ratio)) if ratio > 0 else float("-inf")


def level_dbfs(samples: Int16) -> float:
    """Return the RMS level; a full-scale sine reads −3.01, digital silence −inf."""
    return decibels(rms(samples) / PCM16_SCALE)


def to_int16(signal: Float64) -> Int16:
    """Round and saturate a signal that is in PCM16's own units."""
    return np.clip(np.rint(signal), -PCM16_SCALE, PCM16_SCALE - 1).astype(np.int16)


def white_noise(samples: int, random: np.random.Generator) -> Float64:
    return random.standard_normal(samples)


def pink_noise(samples: int, random: np.random.Generator) -> Float64:
    """Return noise with equal power in every octave above 20 Hz."""
    return _shaped_noise(samples, random, lambda hz: 1 / np.sqrt(np.maximum(hz, 20)))


def fan_noise(samples: int, random: np.random.Generator) -> Float64:
    """Return what a fan sounds like: a low rush that beats slowly, and the hum of its motor."""
    rush = _shaped_noise(samples, random, lambda hz: (1 + (hz / 150) ** 2) ** -0.75)
    time = np.arange(samples) / NOISE_RATE
    rush *= 1 + 0.15 * np.sin(2 * np.pi * 1.7 * time)
    harmonics = {50: 0.3, 100: 0.5, 150: 0.2, 200: 0.2, 300: 0.1, 400: 0.08}
    hum: Float64 = np.zeros(samples)
    for frequency_hz, weight in harmonics.items():
        hum += weight * np.sin(2 * np.pi * frequency_hz * time + random.uniform(0, 2 * np.pi))
    return rush / rms(rush) + 0.8 * hum / rms(hum)


def babble_noise(utterances: Sequence[Int16], *, talkers: int = 8) -> Noise:
    """Return a noise of several people who talk at once, each one utterance after another."""

    def babble(samples: int, random: np.random.Generator) -> Float64:
        total = np.zeros(samples)
        for _ in range(talkers):
            offset = int(random.integers(2 * NOISE_RATE))
            speech: Float64 = np.zeros(0)
            while speech.size < offset + samples:
                utterance = utterances[int(random.integers(len(utterances)))]
                pause = np.zeros(int(random.uniform(0.05, 0.4) * NOISE_RATE))
                speech = np.concatenate([speech, utterance / rms(utterance), pause])
            total += speech[offset : offset + samples]
        return total

    return babble


def _shaped_noise(
    samples: int, random: np.random.Generator, response: Callable[[Float64], Float64]
) -> Float64:
    spectrum = np.fft.rfft(random.standard_normal(samples))
    frequencies_hz = np.fft.rfftfreq(samples, 1 / NOISE_RATE).astype(np.float64)
    return np.fft.irfft(spectrum * response(frequencies_hz), samples).astype(np.float64)


def trim_silence(speech: Int16, *, below_peak_db: float = 45.0) -> Int16:
    """Cut off both ends as far as their 20 ms frames stay this far below the loudest one."""
    size = NOISE_RATE // 50
    whole = speech[: speech.size // size * size].reshape(-1, size)
    power = np.mean(np.square(whole.astype(np.float64)), axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-below_peak_db / 10))
    return speech[loud[0] * size : (loud[-1] + 1) * size]
