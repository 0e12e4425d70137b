from relay.client.events import (
    AudioAcknowledged,
    CommittedTranscript,
    Event,
    PartialTranscript,
    TimedTranscript,
    TimedWord,
)
from relay.client.transcript import Segment, Transcript, Word

RATE = 1000


def transcript(*events: Event) -> Transcript:
    collected = Transcript(RATE)
    for event in events:
        collected.receive(event)
    return collected


def plain(index: int, text: str, end: int) -> CommittedTranscript:
    return CommittedTranscript(text, index, end)


def timed(index: int, text: str, end: int) -> TimedTranscript:
    return TimedTranscript(text, index, end, words=(TimedWord(text, 0.1, 0.2),), language_code="en")


def test_segments_begin_where_the_one_before_ends() -> None:
    assert transcript(plain(0, "one", 500), plain(1, "two", 1500)).segments == (
        Segment(0, "one", 0.0, 0.5),
        Segment(1, "two", 0.5, 1.5),
    )


def test_timed_message_completes_its_segment_and_is_no_second_one() -> None:
    assert transcript(plain(0, "one", 500), timed(0, "one", 500)).segments == (
        Segment(0, "one", 0.0, 0.5, (Word("one", 0.1, 0.2),), "en"),
    )


def test_timed_message_may_come_first() -> None:
    events = plain(0, "one", 500), timed(0, "one", 500)
    assert transcript(*reversed(events)).segments == transcript(*events).segments


def test_segments_are_in_order_although_they_came_otherwise() -> None:
    collected = transcript(plain(1, "two", 1500), plain(0, "one", 500))
    assert collected.text == "one two"


def test_lost_words_leave_the_segment_without_times() -> None:
    (segment,) = transcript(TimedTranscript("one", 0, 500, words=None)).segments
    assert segment.words is None


def test_empty_segment_is_left_out_but_its_time_passes() -> None:
    collected = transcript(plain(0, "", 500), plain(1, " two ", 1500))
    assert collected.segments == (Segment(1, "two", 0.5, 1.5),)


def test_partial_is_replaced_and_ends_with_the_commit() -> None:
    collected = transcript(PartialTranscript("o"), PartialTranscript("one"))
    assert collected.partial == "one"
    collected.receive(plain(0, "one", 500))
    assert collected.partial == ""


def test_partial_ends_with_a_timed_commit_too() -> None:
    assert transcript(PartialTranscript("one"), timed(0, "one", 500)).partial == ""


def test_other_events_change_nothing() -> None:
    assert transcript(AudioAcknowledged(100)).segments == ()
