"""What the clients of conversations say: samples that every language makes alike."""

import hashlib
from typing import Any, Final

import numpy as np

from relay.audio.pcm import Float32

PERIOD: Final = 4001
"""Frames; a prime, so that no message begins like the one before."""

DIGITS: Final = 16
"""Of a digest; enough to tell messages apart."""


def ramp(first_frame: int, frames: int) -> Float32:
    """Return frames of the client's count: `(n mod 4001 − 2000) / 4096`, exact in float32."""
    count = np.arange(first_frame, first_frame + frames)
    return ((count % PERIOD - PERIOD // 2) / 4096).astype("<f4")


def audio_bytes(line: dict[str, Any]) -> bytes:
    """Make the binary message that a line describes."""
    samples = ramp(line["first_frame"], line["audio_frames"])
    if line.get("with_nan"):
        samples[0] = np.nan
    return samples.tobytes()


def digest(message: bytes) -> str:
    """Return what a line says of its bytes."""
    return hashlib.sha256(message).hexdigest()[:DIGITS]
