from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.upstream.leg import MAX_PIECES, Leg

RATE = 1000
"""A rate at which a sample is a millisecond."""


def test_time_begins_with_the_first_audio_of_the_socket() -> None:
    leg = Leg(RATE)
    leg.send(5000, 100)
    assert leg.position(0.05) == 5050


def test_nothing_sent_lies_at_the_beginning() -> None:
    assert Leg(RATE).position(0.5) == 0


def test_inserted_silence_has_no_session_time() -> None:
    leg = Leg(RATE)
    leg.send(0, 100)
    leg.insert(300)
    leg.send(100, 100)
    assert [leg.position(t) for t in (0.05, 0.1, 0.25, 0.4, 0.45)] == [50, 100, 100, 100, 150]
    assert leg.sent == 500


def test_a_time_beyond_what_was_sent_is_the_end() -> None:
    leg = Leg(RATE)
    leg.send(0, 100)
    assert leg.position(3.0) == 100


def test_a_socket_that_begins_with_silence() -> None:
    leg = Leg(RATE)
    leg.insert(300)
    leg.send(0, 100)
    assert leg.position(0.35) == 50


def test_silence_before_the_first_audio_lies_where_that_begins() -> None:
    leg = Leg(RATE)
    leg.insert(100)
    leg.insert(100)
    leg.send(5000, 100)
    assert [leg.position(t) for t in (0.0, 0.15, 0.25)] == [5000, 5000, 5050]


def test_old_pieces_are_forgotten_and_new_ones_stay_right() -> None:
    leg = Leg(RATE)
    for second in range(2 * MAX_PIECES):
        leg.send(second * 10, 10)
        leg.insert(1)
    assert leg.position(leg.sent / RATE - 0.006) == 2 * MAX_PIECES * 10 - 5
    assert leg.position(0.0) >= 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), min_size=1, max_size=40))
def test_session_time_never_runs_backwards(pieces: list[tuple[bool, int]]) -> None:
    leg = Leg(RATE)
    position = 0
    for is_audio, samples in pieces:
        if is_audio:
            leg.send(position, samples)
            position += samples
        else:
            leg.insert(samples)
    positions = [leg.position(ms / 1000) for ms in range(0, leg.sent + 1, 7)]
    assert all(b - a > -1e-6 for a, b in pairwise(positions))
    assert leg.position(leg.sent / RATE) == pytest.approx(position)
