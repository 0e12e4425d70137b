"""Samples of any length to payloads of one length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.packer import Packer
from relay.audio.pcm import Int16, WireFormat


def ramp(length: int) -> Int16:
    return np.arange(length, dtype=np.int16)


@given(
    wire_format=st.sampled_from([WireFormat.PCM_16000, WireFormat.ULAW_8000]),
    size=st.integers(1, 50),
    length=st.integers(0, 300),
    cuts=st.lists(st.integers(0, 300), max_size=20),
)
def test_any_split_gives_the_same_payloads(
    wire_format: WireFormat, size: int, length: int, cuts: list[int]
) -> None:
    packer = Packer(wire_format, size)
    payloads = []
    for piece in np.split(ramp(length), sorted(min(cut, length) for cut in cuts)):
        payloads += packer.push(piece)
    rest = length % size
    assert packer.pending == rest
    assert all(packer.samples_in(payload) == size for payload in payloads)
    assert packer.samples_in(packer.waiting) == rest
    assert b"".join(payloads) + packer.flush() == wire_format.pack(ramp(length))


def test_flush_leaves_nothing_behind() -> None:
    packer = Packer(WireFormat.PCM_16000, 4)
    packer.push(ramp(3))
    assert packer.flush() == ramp(3).tobytes()
    assert packer.pending == 0
    assert packer.flush() == b""
    assert packer.push(ramp(4)) == [ramp(4).tobytes()]


def test_payloads_are_copies() -> None:
    samples = ramp(4)
    (payload,) = Packer(WireFormat.PCM_16000, 4).push(samples)
    samples[:] = 9
    assert payload == ramp(4).tobytes()


def test_a_payload_has_at_least_one_sample() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Packer(WireFormat.PCM_16000, 0)
