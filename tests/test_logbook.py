"""What is written down of a session, and how it is summed up."""

import pytest

from relay.logbook import FINALS, LAGS, MAX_UNSENT, SPAN, SPANS, Entry, Kind, Logbook

BEGIN = 1_000_000.0
"""A moment at which a span begins."""


def kinds(book: Logbook) -> list[Kind]:
    return [entry.kind for entry in book.unsent]


def test_what_happens_is_written_down_in_order_until_it_is_known() -> None:
    book = Logbook(BEGIN)
    book.note(BEGIN + 0.1234567, Kind.BEGAN, "new")
    book.note(BEGIN + 1, Kind.OPENED, seconds=0.123456)
    known = book.unsent
    assert known == (
        Entry(BEGIN + 0.123, Kind.BEGAN, "new"),
        Entry(BEGIN + 1, Kind.OPENED, seconds=0.1235),
    )
    book.note(BEGIN + 2, Kind.WARNED, "clipping")
    book.forget(known)
    assert book.unsent == (Entry(BEGIN + 2, Kind.WARNED, "clipping"),)


def test_what_nobody_takes_does_not_pile_up() -> None:
    book = Logbook(BEGIN)
    for number in range(MAX_UNSENT + 1):
        book.note(BEGIN + number, Kind.COMMIT, seconds=0.3)
    first = book.unsent
    assert len(first) == MAX_UNSENT
    assert first[0].at == BEGIN + 1
    # What was pushed out while it was on its way to Redis is gone all the same.
    book.note(BEGIN + 999, Kind.LEFT)
    book.forget(first)
    assert kinds(book) == [Kind.LEFT]


@pytest.mark.parametrize(
    ("state", "mark"), [("open", "o"), ("ending", "o"), ("parked", "p"), ("queued", "w")]
)
def test_each_span_has_the_mark_of_its_state(state: str, mark: str) -> None:
    book = Logbook(BEGIN)
    book.look(BEGIN + SPAN, state)
    assert book.recent == f"o{mark}"


def test_of_several_states_in_a_span_the_worse_one_is_shown() -> None:
    book = Logbook(BEGIN)
    book.look(BEGIN + 1, "opening")
    book.look(BEGIN + 4, "open")
    assert book.recent == "w"
    book.note(BEGIN + 5, Kind.GAP, "transcriber_error", 1.5)
    book.look(BEGIN + 8, "parked")
    assert book.recent == "g"
    assert book.gap_seconds == 1.5


def test_a_socket_that_broke_shows_until_the_next_is_open() -> None:
    book = Logbook(BEGIN)
    book.note(BEGIN + 1, Kind.OPENED, seconds=0.1)
    assert book.reconnects == 0
    book.note(BEGIN + SPAN, Kind.FAILED, "lost")
    book.look(BEGIN + 2 * SPAN, "opening")
    book.note(BEGIN + 2 * SPAN + 1, Kind.OPENED, seconds=0.1)
    book.look(BEGIN + 3 * SPAN, "open")
    assert book.recent == "obbo"
    assert book.reconnects == 1


def test_a_session_that_rests_is_quiet_until_its_next_socket() -> None:
    book = Logbook(BEGIN)
    book.note(BEGIN + 1, Kind.RESTED)
    book.look(BEGIN + SPAN, "open")
    book.note(BEGIN + SPAN + 1, Kind.OPENED, seconds=0.1)
    book.look(BEGIN + 2 * SPAN, "open")
    assert book.recent == "oqo"
    assert book.reconnects == 0


def test_spans_that_nobody_looked_at_were_as_it_is_now() -> None:
    book = Logbook(BEGIN)
    book.look(BEGIN + 3 * SPAN, "parked")
    assert book.recent == "oppp"
    book.look(BEGIN - 100, "open")  # the clock was set back
    assert book.recent == "oppp"


def test_ten_minutes_are_kept() -> None:
    book = Logbook(BEGIN)
    for number in range(SPANS + 5):
        book.look(BEGIN + number * SPAN, "parked" if number < 5 else "open")
    assert book.recent == "o" * SPANS
    book.look(BEGIN + 1000 * SPAN, "parked")
    assert book.recent == "p" * SPANS


def test_lag_is_summed_up_by_its_worst_of_each_span() -> None:
    book = Logbook(BEGIN)
    for seconds in (0.002, 0.012, 0.003):
        book.lag(BEGIN + 1, seconds)
    assert not book.unsent
    book.lag(BEGIN + SPAN + 1, 0.004)
    assert book.unsent == (Entry(BEGIN + SPAN, Kind.LAG, seconds=0.012),)
    assert book.recent == "oo"
    book.look(BEGIN + 2 * SPAN, "open")
    assert book.unsent[-1] == Entry(BEGIN + 2 * SPAN, Kind.LAG, seconds=0.004)


def test_a_gap_marks_its_span_and_no_later_one() -> None:
    book = Logbook(BEGIN)
    book.note(BEGIN, Kind.GAP, "lost", 1.0)
    book.lag(BEGIN + SPAN, 0.001)
    assert book.recent == "go"


def test_nothing_is_said_of_latencies_before_there_are_some() -> None:
    book = Logbook(BEGIN)
    assert (book.added_latency, book.speech_to_final) == (None, None)
    book.note(BEGIN, Kind.COMMIT)
    assert book.speech_to_final is None


def test_latencies_are_those_of_late() -> None:
    book = Logbook(BEGIN)
    book.lag(BEGIN, 9.0)
    for number in range(LAGS):
        book.lag(BEGIN, number / 1000)
    assert book.added_latency == pytest.approx(0.059)
    book.note(BEGIN, Kind.COMMIT, seconds=9.0)
    for number in range(FINALS):
        book.note(BEGIN, Kind.COMMIT, seconds=number / 10)
    assert book.speech_to_final == pytest.approx(0.9)
