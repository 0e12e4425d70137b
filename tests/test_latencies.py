"""How long audio and finals take, as it is sampled."""

import math

from relay.latencies import MAX_SEGMENTS, ChunkWatch, SegmentWatch


def watching(end: int = 0, *, until: int, came_at: float) -> ChunkWatch:
    watch = ChunkWatch()
    watch.arm(end)
    watch.came(came_at)
    watch.grew(until)
    return watch


def test_a_chunk_is_measured_from_its_last_sample_to_its_handing_on() -> None:
    watch = watching(until=1600, came_at=10.0)
    assert (watch.is_armed, watch.until) == (False, 1600)
    assert watch.handed_on(10.25) == 0.25
    assert watch.until == math.inf


def test_the_message_that_completes_a_chunk_is_the_one_that_counts() -> None:
    watch = ChunkWatch()
    assert not watch.is_armed
    watch.arm(1600)
    watch.came(10.0)
    watch.grew(1600)
    assert (watch.is_armed, watch.until) == (True, math.inf)
    watch.came(10.5)
    watch.grew(3200)
    assert watch.handed_on(10.75) == 0.25


def test_one_chunk_is_watched_at_a_time() -> None:
    watch = watching(until=1600, came_at=10.0)
    watch.arm(3200)  # a second later, and it still waits for a socket
    assert not watch.is_armed
    assert watch.handed_on(12.5) == 2.5
    watch.arm(4800)
    assert watch.is_armed


def test_a_segment_is_measured_from_its_end_to_its_final() -> None:
    watch = SegmentWatch()
    watch.ended(16_000, 1.0)
    watch.ended(48_000, 3.0)
    assert watch.answered(16_000, 1.5) == 0.5
    assert watch.answered(48_000, 3.25) == 0.25


def test_the_timed_message_of_a_final_is_measured_no_second_time() -> None:
    watch = SegmentWatch()
    watch.ended(16_000, 1.0)
    assert watch.answered(16_000, 1.5) == 0.5
    assert watch.answered(16_000, 1.6) is None


def test_a_segment_that_was_left_out_is_forgotten() -> None:
    watch = SegmentWatch()
    watch.ended(16_000, 1.0)
    watch.ended(48_000, 3.0)
    assert watch.answered(48_000, 3.25) == 0.25
    assert watch.answered(16_000, 4.0) is None


def test_a_final_of_a_segment_that_another_worker_ended_says_nothing() -> None:
    watch = SegmentWatch()
    watch.ended(48_000, 3.0)
    assert watch.answered(16_000, 3.1) is None
    assert watch.answered(48_000, 3.25) == 0.25


def test_segments_without_finals_do_not_pile_up() -> None:
    watch = SegmentWatch()
    for position in range(MAX_SEGMENTS + 1):
        watch.ended(position, 0.0)
    assert watch.answered(0, 1.0) is None
    assert watch.answered(1, 1.0) == 1.0
