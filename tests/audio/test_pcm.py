"""Bytes to samples: what is refused, what saturates, and G.711 value by value."""

from bisect import bisect_right
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.pcm import (
    PEAK_LIMIT,
    Encoding,
    NonFinite,
    PartialFrame,
    WireFormat,
    decode_frames,
    from_ulaw,
    to_pcm16,
    to_ulaw,
)

EVERY_PCM16 = np.arange(-32768, 32768).astype(np.int16)


# ITU-T G.711, table 2: the decision values of one sign in 14-bit units. One interval of 1, fifteen
# of 2, then seven segments of sixteen intervals, each twice as wide as those before.
G711_INTERVALS = [1] + [2] * 15 + [2 << segment for segment in range(1, 8) for _ in range(16)]
G711_DECISIONS = [0, *accumulate(G711_INTERVALS)]


def g711_decode(code: int) -> int:
    """Return the middle of the code's interval (zero for the first), in 16-bit units."""
    interval = 0x7F - (code & 0x7F)
    edges = G711_DECISIONS[interval : interval + 2]
    magnitude = 4 * sum(edges) // 2 if interval else 0
    return magnitude if code & 0x80 else -magnitude


def g711_encode(value: int) -> int:
    """Number the interval that a 16-bit value falls into; too large ones fall into the last."""
    interval = min(bisect_right(G711_DECISIONS, abs(value) / 4) - 1, 0x7F)
    return (0xFF if value >= 0 else 0x7F) - interval


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def test_mono_floats_are_a_view_of_the_message() -> None:
    message = floats(0.5, -1.0, 0.25)
    samples = decode_frames(message, Encoding.PCM_F32LE, 1)
    assert samples.tolist() == [0.5, -1.0, 0.25]
    assert np.shares_memory(samples, np.frombuffer(message, np.uint8))


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("channels", [1, 2])
def test_an_empty_message_has_no_frames(encoding: Encoding, channels: int) -> None:
    assert decode_frames(b"", encoding, channels).shape == (0,)


def test_an_unaligned_buffer_is_read_right() -> None:
    message = memoryview(b"x" + floats(0.5, -0.25))[1:]
    assert decode_frames(message, Encoding.PCM_F32LE, 1).tolist() == [0.5, -0.25]


def test_stereo_floats_become_the_mean_of_left_and_right() -> None:
    samples = decode_frames(floats(0.5, 0.25, -1.0, 1.0), Encoding.PCM_F32LE, 2)
    assert samples.tolist() == [0.375, 0.0]


def test_every_pcm16_value_survives_the_way_there_and_back() -> None:
    samples = decode_frames(EVERY_PCM16.astype("<i2").tobytes(), Encoding.PCM_S16LE, 1)
    assert samples.min() == -1.0
    np.testing.assert_array_equal(to_pcm16(samples), EVERY_PCM16)


def test_stereo_pcm16_at_full_scale_does_not_overflow() -> None:
    message = np.array([32767, 32767, -32768, -32768, 3, 4], "<i2").tobytes()
    samples = decode_frames(message, Encoding.PCM_S16LE, 2)
    assert (samples * 32768).tolist() == [32767, -32768, 3.5]


@pytest.mark.parametrize(
    ("encoding", "channels", "frame_bytes"),
    [
        (Encoding.PCM_F32LE, 1, 4),
        (Encoding.PCM_F32LE, 2, 8),
        (Encoding.PCM_S16LE, 1, 2),
        (Encoding.PCM_S16LE, 2, 4),
    ],
)
def test_a_partial_frame_is_refused(encoding: Encoding, channels: int, frame_bytes: int) -> None:
    message = bytes(3 * frame_bytes - 1)
    with pytest.raises(PartialFrame, match=f"whole frames of {frame_bytes} bytes") as refusal:
        decode_frames(message, encoding, channels)
    assert (refusal.value.size_bytes, refusal.value.frame_bytes) == (len(message), frame_bytes)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("at", [0, 517, 1919])
def test_non_finite_samples_are_refused_with_their_count(
    bad: float, channels: int, at: int
) -> None:
    samples = np.zeros(1920, "<f4")
    samples[at] = bad
    with pytest.raises(NonFinite, match="NaN or infinite") as refusal:
        decode_frames(samples.tobytes(), Encoding.PCM_F32LE, channels)
    assert refusal.value.frames == 1920 // channels


def test_infinities_of_both_signs_do_not_cancel() -> None:
    with pytest.raises(NonFinite):
        decode_frames(floats(float("inf"), float("-inf")), Encoding.PCM_F32LE, 2)


