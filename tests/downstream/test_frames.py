import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.utils import apply_mask

from relay.downstream.frames import (
    MAX_HEAD_BYTES,
    MEDIUM_HEAD_BYTES,
    WHOLE_BINARY,
    FrameSplitter,
    frame_at,
    is_one_message,
    text_frame,
)

LENGTHS = (0, 1, 125, 126, 65_535, 65_536, 70_000)


def written(payload: bytes, *, mask: bool = True, opcode: Opcode = Opcode.BINARY) -> bytes:
    return Frame(opcode, payload).serialize(mask=mask)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("mask", [True, False])
def test_a_frame_lies_where_it_was_written(length: int, mask: bool) -> None:
    data = written(bytes(length), mask=mask)
    span = frame_at(b"xyz" + data, 3)
    assert span is not None
    start, payload, end = span
    assert (start, end) == (3, 3 + len(data))
    assert end - payload == length
    assert payload - start <= MAX_HEAD_BYTES
    assert data[0] == WHOLE_BINARY


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_that_is_not_there_is_not_known(length: int) -> None:
    data = written(bytes(length), mask=False)
    head = len(data) - length
    assert all(frame_at(data[:size], 0) is None for size in range(head))
    assert frame_at(data[:head], 0) is not None


@given(
    st.lists(st.sampled_from(LENGTHS), max_size=6),
    st.lists(st.integers(1, 90_000), min_size=1, max_size=20),
)
def test_frames_are_the_same_however_their_bytes_arrive(
    lengths: list[int], cuts: list[int]
) -> None:
    frames = [written(bytes(length)) for length in lengths]
    stream, splitter, found = b"".join(frames), FrameSplitter(), []
    position = 0
    for cut in [*cuts, len(stream)]:
        data, spans = splitter.push(stream[position : position + cut])
        position += cut
        found += [data[start:end] for start, _, end in spans]
    assert found == frames
    assert splitter.wanted == 0


def test_what_is_waited_for_is_known_and_can_be_given_back() -> None:
    splitter, data = FrameSplitter(), written(bytes(1000))
    assert splitter.push(data[:1]) == (data[:1], [])
    assert splitter.wanted == 2
    splitter.push(data[1:500])
    assert splitter.wanted == len(data)
    assert splitter.push(data[500:600]) == (b"", [])
    assert splitter.give_back() == data[:600]
    assert splitter.wanted == 0


@pytest.mark.parametrize("length", LENGTHS)
def test_a_text_is_written_as_a_server_writes_it(length: int) -> None:
    text = "é" * (length // 2) + "e" * (length % 2)
    assert text_frame(text) == written(text.encode(), mask=False, opcode=Opcode.TEXT)


@pytest.mark.parametrize("length", LENGTHS)
def test_one_message_of_audio_is_told_from_all_else(length: int) -> None:
    data = written(bytes(length))
    assert is_one_message(data) is (126 <= length <= 65_535)
    assert not is_one_message(data[:-1])
    assert not is_one_message(data + b"\x00")
    assert not is_one_message(written(bytes(length), mask=False))
    assert not is_one_message(written(bytes(length), opcode=Opcode.TEXT))


def test_where_the_payload_of_a_medium_message_begins() -> None:
    data = written(b"audio" * 100)
    mask = data[MEDIUM_HEAD_BYTES - 4 : MEDIUM_HEAD_BYTES]
    assert apply_mask(data[MEDIUM_HEAD_BYTES:], mask) == b"audio" * 100
