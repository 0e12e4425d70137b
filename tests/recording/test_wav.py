"""WAV, as Python's own module reads it."""

import io
import wave

import numpy as np

from relay.recording.wav import HEAD_BYTES, wav_bytes, wav_head


def test_a_head_says_what_follows() -> None:
    samples = np.arange(-50, 50, dtype="<i2")
    file = wav_head(16_000, samples.size) + samples.tobytes()
    assert len(file) == wav_bytes(samples.size) == HEAD_BYTES + 200
    with wave.open(io.BytesIO(file)) as read:
        assert read.getparams()[:4] == (1, 2, 16_000, 100)
        assert read.readframes(1000) == samples.tobytes()


def test_what_is_too_long_to_be_said_says_as_much_as_can_be() -> None:
    assert wav_head(16_000, 2**31).endswith(b"\xff\xff\xff\xff")
