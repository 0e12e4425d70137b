from hypothesis import given
from hypothesis import strategies as st

from relay.parking import PARK_SECONDS, Parking


def parking(**sessions: float) -> Parking:
    """Sessions by the time at which they were parked; what stands before `_` is their account."""
    parked = Parking(30.0)
    for session_id, now in sessions.items():
        parked.park(session_id, session_id.partition("_")[0], now)
    return parked


def test_a_session_is_kept_for_half_a_minute() -> None:
    parked = Parking()
    parked.park("s", "anna", 100.0)
    assert parked.take_due(100.0 + PARK_SECONDS - 0.001) == []
    assert "s" in parked
    assert parked.take_due(100.0 + PARK_SECONDS) == ["s"]
    assert "s" not in parked


def test_each_is_due_once_and_the_longest_parked_first() -> None:
    parked = parking(a_1=0.0, b_1=5.0, a_2=5.0, a_3=20.0)
    assert parked.next_due == 30.0
    assert parked.take_due(36.0) == ["a_1", "b_1", "a_2"]
    assert parked.take_due(36.0) == []
    assert (len(parked), parked.next_due) == (1, 50.0)


def test_who_comes_back_in_time_gets_its_session_once() -> None:
    parked = parking(a_1=0.0)
    assert parked.take("a_1")
    assert not parked.take("a_1")
    assert parked.take_due(1000.0) == []
    assert parked.next_due is None


def test_who_comes_too_late_gets_nothing() -> None:
    parked = parking(a_1=0.0)
    parked.take_due(30.0)
    assert not parked.take("a_1")


def test_who_leaves_again_has_the_whole_time_again() -> None:
    parked = parking(a_1=0.0, b_1=10.0)
    parked.take("a_1")
    parked.park("a_1", "a", 20.0)
    assert parked.take_due(40.0) == ["b_1"]
    assert parked.next_due == 50.0


def test_parking_what_is_parked_lengthens_nothing() -> None:
    parked = parking(a_1=0.0)
    parked.park("a_1", "a", 20.0)
    assert parked.take_due(30.0) == ["a_1"]


def test_a_new_session_gets_the_room_of_the_accounts_longest_parked_one() -> None:
    parked = parking(b_1=0.0, a_1=1.0, a_2=2.0)
    assert [parked.take_oldest("a") for _ in range(3)] == ["a_1", "a_2", None]
    assert "b_1" in parked


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 50), st.booleans())))
def test_none_is_forgotten_and_none_is_taken_twice(steps: list[tuple[str, float, bool]]) -> None:
    parked, expected, now = Parking(30.0), dict[str, float](), 0.0
    for session_id, wait, comes_back in steps:
        now += wait
        assert parked.take_due(now) == [key for key, due in expected.items() if due <= now]
        expected = {key: due for key, due in expected.items() if due > now}
        if comes_back:
            assert parked.take(session_id) == (expected.pop(session_id, None) is not None)
        else:
            parked.park(session_id, "anna", now)
            expected.setdefault(session_id, now + 30.0)
        assert len(parked) == len(expected)
