"""Tell speech from everything else, every 20 ms, and say how loud it is.

webrtcvad alone hears "speech" in a fan or in a murmuring room and never ends a sentence there; a
level gate alone hears it in a door. Speech is where both agree: webrtcvad finds the spectrum
speech-like, and the level stands clear of the noise floor, which is tracked all the time.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import webrtcvad

from relay.audio.chunker import Chunker
from relay.audio.pcm import PCM16_SCALE, Int16, to_pcm16
from relay.audio.resample import Quality, StreamResampler

FRAMES_PER_SECOND: Final = 50
"""Decisions per second: an activity frame is 20 ms, a whole number of samples at every rate of
Scribe's, and one of the three lengths that webrtcvad takes."""

DEFAULT_THRESHOLD: Final = 0.4
"""Source: Scribe's default for `vad_threshold`."""

MIN_THRESHOLD: Final = 0.1
MAX_THRESHOLD: Final = 0.9
"""Source: Scribe's bounds for `vad_threshold`."""

SILENCE_DBFS: Final = -120.0
"""What digital silence reads; far below PCM16's own rounding noise (−101 dBFS)."""

LEVEL_WINDOW: Final = 3
"""Activity frames that the gated level is averaged over: single frames of babble stick out of
their mean further than those of speech do."""

ONSET_MARGIN_DB: Final = 8.0
"""How far above the noise floor the level must be for speech to start, at the default threshold."""

SUSTAIN_MARGIN_DB: Final = 4.0
"""The same while speech goes on, so that a sentence's soft parts still belong to it."""

MARGIN_DB_PER_THRESHOLD: Final = 10.0
"""Added to both margins per 1.0 that the threshold lies above its default; taken off below it."""

SUSTAIN: Final = 0.7
"""How long after a frame that passed the onset margin the lower margin holds."""

FLOOR_WINDOW: Final = 4.0
"""How far back the noise floor looks: longer than a breath group without a single short pause, and
as long as a louder fan can pass for speech."""

FLOOR_QUANTILE: Final = 0.1
"""The noise floor is the level that this share of the window lies below."""

FLOOR_PERIOD: Final = 5
"""Activity frames between two looks at the noise floor, which moves slowly."""

MIN_FLOOR_DBFS: Final = -75.0
"""The noise floor is never taken to be lower; else, behind a noise gate that sends digital
silence, the faintest hiss would stand out."""

VAD_RATES: Final = (8_000, 16_000, 32_000, 48_000)
"""Source: webrtcvad, the only rates it takes, in Hz."""


@dataclass(frozen=True, slots=True)
class ActivityFrame:
    """What 20 ms of audio were."""

    end: int
    """Position just after the frame, in samples at the detector's rate since its first."""

    level_dbfs: float
    """Of this frame alone; a full-scale sine reads −3.01, digital silence `SILENCE_DBFS`."""

    is_speech: bool


class ActivityDetector:
    """Cut samples into activity frames and judge each.

    How the samples were split doesn't change a frame. At rates that webrtcvad doesn't take, a
    frame may come out up to two frames late.

    Source: every figure not named otherwise was chosen by measurement; `python -m bench.audio`
    prints what they reach.
    """

    def __init__(
        self,
        rate: int,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        levels_only: bool = False,
    ) -> None:
        """Prepare for samples at `rate` Hz.

        Args:
            rate: Of the samples and of the positions: any of `WireFormat`'s.
            threshold: Scribe's `vad_threshold`, from 0.1 (hears more) to 0.9 (hears less). It sets
                webrtcvad's mode (0 below 0.2, 1 below 0.35, 2 below 0.65, else 3) and adds 1 dB
                to both margins per 0.1 above the default.
            levels_only: Measure levels and leave `is_speech` false, at half the price.

        Raises:
            ValueError: If a frame isn't a whole number of samples at `rate`, or `threshold` is out
                of bounds.
        """
        if rate % FRAMES_PER_SECOND:
            raise ValueError(f"rate is {rate} Hz, must be a multiple of {FRAMES_PER_SECOND} Hz")
        if not MIN_THRESHOLD <= threshold <= MAX_THRESHOLD:
            raise ValueError(
                f"threshold is {threshold}, must be from {MIN_THRESHOLD} to {MAX_THRESHOLD}"
            )
        self.rate = rate
        self.levels_only = levels_only
        self._frame_samples = rate // FRAMES_PER_SECOND
        self._rest: Int16 = np.empty(0, np.int16)
        self._end = 0
        self._waiting: deque[float] = deque()
        self._voicing: _Voicing | None = None
        if not levels_only:
            self._voicing = _Voicing(rate, _vad_mode(threshold))
            self._gate = _LevelGate((threshold - DEFAULT_THRESHOLD) * MARGIN_DB_PER_THRESHOLD)

    def push(self, samples: Int16) -> list[ActivityFrame]:
        """Take samples at `rate`, return the frames that they complete, in order."""
        frames = self._cut(samples)
        powers = _mean_squares(frames)
        if self._voicing is None:
            return [self._describe(power, is_speech=False) for power in powers]
        self._waiting.extend(powers)
        described = []
        for is_voiced in self._voicing.push(frames):
            power = self._waiting.popleft()
            is_speech = self._gate.admits(power, is_voiced=is_voiced)
            described.append(self._describe(power, is_speech=is_speech))
        return described

    def skip_to(self, position: int) -> None:
        """Begin a frame there; what lies before it and has come out of no frame never will.

        For levels only: where nobody listens, nothing has to be heard that isn't asked for.
        """
        self._rest = np.empty(0, np.int16)
        self._end = position

    def _cut(self, samples: Int16) -> Int16:
        """The frames that are complete, one to a row."""
        if self._rest.size:
            samples = np.concatenate((self._rest, samples))
        whole = samples.size - samples.size % self._frame_samples
        self._rest = samples[whole:].copy()  # or the whole push would be kept
        return samples[:whole].reshape(-1, self._frame_samples)

    def _describe(self, power: float, *, is_speech: bool) -> ActivityFrame:
        self._end += self._frame_samples
        return ActivityFrame(self._end, _dbfs(power), is_speech)


