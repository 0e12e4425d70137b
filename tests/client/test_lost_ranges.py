import pytest

from relay.client.lost_ranges import LostRange, LostRanges


@pytest.fixture
def lost() -> LostRanges:
    return LostRanges()


def test_what_the_relay_left_out_is_lost_when_it_covers_what_follows(lost: LostRanges) -> None:
    lost.leave_out(10, 20, "why")
    assert lost.cover(10) == []
    assert lost.cover(20) == [LostRange(10, 20, "why")]
    assert lost.cover(30) == []


def test_what_was_never_sent_is_lost_when_all_before_it_has_its_final(lost: LostRanges) -> None:
    lost.skip(10, 20, "why")
    assert lost.cover(9) == []
    assert lost.cover(10) == [LostRange(10, 20, "why")]
    assert lost.end == 20


def test_final_that_comes_again_leaves_the_rest(lost: LostRanges) -> None:
    lost.skip(10, 20, "why")
    assert lost.cover(14) == [LostRange(14, 20, "why")]


def test_what_has_its_final_is_no_loss(lost: LostRanges) -> None:
    lost.cover(15)
    lost.leave_out(5, 15, "why")
    lost.leave_out(5, 20, "why")
    assert lost.cover(30) == [LostRange(15, 20, "why")]


def test_stretches_that_touch_are_one(lost: LostRanges) -> None:
    lost.skip(30, 40, "b")
    lost.leave_out(10, 30, "a")
    lost.leave_out(20, 25, "a")
    lost.skip(50, 60, "c")
    assert lost.cover(70) == [LostRange(10, 40, "a"), LostRange(50, 60, "c")]


def test_what_was_told_as_part_of_another_is_not_told_again(lost: LostRanges) -> None:
    lost.leave_out(10, 30, "a")
    lost.skip(20, 40, "b")
    assert lost.cover(20) == [LostRange(20, 40, "b")]
    assert lost.cover(50) == []


def test_what_is_sent_again_is_not_lost(lost: LostRanges) -> None:
    lost.leave_out(10, 20, "why")
    lost.leave_out(30, 40, "why")
    lost.rewind(20)
    assert lost.cover(50) == [LostRange(10, 20, "why")]
