from relay.client.events import CommittedTranscript, TimedTranscript
from relay.client.segment_numbers import SegmentNumbers


def plain(segment: int, text: str = "a b") -> CommittedTranscript:
    return CommittedTranscript(text, segment, 1)


def timed(segment: int) -> TimedTranscript:
    return TimedTranscript("a b", segment, 1)


def test_each_kind_comes_once() -> None:
    numbers = SegmentNumbers()
    assert [numbers.take(plain(0)), numbers.take(plain(0)), numbers.take(plain(1))] == [0, None, 1]
    assert [numbers.take_timed(timed(0)), numbers.take_timed(timed(0))] == [0, None]
    assert not numbers.has_all_timed
    numbers.take_timed(timed(1))
    assert numbers.has_all_timed


def test_new_session_counts_on() -> None:
    numbers = SegmentNumbers()
    assert numbers.has_all_timed
    numbers.take(plain(0))
    numbers.take(plain(1, ""))
    numbers.begin_session()
    assert numbers.last is None
    assert numbers.take(plain(0)) == 2
    assert numbers.earlier_counts == (1, 2)
    assert numbers.counts == (2, 4)


def test_timed_final_without_its_plain_one_has_its_number_too() -> None:
    numbers = SegmentNumbers()
    numbers.take_timed(timed(0))
    numbers.begin_session()
    assert numbers.take(plain(0)) == 1
