"""WAV as bytes: mono, 16 bits. Pure."""

import struct
from typing import Final

BYTES_PER_SAMPLE: Final = 2

HEAD_BYTES: Final = 44

_MOST: Final = 2**32 - 1
"""What a length in WAV can say; longer files say that, and players read on."""


def wav_head(rate: int, samples: int) -> bytes:
    """Write what comes before so many samples at `rate` Hz.

    Source: Multimedia Programming Interface and Data Specifications 1.0, Microsoft 1991, chapter 3.
    """
    size = samples * BYTES_PER_SAMPLE
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", min(_MOST, size + HEAD_BYTES - 8), b"WAVE"),
        *(b"fmt ", 16, 1, 1, rate, rate * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 16),
        *(b"data", min(_MOST, size)),
    )


def wav_bytes(samples: int) -> int:
    """The length of such a file."""
    return HEAD_BYTES + samples * BYTES_PER_SAMPLE
