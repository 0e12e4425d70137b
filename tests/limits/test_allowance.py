"""Audio is taken only when it was reserved, unless nobody can be asked."""

from relay.limits.allowance import LOW, Allowance
from relay.limits.limiter import Grant


def grant(ms: int, left_ms: int | None = None, *, day: int = 1, budget: int | None = None) -> Grant:
    return Grant(ms, left_ms, budget, day)


def allowance(ms: int = 1_000, left_ms: int | None = None) -> Allowance:
    return Allowance(grant(ms, left_ms), piece_ms=1_000)


# Functions, because mypy takes properties for things that stay as they are.


def is_used_up(made: Allowance) -> bool:
    return made.is_used_up


def has_ended(made: Allowance) -> bool:
    return made.has_ended


def is_low(made: Allowance) -> bool:
    return made.is_low


def left_ms(made: Allowance) -> int | None:
    return made.left_ms


def test_what_is_reserved_may_be_taken_to_the_last_millisecond() -> None:
    made = allowance()
    made.expect(1_000)
    assert not is_used_up(made)
    made.take(1_000)
    assert is_used_up(made)


def test_a_message_that_is_longer_than_what_is_left_waits_as_a_whole() -> None:
    made = allowance()
    made.take(950)
    made.expect(100)
    assert is_used_up(made)
    assert made.wanted_ms == 950
    made.add(grant(950))
    assert not is_used_up(made)


def test_a_message_longer_than_a_piece_is_reserved_as_a_whole() -> None:
    made = allowance()
    made.expect(2_500.4)
    assert made.wanted_ms == 1_501
    made.add(grant(1_501))
    assert not is_used_up(made)


def test_it_has_ended_when_nothing_is_granted_and_what_is_left_does_not_suffice() -> None:
    made = allowance()
    made.take(950)
    made.add(grant(0, 0))
    assert not has_ended(made)
    made.expect(100)
    assert has_ended(made)


def test_it_has_not_ended_when_nothing_was_wanted() -> None:
    made = allowance()
    made.add(grant(0, 0))
    assert not has_ended(made)


def test_suspended_it_gives_without_end_and_reserves_it_afterwards() -> None:
    made = allowance()
    made.suspend()
    made.take(5_000)
    made.expect(100)
    assert not is_used_up(made)
    assert made.wanted_ms == 5_000
    made.add(grant(4_000, 0))
    assert is_used_up(made)
    assert not has_ended(made)
    made.add(grant(0, 0))
    assert has_ended(made)


def test_what_is_left_is_the_less_of_day_and_budget_and_its_own_piece() -> None:
    made = allowance()
    assert left_ms(made) is None
    assert not is_low(made)
    made.add(grant(0, 10_000, budget=4_000))
    assert left_ms(made) == 5_000
    made.take(400)
    assert left_ms(made) == 4_600


def test_it_is_low_from_five_minutes_on() -> None:
    made = allowance(1_000, LOW)
    assert not is_low(made)
    made.take(1_000)
    assert is_low(made)


def test_what_was_not_taken_is_given_back_to_the_day_it_was_reserved_on() -> None:
    made = allowance()
    made.take(300.5)
    assert made.unspent == (699, 1)
    made.add(grant(200, day=2))
    assert made.unspent == (200, 2)
    made.take(5_000)
    assert made.unspent == (0, 2)


def test_what_is_left_covers_no_more_than_itself() -> None:
    made = allowance()
    assert not made.take_covered(1_001)
    assert made.take_covered(1_000)
    assert not made.take_covered(0)
    made.suspend()
    assert made.take_covered(5_000)
