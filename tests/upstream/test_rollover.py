import pytest

from relay.upstream.rollover import LEAD, Rollover


def test_the_next_socket_is_opened_some_time_before_the_limit() -> None:
    rollover = Rollover(100)
    assert rollover.begin == 100 - LEAD
    assert not rollover.is_over(99)
    assert rollover.is_over(100)


def test_of_a_short_time_it_is_half() -> None:
    assert Rollover(10).begin == 5


@pytest.mark.parametrize("sent", [0.0, 1e9])
def test_without_a_limit_nothing_is_replaced(sent: float) -> None:
    assert sent < Rollover(0).begin
    assert not Rollover(0).is_over(sent)
