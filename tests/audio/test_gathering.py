import pytest

from relay.audio.gathering import Gathering

CHUNK = 0.1


def gathered(message: float, block: float, seconds: float) -> list[tuple[int, int]]:
    """How many messages were worked on each time, and the chunks that are complete by then.

    The filter lets out whole blocks.
    """
    gathering, done, came = Gathering(CHUNK), [], 0.0
    for _ in range(round(seconds / message)):
        if count := len(gathering.add(b"", message)):
            came += message * count
            out = (came + 1e-9) // block * block
            gathering.worked_on(held=came - out, pending=(out + 1e-9) % CHUNK)
            done.append((count, int((out + 1e-9) / CHUNK)))
    return done


@pytest.mark.parametrize(
    ("message", "each"), [(0.02, 5), (0.01, 10), (0.05, 2), (0.1, 1), (0.2, 1)]
)
def test_messages_are_gathered_for_one_chunk(message: float, each: int) -> None:
    done = gathered(message, 0.01, 3.0)
    assert [count for count, _ in done[-5:]] == [each] * 5


@pytest.mark.parametrize("message", [0.01, 0.02, 0.05])
def test_no_chunk_is_late_behind_a_filter_that_works_in_blocks(message: float) -> None:
    came, at = 0.0, []
    for count, chunks in gathered(message, 0.03, 6.0):
        came += count * message
        at.append((came, chunks))
    for came, chunks in at:
        # With the message before, the chunk wasn't complete yet.
        out_before = (came - message + 1e-9) // 0.03 * 0.03
        assert int((out_before + 1e-9) / CHUNK) <= chunks
        assert chunks - int((out_before + 1e-9) / CHUNK) <= 1


def test_what_waits_is_given_in_order_and_once() -> None:
    gathering = Gathering(CHUNK)
    assert not gathering
    assert gathering.add(b"a", 0.01) == []
    assert gathering.add(b"b", 0.01) == []
    assert gathering
    assert gathering.take() == [b"a", b"b"]
    assert not gathering
    assert gathering.add(b"c", 0.06) == []
    assert gathering.add(b"d", 0.06) == [b"c", b"d"]
    assert not gathering
    assert gathering.add(b"e", 0.1) == [b"e"]
    assert not gathering


def test_what_a_filter_holds_may_come_out_with_the_next_message() -> None:
    gathering = Gathering(CHUNK)
    gathering.worked_on(held=0.03, pending=0.06)
    assert gathering.add(b"", 0.01) == [b""]
