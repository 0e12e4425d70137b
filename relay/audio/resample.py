"""Change the sample rate of one continuous mono signal as it arrives."""

from enum import StrEnum
from typing import Final

import numpy as np
import soxr

from relay.audio.pcm import Float32

MIN_RATE: Final = 8_000
"""Hz. Telephony, and the lowest rate Scribe takes."""

MAX_RATE: Final = 192_000
"""Hz. The highest rate of common sound cards."""


class Quality(StrEnum):
    """How steep and clean the resampling filter is; more costs processor time and delay."""

    QUICK = "quick"
    """Cubic interpolation: no filter, so it aliases. No delay to speak of."""

    LOW = "low"
    MEDIUM = "medium"

    HIGH = "high"
    """Cleaner than 16 bits can hold."""

    VERY_HIGH = "very_high"


_SOXR_QUALITY: Final = {
    Quality.QUICK: soxr.QQ,
    Quality.LOW: soxr.LQ,
    Quality.MEDIUM: soxr.MQ,
    Quality.HIGH: soxr.HQ,
    Quality.VERY_HIGH: soxr.VHQ,
}


class StreamResampler:
    """Resample one mono signal, pushed in pieces of any length.

    The filter is linear-phase and its delay is compensated: input frame `n` comes out as sample
    `n * rate_out / rate_in`, only later. How the signal is cut into chunks changes when samples
    come out, never which. Equal rates are passed through untouched and at once.

    Source: soxr 1.1.0; delays, accuracy and lengths measured by `python -m bench.audio`.
    """

    def __init__(self, rate_in: int, rate_out: int, quality: Quality = Quality.HIGH) -> None:
        """Prepare for a signal at `rate_in` Hz, wanted at `rate_out` Hz.

        Raises:
            ValueError: If a rate is outside `MIN_RATE`..`MAX_RATE`.
        """
        for rate in (rate_in, rate_out):
            if not MIN_RATE <= rate <= MAX_RATE:
                raise ValueError(f"rate is {rate} Hz, must be from {MIN_RATE} to {MAX_RATE} Hz")
        self.rate_in = rate_in
        self.rate_out = rate_out
        self._is_over = False
        self._soxr: soxr.ResampleStream | None = None
        if rate_in != rate_out:
            self._soxr = soxr.ResampleStream(
                rate_in, rate_out, num_channels=1, quality=_SOXR_QUALITY[quality]
            )

    def push(self, chunk: Float32, *, last: bool = False) -> Float32:
        """Resample the signal's next chunk.

        Output is bursty, since the filter works in blocks: one 20 ms chunk may give nothing and
        the next 40 ms. Only the total is exact, after `last`: n frames become
        n * rate_out / rate_in samples, rounded to nearest.

        Args:
            chunk: At `rate_in`, finite. May be empty. Not modified.
            last: Flush what the filter still holds. Allowed once; then call `reset`.

        Returns:
            At `rate_out`, maybe empty. `chunk` itself where the rates are equal.

        Raises:
            TypeError: If `chunk` isn't float32.
            RuntimeError: If called after `last` without `reset`.
        """
        if self._is_over:
            raise RuntimeError("the signal is over: call reset() before the next one")
        if chunk.dtype != np.float32:
            raise TypeError(f"chunk is {chunk.dtype}, must be float32")
        self._is_over = last
        if self._soxr is None:
            return chunk
        # As one column, of which soxr makes one; a flat array it would turn into that and back.
        resampled: Float32 = self._soxr.resample_chunk(chunk[:, np.newaxis], last=last)[:, 0]
        return resampled

    def reset(self) -> None:
        """Forget the signal so far and be ready for another one."""
        self._is_over = False
        if self._soxr is not None:
            self._soxr.clear()
