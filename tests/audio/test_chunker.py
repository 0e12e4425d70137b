"""Any-size input to chunks of one length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.chunker import Chunker


def ramp(length: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.arange(length, dtype=np.int16)


@given(
    size=st.integers(1, 50),
    length=st.integers(0, 300),
    cuts=st.lists(st.integers(0, 300), max_size=20),
)
def test_any_split_gives_the_same_chunks(size: int, length: int, cuts: list[int]) -> None:
    chunker = Chunker(size)
    chunks = []
    for piece in np.split(ramp(length), sorted(min(cut, length) for cut in cuts)):
        chunks += chunker.push(piece)
    expected = ramp(length - length % size).reshape(-1, size)
    assert [chunk.tolist() for chunk in chunks] == expected.tolist()


def test_chunks_are_copies() -> None:
    samples = ramp(4)
    (chunk,) = Chunker(4).push(samples)
    samples[:] = 9
    assert chunk.tolist() == [0, 1, 2, 3]


def test_a_chunk_has_at_least_one_sample() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Chunker(0)
