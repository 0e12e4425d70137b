from relay.analysis.retrying import JUDGING, MAX_ASKED, TELLING, Retries, pause

RETRIES = Retries(first=1.0, longest=100.0, attempts=6, max_age=1000.0)


def test_each_wait_is_four_times_the_one_before_up_to_the_longest() -> None:
    assert [RETRIES.delay(attempt, 0.0) for attempt in range(1, 7)] == [1, 4, 16, 64, 100, None]


def test_what_is_too_old_is_let_be() -> None:
    assert RETRIES.delay(1, 999.0) == 1.0
    assert RETRIES.delay(1, 1000.0) is None


def test_who_asks_for_more_time_gets_it_within_reason() -> None:
    assert RETRIES.delay(1, 0.0, 30.0) == 30.0
    assert RETRIES.delay(4, 0.0, 30.0) == 64.0
    assert RETRIES.delay(1, 0.0, 1e9) == MAX_ASKED


def test_who_fails_is_left_alone_for_up_to_half_a_minute() -> None:
    assert [pause(failures) for failures in (1, 2, 3, 6, 100)] == [1, 2, 4, 30, 30]


def test_how_long_is_tried_is_what_the_docs_say() -> None:
    def total(retries: Retries) -> float:
        return sum(retries.delay(each, 0.0) or 0.0 for each in range(1, retries.attempts))

    assert 1.5 * 3600 < total(JUDGING) < 2.5 * 3600
    assert 18 * 3600 < total(TELLING) < 24 * 3600