def test_much_energy_below_the_peak_limit_changes_nothing() -> None:
    loud = floats(*[PEAK_LIMIT] * 10)
    assert decode_frames(loud, Encoding.PCM_F32LE, 1).tolist() == [PEAK_LIMIT] * 10


def test_huge_finite_samples_are_pulled_to_the_peak_limit() -> None:
    samples = decode_frames(floats(3e38, -3e38, 2.0), Encoding.PCM_F32LE, 1)
    assert samples.tolist() == [PEAK_LIMIT, -PEAK_LIMIT, 2.0]


def test_huge_stereo_samples_do_not_overflow_in_the_downmix() -> None:
    assert decode_frames(floats(3e38, 3e38), Encoding.PCM_F32LE, 2).tolist() == [PEAK_LIMIT]


@pytest.mark.parametrize("channels", [0, 3])
def test_only_mono_and_stereo_are_taken(channels: int) -> None:
    with pytest.raises(ValueError, match="must be 1 or 2"):
        decode_frames(b"", Encoding.PCM_F32LE, channels)


def test_rounding_is_half_to_even() -> None:
    halves = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.4999, -0.5001]) / 32768
    assert to_pcm16(halves.astype(np.float32)).tolist() == [0, 2, 2, 0, -2, 0, -1]


def test_over_range_saturates_and_never_wraps() -> None:
    samples = np.array([1.0, 1.00002, 2.5, 3.4e38, -1.0, -1.00002, -2.5, -3.4e38], np.float32)
    assert to_pcm16(samples).tolist() == [32767] * 4 + [-32768] * 4


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20))
def test_pcm16_is_the_nearest_value_in_range(values: list[float]) -> None:
    samples = to_pcm16(np.array(values, np.float32))
    expected = [min(max(round(value * 32768), -32768), 32767) for value in values]
    assert samples.tolist() == expected


def test_pcm16_leaves_its_input_alone() -> None:
    samples = np.array([5.0, 0.1], np.float32)
    to_pcm16(samples)
    assert samples.tolist() == np.array([5.0, 0.1], np.float32).tolist()


def test_the_largest_g711_decision_value_is_the_standards() -> None:
    assert (len(G711_DECISIONS), G711_DECISIONS[-1]) == (129, 8159)


def test_ulaw_decodes_every_code_as_g711_says() -> None:
    assert from_ulaw(np.arange(256, dtype=np.uint8)).tolist() == [
        g711_decode(code) for code in range(256)
    ]


def test_ulaw_encodes_every_value_as_g711_says() -> None:
    codes = to_ulaw(EVERY_PCM16)
    assert codes.tolist() == [g711_encode(value) for value in EVERY_PCM16.tolist()]


def test_ulaw_codes_come_back_but_for_negative_zero() -> None:
    codes = np.arange(256, dtype=np.uint8)
    again = to_ulaw(from_ulaw(codes))
    assert np.flatnonzero(again != codes).tolist() == [0x7F]
    assert again[0x7F] == 0xFF


@pytest.mark.parametrize(
    ("wire_format", "rate", "bytes_per_sample"),
    [
        (WireFormat.PCM_8000, 8_000, 2),
        (WireFormat.PCM_16000, 16_000, 2),
        (WireFormat.PCM_22050, 22_050, 2),
        (WireFormat.PCM_24000, 24_000, 2),
        (WireFormat.PCM_44100, 44_100, 2),
        (WireFormat.PCM_48000, 48_000, 2),
        (WireFormat.ULAW_8000, 8_000, 1),
    ],
)
def test_wire_formats_name_their_rate_and_size(
    wire_format: WireFormat, rate: int, bytes_per_sample: int
) -> None:
    assert (wire_format.rate, wire_format.bytes_per_sample) == (rate, bytes_per_sample)
    assert len(wire_format.pack(EVERY_PCM16)) == EVERY_PCM16.size * bytes_per_sample


def test_pcm_is_packed_little_endian_and_comes_back() -> None:
    packed = WireFormat.PCM_16000.pack(np.array([1, -2], np.int16))
    assert packed == b"\x01\x00\xfe\xff"
    assert WireFormat.PCM_16000.unpack(packed).tolist() == [1, -2]


def test_ulaw_is_packed_one_byte_a_sample_and_comes_back_quantised() -> None:
    packed = WireFormat.ULAW_8000.pack(np.array([0, 32767, -32768], np.int16))
    assert packed == b"\xff\x80\x00"
    assert WireFormat.ULAW_8000.unpack(packed).tolist() == [0, 32124, -32124]


def test_half_a_sample_is_not_unpacked() -> None:
    with pytest.raises(PartialFrame):
        WireFormat.PCM_16000.unpack(b"\x00\x00\x00")