class _LevelGate:
    """Let pass what is voiced and stands clear of the noise floor."""

    def __init__(self, extra_margin_db: float) -> None:
        self._onset = _power(ONSET_MARGIN_DB + extra_margin_db)
        self._sustain = _power(SUSTAIN_MARGIN_DB + extra_margin_db)
        self._recent: deque[float] = deque(maxlen=LEVEL_WINDOW)
        self._history = np.empty(round(FLOOR_WINDOW * FRAMES_PER_SECOND))
        self._seen = 0
        self._floor = 0.0
        self._sustained = 0

    def admits(self, power: float, *, is_voiced: bool) -> bool:
        """Say whether the next frame, of this mean square, is speech."""
        self._recent.append(power)
        level = sum(self._recent) / len(self._recent)
        self._history[self._seen % self._history.size] = level
        if self._seen % FLOOR_PERIOD == 0:
            self._floor = self._measure_floor(min(self._seen + 1, self._history.size))
        self._seen += 1
        self._sustained -= 1
        if not is_voiced:
            return False
        if level > self._floor * self._onset:
            self._sustained = round(SUSTAIN * FRAMES_PER_SECOND)
            return True
        return self._sustained > 0 and level > self._floor * self._sustain

    def _measure_floor(self, seen: int) -> float:
        rank = int(FLOOR_QUANTILE * seen)
        quantile = float(np.partition(self._history[:seen], rank)[rank])
        return max(quantile, _power(MIN_FLOOR_DBFS))


class _Voicing:
    """Ask webrtcvad about each frame, at a rate that it takes."""

    def __init__(self, rate: int, mode: int) -> None:
        self._vad = webrtcvad.Vad(mode)
        self._resampler: StreamResampler | None = None
        self._rate = rate
        if rate not in VAD_RATES:
            self._rate = 16_000
            # webrtcvad looks at 80 Hz to 4 kHz: the cheapest real filter is good enough for it.
            self._resampler = StreamResampler(rate, self._rate, Quality.LOW)
            self._chunker = Chunker(self._rate // FRAMES_PER_SECOND)

    def push(self, frames: Int16) -> Iterator[bool]:
        """Yield a verdict per row; some may belong to earlier frames, others come later."""
        for frame in frames if self._resampler is None else self._resampled(frames):
            yield self._vad.is_speech(frame.tobytes(), self._rate)

    def _resampled(self, frames: Int16) -> Iterator[Int16]:
        assert self._resampler is not None
        # One frame at a time: when samples come out depends on how they go in, and a verdict's
        # time shall not depend on how long the pushes were.
        for frame in frames:
            samples = self._resampler.push(frame.astype(np.float32) / np.float32(PCM16_SCALE))
            yield from self._chunker.push(to_pcm16(samples))


def _vad_mode(threshold: float) -> int:
    """Map Scribe's threshold to webrtcvad's aggressiveness, 0 (hears most) to 3."""
    return sum(threshold >= bound for bound in (0.2, 0.35, 0.65))


def _mean_squares(frames: Int16) -> list[float]:
    """Return the power of each row, 1.0 being full scale."""
    # Sums of squared integers are exact in float64, so the order of adding can't change them.
    wide = frames.astype(np.float64)
    np.multiply(wide, wide, out=wide)
    sums: list[float] = np.add.reduce(wide, axis=1).tolist()
    full = frames.shape[1] * PCM16_SCALE**2
    return [each / full for each in sums]


def _power(decibels: float) -> float:
    return math.pow(10, decibels / 10)


def _dbfs(power: float) -> float:
    return max(10 * math.log10(power), SILENCE_DBFS) if power else SILENCE_DBFS
