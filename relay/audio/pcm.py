"""Bytes to samples and back: decode and downmix, saturate to PCM16, µ-law, Scribe's formats."""

from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Float32: TypeAlias = npt.NDArray[np.float32]
"""Shape (n,), full scale ±1.0."""

Int16: TypeAlias = npt.NDArray[np.int16]
"""Shape (n,), full scale ±32768."""

PEAK_LIMIT: Final = 256.0
"""Samples beyond this many times full scale (+48 dBFS) are pulled to it when decoded.

Such values are no sound but a client's mistake. The limit keeps the resampler's arithmetic finite
and its neighbouring output exact; whatever reaches the limit saturates at the output anyway.
"""

_PEAK_ENERGY: Final = PEAK_LIMIT**2

PCM16_SCALE: Final = 32768
"""PCM16 steps per full scale; a power of two, so converting PCM16 to float32 is exact."""

MAX_CHANNELS: Final = 2

_WIRE_PCM16: Final = np.dtype("<i2")
_WIRE_FLOAT32: Final = np.dtype("<f4")

_SCALE: Final = np.float32(PCM16_SCALE)
_LOWEST: Final = np.float32(-1.0)
_HIGHEST: Final = np.float32((PCM16_SCALE - 1) / PCM16_SCALE)


class PartialFrame(ValueError):
    """Raised when bytes don't divide into whole frames, so that every later frame is in doubt."""

    def __init__(self, size_bytes: int, frame_bytes: int) -> None:
        super().__init__(size_bytes, frame_bytes)
        self.size_bytes = size_bytes
        self.frame_bytes = frame_bytes

    def __str__(self) -> str:
        return (
            f"{self.size_bytes} bytes of audio are not whole frames of {self.frame_bytes} bytes: "
            "check encoding and channels, and send whole frames in each message"
        )


class NonFinite(ValueError):
    """Raised when a message contains NaN or ±Inf; its length is still good for the clock."""

    def __init__(self, frames: int) -> None:
        super().__init__(frames)
        self.frames = frames

    def __str__(self) -> str:
        return f"NaN or infinite samples in a message of {self.frames} frames, taken as silence"


class Encoding(StrEnum):
    """How a client encodes its samples; both interleave the channels."""

    PCM_F32LE = "pcm_f32le"
    """Little-endian IEEE 754 float32, full scale ±1.0."""

    PCM_S16LE = "pcm_s16le"
    """Little-endian two's complement, 16 bits."""

    @property
    def bytes_per_sample(self) -> int:
        return 4 if self is Encoding.PCM_F32LE else 2


def decode_frames(message: bytes | memoryview, encoding: Encoding, channels: int) -> Float32:
    """Decode and downmix one message of any alignment; it may be empty.

    Args:
        message: Whole frames of interleaved samples.
        encoding: Of each sample.
        channels: 1, or 2 to get the mean of left and right.

    Returns:
        Shape (frames,), within ±`PEAK_LIMIT`. A read-only view of `message` where that is
        possible (mono float32), else a new array.

    Raises:
        PartialFrame: If the length isn't a whole number of frames.
        NonFinite: If NaN or ±Inf is anywhere in it.
        ValueError: If `channels` is neither 1 nor 2.
    """
    if not 1 <= channels <= MAX_CHANNELS:
        raise ValueError(f"channels is {channels}, must be 1 or 2")
    size_bytes = memoryview(message).nbytes
    frame_bytes = encoding.bytes_per_sample * channels
    if size_bytes % frame_bytes:
        raise PartialFrame(size_bytes, frame_bytes)
    if encoding is Encoding.PCM_S16LE:
        return _decode_s16le(message, channels)
    return _decode_f32le(message, channels)


def _decode_s16le(message: bytes | memoryview, channels: int) -> Float32:
    samples = np.frombuffer(message, dtype=_WIRE_PCM16).astype(np.float32)
    if channels == 1:
        samples *= np.float32(1 / PCM16_SCALE)
        return samples
    mono = samples[0::2] + samples[1::2]
    mono *= np.float32(0.5 / PCM16_SCALE)
    return mono


def _decode_f32le(message: bytes | memoryview, channels: int) -> Float32:
    samples = np.frombuffer(message, dtype=_WIRE_FLOAT32).astype(np.float32, copy=False)
    if samples.size == 0:
        return samples
    # No sample is greater than the root of the sum of all squares, and NaN fails every comparison:
    # one look tells nearly all good messages from all others. `vdot` says nothing of an overflow.
    if not np.vdot(samples, samples) <= _PEAK_ENERGY:
        samples = _limited(samples, channels)
    if channels == 1:
        return samples
    mono = samples[0::2] + samples[1::2]
    mono *= np.float32(0.5)
    return mono


