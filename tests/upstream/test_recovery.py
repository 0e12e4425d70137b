import math

import pytest

from relay.scribe.errors import CLASS_OF, ErrorClass, ErrorType
from relay.upstream.recovery import (
    CAPACITY_DELAY,
    FIRST_DELAY,
    MAX_DELAY,
    MAX_FAILURES,
    MAX_PADDING,
    MIN_CHUNK,
    MIN_SPEED,
    REMEDIES,
    SLACK,
    Break,
    Recovery,
    Remedy,
    Stretch,
    remedy_for,
)

SEGMENT = Stretch(start=10.0, commit=12.0, reached=12.0)


def recovery(random: float = 0.5) -> Recovery:
    return Recovery(speed=4.0, chunk=0.1, padding=0.3, random=lambda: random)


def test_every_way_to_fail_is_in_the_table() -> None:
    assert set(REMEDIES) == {*ErrorType, *Break}


@pytest.mark.parametrize("error_type", ErrorType)
def test_the_table_agrees_with_what_clients_are_told(error_type: ErrorType) -> None:
    remedy = remedy_for(error_type)
    assert remedy.ends == (CLASS_OF[error_type] is ErrorClass.PERMANENT)
    assert remedy.goes_on == (CLASS_OF[error_type] is ErrorClass.PER_MESSAGE)


def test_a_type_that_nobody_knows_is_reopened() -> None:
    assert remedy_for("new_error") == Remedy()


def test_an_overflow_halves_the_pace_down_to_what_still_catches_up() -> None:
    made = recovery()
    made.fail(ErrorType.QUEUE_OVERFLOW, SEGMENT)
    assert made.speed == 2.0
    for _ in range(5):
        made.fail(ErrorType.QUEUE_OVERFLOW, None)
    assert made.speed == MIN_SPEED


def test_a_chunk_that_is_too_long_halves_all_further_ones() -> None:
    made = recovery()
    assert math.isinf(made.chunk)
    made.fail(ErrorType.CHUNK_SIZE_EXCEEDED, SEGMENT)
    assert made.chunk == 0.05
    for _ in range(5):
        made.fail(ErrorType.CHUNK_SIZE_EXCEEDED, None)
    assert made.chunk == MIN_CHUNK


def test_a_throttled_commit_doubles_the_padding() -> None:
    made = recovery()
    made.fail(ErrorType.COMMIT_THROTTLED, SEGMENT)
    assert made.padding == 0.6
    for _ in range(5):
        made.fail(ErrorType.COMMIT_THROTTLED, None)
    assert made.padding == MAX_PADDING


def test_the_first_attempt_is_made_at_once_and_later_ones_ever_more_rarely() -> None:
    made = recovery(random=1.0)
    delays = [made.fail(Break.LOST, None).delay for _ in range(20)]
    assert delays[0] == FIRST_DELAY
    assert delays == sorted(delays)
    assert delays[-1] == MAX_DELAY
    assert recovery(random=0.0).fail(Break.LOST, None).delay == 0


def test_a_final_makes_the_next_attempt_a_first_one() -> None:
    made = recovery()
    made.fail(Break.LOST, None)
    assert made.fail(Break.LOST, None).attempt == 2
    made.succeed()
    assert made.fail(Break.LOST, None).attempt == 1


def test_a_provider_that_is_full_is_left_alone_for_a_while() -> None:
    assert recovery().fail(ErrorType.RATE_LIMITED, None).delay == CAPACITY_DELAY


def test_what_wants_audio_is_reopened_when_there_is_some() -> None:
    assert recovery().fail(ErrorType.INSUFFICIENT_AUDIO_ACTIVITY, None).needs_audio
    assert not recovery().fail(ErrorType.TRANSCRIBER_ERROR, None).needs_audio


def blamed(made: Recovery, *stretches: Stretch | None, reason: str = Break.LOST) -> list[bool]:
    return [made.fail(reason, stretch).leaves_out for stretch in stretches]


def test_a_segment_that_fails_three_times_is_left_out() -> None:
    assert blamed(recovery(), *[SEGMENT] * MAX_FAILURES) == [False, False, True]


def test_what_was_left_out_is_forgotten() -> None:
    assert blamed(recovery(), *[SEGMENT] * 4) == [False, False, True, False]


def test_outages_do_not_blame_the_audio() -> None:
    assert not any(blamed(recovery(), SEGMENT, None, SEGMENT, None, None))


def test_limits_of_the_account_do_not_blame_the_audio() -> None:
    assert not any(blamed(recovery(), *[SEGMENT] * 5, reason=ErrorType.RATE_LIMITED))


def test_a_segment_that_comes_next_is_blamed_anew() -> None:
    following = Stretch(start=12.0, commit=14.0, reached=14.0)
    assert not any(blamed(recovery(), SEGMENT, SEGMENT, following, following))


def test_a_final_clears_the_suspicion() -> None:
    made = recovery()
    blamed(made, SEGMENT, SEGMENT)
    made.succeed()
    assert blamed(made, SEGMENT) == [False]


def test_a_socket_that_holds_clears_the_wait_and_not_the_suspicion() -> None:
    made = recovery()
    blamed(made, SEGMENT, SEGMENT)
    made.settle()
    reopening = made.fail(Break.LOST, SEGMENT)
    assert (reopening.attempt, reopening.leaves_out) == (1, True)


def test_audio_without_a_marker_is_the_same_as_long_as_it_gets_no_further() -> None:
    def reached(seconds: float) -> Stretch:
        return Stretch(start=0.0, commit=None, reached=seconds)

    assert blamed(recovery(), reached(5), reached(5 + SLACK), reached(4)) == [False, False, True]
    assert not any(blamed(recovery(), reached(5), reached(9), reached(13), reached(17)))
