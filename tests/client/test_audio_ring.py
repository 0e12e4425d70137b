import pytest

from relay.client.audio_ring import AudioRing, Hole


def ring_of(*seconds: int, bound: float = 300.0) -> AudioRing:
    """Fill a ring with seconds of 1000 frames of one byte, each the second's number."""
    ring = AudioRing(1000, 1, bound)
    for second in seconds:
        ring.append(bytes([second]) * 1000)
    return ring


def test_audio_and_markers_go_out_in_order() -> None:
    ring = ring_of(0)
    ring.mark("commit")
    ring.append(b"x")
    ring.mark("stop")
    taken = [ring.next() for _ in range(5)]
    assert taken == [bytes(1000), "commit", b"x", "stop", None]
    assert ring.position == ring.end == 1001


def test_marker_twice_at_one_place_is_once_until_it_is_sent() -> None:
    ring = ring_of()
    ring.mark("commit")
    ring.mark("commit")
    assert [ring.next(), ring.next()] == ["commit", None]
    ring.mark("commit")
    assert ring.next() == "commit"


def test_rewinding_sends_again_from_within_a_piece() -> None:
    ring = ring_of(0, 1)
    while ring.next() is not None:
        pass
    ring.rewind(1600)
    assert ring.next() == b"\1" * 400


def test_rewinding_beyond_the_end_stays_there() -> None:
    ring = ring_of(0)
    ring.rewind(5000)
    assert ring.position == 1000


def test_covering_keeps_a_margin() -> None:
    ring = ring_of(0, 1, 2)
    ring.cover(2249)
    assert ring.start == 1000
    ring.cover(2250)
    assert ring.start == 2000


def test_covering_frees_the_markers_before() -> None:
    ring = ring_of(0)
    ring.mark("commit")
    ring.append(b"x")
    ring.cover(1001)
    ring.rewind(1000)
    assert [ring.next(), ring.next()] == [b"x", None]


def test_oldest_beyond_the_bound_is_a_hole() -> None:
    ring = ring_of(0, 1, 2, bound=2)
    assert [ring.next(), ring.next()] == [Hole(0, 1000), b"\1" * 1000]


def test_newest_stays_however_short_the_bound() -> None:
    ring = ring_of(7, bound=0.1)
    assert ring.next() == b"\7" * 1000


def test_answer_before_anything_was_sent_answers_nothing() -> None:
    ring = ring_of(0)
    ring.answer(1000)
    ring.mark("commit")
    ring.answer(1000)
    assert [ring.next(), ring.next()] == [bytes(1000), "commit"]


def test_answer_takes_the_first_sent_commit_that_is_near() -> None:
    ring = ring_of(0)
    ring.mark("commit")
    ring.next()
    ring.next()
    ring.answer(800)
    ring.rewind(1000)
    assert ring.next() == "commit"
    ring.answer(850)
    ring.rewind(1000)
    assert ring.next() is None


def test_new_session_has_nothing_to_commit_but_stops() -> None:
    ring = ring_of(0)
    ring.mark("commit")
    ring.mark("stop")
    ring.rewind(1000)
    ring.forget_commits_at(1000)
    assert [ring.next(), ring.next()] == ["stop", None]


def test_part_of_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole frames"):
        AudioRing(8000, 4, 1.0).append(b"abc")


def test_what_the_relay_was_told_of_stays_until_it_has_asked_for_it() -> None:
    ring = AudioRing(1000, 1, 1.0)
    ring.append(bytes(1000))
    ring.hold()
    ring.append(bytes(1000))
    assert ring.start == 0
    ring.resume(0)
    ring.append(bytes(500))
    assert ring.start == 0
    while ring.next():
        pass
    ring.append(bytes(500))
    assert (ring.start, ring.end) == (1000, 3000)
    ring.cover(2500)
    for _ in range(4):
        ring.append(bytes(500))
    assert (ring.start, ring.end) == (4000, 5000)


def test_line_that_breaks_again_holds_no_more_than_the_bound() -> None:
    ring = AudioRing(1000, 1, 1.0)
    ring.hold()
    for _ in range(3):
        ring.append(bytes(1000))
    ring.release()
    ring.append(bytes(1000))
    assert ring.start == 3000