def _limited(samples: Float32, channels: int) -> Float32:
    low, high = np.minimum.reduce(samples), np.maximum.reduce(samples)
    if low >= -PEAK_LIMIT and high <= PEAK_LIMIT:
        return samples
    if not (np.isfinite(low) and np.isfinite(high)):
        raise NonFinite(samples.size // channels)
    return np.clip(samples, np.float32(-PEAK_LIMIT), np.float32(PEAK_LIMIT))


def to_pcm16(samples: Float32) -> Int16:
    """Round to PCM16, half to even, and saturate: what is over range never wraps. No dither.

    Args:
        samples: Any values but NaN. Not modified.
    """
    # Saturating before scaling keeps huge finite values from overflowing to infinity.
    scaled: Float32 = samples.clip(_LOWEST, _HIGHEST)
    scaled *= _SCALE
    np.rint(scaled, out=scaled)
    return scaled.astype(np.int16)


def _ulaw_decoding_table() -> Int16:
    """Return the 256 output values of the µ-law decoder.

    Source: ITU-T G.711 (11/1988), table 2, its 14-bit values shifted to 16 bits: 8 segments of 16
    steps, each segment's steps twice as wide as the last one's; all bits of the code are inverted.
    """
    code = ~np.arange(256, dtype=np.uint8)
    segment = (code >> 4 & 0x07).astype(np.int32)
    step = (code & 0x0F).astype(np.int32)
    magnitude = ((2 * step + 33) << segment + 2) - 4 * 33
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _ulaw_encoding_table() -> npt.NDArray[np.uint8]:
    """Return the µ-law code of every PCM16 value, at the index of its bits read as unsigned.

    Source: ITU-T G.711 (11/1988), table 2: a decision value lies half a step above the output
    value of the interval that ends there; both signs mirror each other.
    """
    interval = np.arange(0x7F)
    decisions = _ULAW_DECODED[0xFF - interval] + (4 << (interval >> 4))
    samples = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    interval_of = np.searchsorted(decisions, np.abs(samples), side="right")
    return np.where(samples < 0, 0x7F - interval_of, 0xFF - interval_of).astype(np.uint8)


_ULAW_DECODED: Final = _ulaw_decoding_table()
_ULAW_ENCODED: Final = _ulaw_encoding_table()


def to_ulaw(samples: Int16) -> npt.NDArray[np.uint8]:
    """Compress PCM16 to ITU-T G.711 µ-law, one byte a sample."""
    return _ULAW_ENCODED[samples.view(np.uint16)]


def from_ulaw(codes: npt.NDArray[np.uint8]) -> Int16:
    """Expand ITU-T G.711 µ-law to PCM16; ±32124 is the largest magnitude it knows."""
    return _ULAW_DECODED[codes]


class WireFormat(StrEnum):
    """The audio formats that Scribe takes, under Scribe's names; all are mono."""

    PCM_8000 = "pcm_8000"
    PCM_16000 = "pcm_16000"
    PCM_22050 = "pcm_22050"
    PCM_24000 = "pcm_24000"
    PCM_44100 = "pcm_44100"
    PCM_48000 = "pcm_48000"
    ULAW_8000 = "ulaw_8000"

    @property
    def rate(self) -> int:
        """Samples per second, in Hz."""
        return int(self.rpartition("_")[2])

    @property
    def bytes_per_sample(self) -> int:
        return 1 if self is WireFormat.ULAW_8000 else 2

    def pack(self, samples: Int16) -> bytes:
        """Encode samples at `rate` as little-endian PCM16, or as µ-law."""
        if self is WireFormat.ULAW_8000:
            return to_ulaw(samples).tobytes()
        return samples.astype(_WIRE_PCM16, copy=False).tobytes()

    def unpack(self, payload: bytes) -> Int16:
        """Decode what `pack` made; the result may be a read-only view of `payload`.

        Raises:
            PartialFrame: If the length isn't a whole number of samples.
        """
        if len(payload) % self.bytes_per_sample:
            raise PartialFrame(len(payload), self.bytes_per_sample)
        if self is WireFormat.ULAW_8000:
            return from_ulaw(np.frombuffer(payload, dtype=np.uint8))
        return np.frombuffer(payload, dtype=_WIRE_PCM16).astype(np.int16, copy=False)
