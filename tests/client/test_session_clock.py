from relay.client.session_clock import SessionClock


def test_session_from_the_start_is_the_clients_own() -> None:
    clock = SessionClock(1000, 0)
    assert (clock.frame_at(5), clock.sample_at(5), clock.start_at(0.12345)) == (5, 5, 0.12345)


def test_later_session_is_moved() -> None:
    clock = SessionClock(1000, 500)
    assert (clock.frame_at(5), clock.sample_at(505), clock.start_at(0.1)) == (505, 5, 0.6)


def test_frame_before_the_session_is_its_first_sample() -> None:
    assert SessionClock(1000, 500).sample_at(100) == 0


def test_skipped_frames_have_no_samples() -> None:
    clock = SessionClock(1000, 0)
    clock.skip(100, 300)
    assert [clock.frame_at(sample) for sample in (99, 100, 101)] == [99, 100, 301]
    assert [clock.sample_at(frame) for frame in (100, 200, 300, 310)] == [100, 100, 100, 110]
    assert clock.start_at(0.1) == 0.3


def test_skip_over_an_earlier_one_replaces_it() -> None:
    clock = SessionClock(1000, 0)
    clock.skip(100, 200)
    clock.skip(50, 300)
    assert clock.frame_at(60) == 310


def test_skip_from_before_the_session_leaves_its_beginning() -> None:
    clock = SessionClock(1000, 500)
    clock.skip(400, 600)
    assert clock.frame_at(10) == 610


def test_word_ends_before_a_seam_and_the_next_one_begins_behind_it() -> None:
    clock = SessionClock(1000, 0)
    clock.skip(100, 300)
    assert (clock.end_at(0.1), clock.start_at(0.0995)) == (0.1, 0.3)
