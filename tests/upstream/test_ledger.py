import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import StateError
from relay.upstream.ledger import Cause, Commit, Ledger


def ledger(*chunks: tuple[int, Cause | None], bound: int = 1000) -> Ledger:
    """A ledger that holds chunks of the given lengths and commits."""
    made = Ledger(bound=bound)
    for samples, commit in chunks:
        made.append(bytes(2 * samples), samples, commit)
    return made


def send_all(made: Ledger) -> list[int]:
    starts = []
    while (entry := made.peek()) is not None:
        starts.append(entry.start)
        made.advance()
    return starts


def test_entries_are_sent_in_order() -> None:
    assert send_all(ledger((10, None), (20, None), (5, Cause.VAD))) == [0, 10, 30]


def test_the_newest_commit_is_known_when_it_is_answered_too() -> None:
    made = ledger((10, Cause.VAD), (20, None), (5, Cause.CLIENT), (7, None))
    assert made.last_commit == 35
    send_all(made)
    made.answer()
    made.answer()
    assert made.last_commit == 35


def test_what_can_be_sent_is_counted_for_good() -> None:
    made = ledger((10, None), (0, Cause.CLIENT))
    assert made.made_sendable == 2
    send_all(made)
    made.answer()
    assert made.made_sendable == 2


def test_a_marker_stands_at_the_end_of_its_chunk() -> None:
    made = ledger((10, None), (20, Cause.CLIENT))
    made.advance()
    entry = made.peek()
    assert entry is not None
    assert entry.commit == Commit(30, Cause.CLIENT)


def test_an_answer_frees_what_it_covers() -> None:
    made = ledger((10, None), (20, Cause.CLIENT), (7, None))
    send_all(made)
    assert made.answer() == Commit(30, Cause.CLIENT)
    assert (made.samples, made.covered, made.unanswered, made.end) == (7, 30, 0, 37)


def test_answers_come_in_the_order_of_commits() -> None:
    made = ledger((10, Cause.VAD), (20, Cause.CLIENT))
    send_all(made)
    assert [made.answer(), made.answer(), made.answer()] == [
        Commit(10, Cause.VAD),
        Commit(30, Cause.CLIENT),
        None,
    ]


def test_a_commit_that_was_not_sent_cannot_be_answered() -> None:
    made = ledger((10, None), (20, Cause.CLIENT))
    made.advance()
    assert made.answer() is None
    assert made.unanswered == 1


def test_nothing_to_send_cannot_be_advanced_over() -> None:
    with pytest.raises(StateError):
        ledger().advance()


def test_it_is_full_by_audio() -> None:
    made = ledger((999, None))
    assert not made.is_full
    made.append(bytes(2), 1)
    assert made.is_full


def test_it_is_full_by_commits_that_hold_no_audio() -> None:
    made = Ledger(bound=1000, max_commits=2)
    made.append(b"", 0, Cause.CLIENT)
    assert not made.is_full
    made.append(b"", 0, Cause.CLIENT)
    assert made.is_full


def test_a_new_socket_is_sent_everything_that_has_no_answer() -> None:
    made = ledger((10, Cause.VAD), (20, None), (5, Cause.CLIENT))
    send_all(made)
    made.answer()
    made.rewind()
    assert send_all(made) == [10, 30]


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from([None, *Cause])), max_size=30))
def test_every_sample_is_covered_once(chunks: list[tuple[int, Cause | None]]) -> None:
    made = ledger(*chunks)
    send_all(made)
    ends = [commit.position for commit in iter(made.answer, None)]
    assert ends == sorted(ends)
    assert len(ends) == sum(commit is not None for _, commit in chunks)
    assert made.samples == made.end - made.covered == sum(n for n, _ in chunks) - made.covered
    assert made.peek() is None


def test_a_segment_is_left_out_with_its_marker_and_no_further() -> None:
    made = ledger((10, Cause.VAD), (20, None), (5, Cause.CLIENT), (7, Cause.CLIENT))
    send_all(made)
    made.answer()
    assert made.leave_out() == (10, 35)
    assert (made.covered, made.samples, made.unanswered, made.first_commit) == (35, 7, 1, 42)
    assert send_all(made) == [35]
    assert made.answer() == Commit(42, Cause.CLIENT)


def test_audio_without_a_marker_is_left_out_as_far_as_it_was_sent() -> None:
    made = ledger((10, None), (20, None))
    made.advance()
    assert (made.first_commit, made.has_sent, made.sent) == (None, True, 10)
    assert made.leave_out() == (0, 10)
    assert (made.sent, made.has_sent) == (10, False)
    assert send_all(made) == [10]


def test_a_segment_is_left_out_whole_though_only_its_begin_was_sent() -> None:
    made = ledger((10, None), (20, Cause.VAD), (3, None))
    made.advance()
    assert made.leave_out() == (0, 30)
    assert send_all(made) == [30]


def test_what_any_socket_was_sent_has_been_reached() -> None:
    made = ledger((10, None), (20, None))
    made.advance()
    made.rewind()
    assert (made.reached, made.sent) == (10, 0)


def test_what_is_withheld_is_not_sent_and_counts_as_covered_once_it_is_dropped() -> None:
    made = ledger((10, Cause.VAD))
    made.withhold()
    for _ in range(5):
        made.append(bytes(8), 4)
    assert send_all(made) == [0]
    made.drop_withheld(keep=6)
    assert (made.samples, made.covered) == (18, 0)
    made.answer()
    assert (made.samples, made.covered) == (8, 22)
    before = made.made_sendable
    assert made.release() == 22
    assert made.made_sendable > before
    assert send_all(made) == [22, 26]


def test_silence_that_is_dropped_altogether_is_covered_to_its_end() -> None:
    made = ledger((10, Cause.VAD))
    made.withhold()
    made.append(bytes(8), 4)
    send_all(made)
    made.drop_withheld()
    made.rewind()
    assert (made.sent, send_all(made)) == (0, [0])
    made.answer()
    assert (made.covered, made.samples) == (14, 0)
    assert made.peek() is None


def test_a_new_socket_is_sent_nothing_that_is_withheld() -> None:
    made = ledger((10, None), (10, Cause.VAD))
    made.withhold()
    made.append(bytes(8), 4)
    send_all(made)
    made.rewind()
    said = [made.has_unsent]
    assert send_all(made) == [0, 10]
    said.append(made.has_unsent)
    assert said == [True, False]
    assert not made.has_unsent_commit


def test_it_says_that_it_withholds() -> None:
    made = ledger((10, Cause.VAD))
    said = [made.is_withholding]
    made.withhold()
    said.append(made.is_withholding)
    assert made.release() == 10  # nothing came meanwhile
    said.append(made.is_withholding)
    assert said == [False, True, False]


def test_silence_behind_nothing_else_is_covered_as_it_is_dropped() -> None:
    made = ledger()
    made.withhold()
    made.append(bytes(8), 4)
    made.append(bytes(8), 4)
    made.drop_withheld(keep=4)
    assert made.covered == 4
    made.drop_withheld()
    assert made.covered == 8
