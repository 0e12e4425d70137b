"""The session's clock, against sums done by hand and the law that ties both maps together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.timeline import Timeline


def timeline_of(*pieces: tuple[int, int, int], rate_out: int = 16_000) -> Timeline:
    """Build a timeline from pieces of (rate_in, frame, position)."""
    timeline = Timeline(rate_out)
    for rate_in, frame, position in pieces:
        timeline.begin(rate_in, frame=frame, position=position)
    return timeline


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Draw a session of up to five pieces, each as long as the chain makes it; some are empty."""
    rate_out = draw(st.sampled_from([8_000, 16_000, 22_050, 48_000]))
    timeline = Timeline(rate_out)
    frame = position = 0
    for _ in range(draw(st.integers(1, 5))):
        rate_in = draw(st.integers(8_000, 192_000))
        timeline.begin(rate_in, frame=frame, position=position)
        frames = draw(st.integers(0, 400))
        frame += frames
        position += round(frames * rate_out / rate_in)
    return timeline


def test_one_piece_maps_by_its_ratio() -> None:
    timeline = timeline_of((48_000, 0, 0))
    assert timeline.frame_at(16_000) == 48_000
    assert timeline.position_at(48_000) == 16_000
    assert timeline.seconds_at(8_000.5) == 8_000.5 / 16_000
    assert timeline.seconds_of_frame(12_000) == 0.25


def test_frames_round_down_and_positions_up() -> None:
    timeline = timeline_of((44_100, 0, 0))
    assert timeline.frame_at(1) == 2
    assert [timeline.position_at(frame) for frame in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_a_second_piece_goes_on_at_its_own_rate() -> None:
    timeline = timeline_of((48_000, 0, 0), (8_000, 48_000, 16_000))
    assert timeline.frame_at(15_999) == 47_997
    assert timeline.frame_at(16_000) == 48_000
    assert timeline.frame_at(18_000) == 49_000
    assert timeline.position_at(49_000) == 18_000
    assert timeline.seconds_at(18_000) == 1.125
    assert timeline.seconds_of_frame(49_000) == 1.125


def test_a_piece_that_lost_half_a_sample_by_rounding_ends_where_the_next_begins() -> None:
    # 13 frames at 48 kHz are 4.33 samples, put out as 4; then the device changes.
    timeline = timeline_of((48_000, 0, 0), (16_000, 13, 4))
    assert timeline.frame_at(4) == 13
    assert timeline.position_at(13) == 4
    assert timeline.position_at(12) == 4
    assert timeline.seconds_at(4) == 13 / 48_000


def test_a_position_rounded_up_never_claims_frames_of_the_next_piece() -> None:
    # 1 frame at 8 kHz is 2 samples; 3 are claimed here, to reach past the piece's end.
    timeline = timeline_of((8_000, 0, 0), (16_000, 1, 3))
    assert timeline.frame_at(2) == 1
    assert timeline.seconds_at(2.5) == 1 / 8_000


def test_an_empty_piece_is_passed_over() -> None:
    timeline = timeline_of((48_000, 0, 0), (44_100, 480, 160), (16_000, 480, 160))
    assert timeline.frame_at(170) == 490
    assert timeline.position_at(490) == 170


def test_hours_of_an_odd_rate_do_not_drift() -> None:
    timeline = timeline_of((44_100, 0, 0))
    frame = 44_100 * 3_600 * 24
    assert timeline.position_at(frame) == 16_000 * 3_600 * 24
    assert timeline.seconds_of_frame(frame) == 86_400.0


@given(timelines(), st.integers(0, 3_000), st.integers(0, 3_000))
def test_position_at_is_the_first_that_covers_a_frame(
    timeline: Timeline, frame: int, position: int
) -> None:
    covers = timeline.frame_at(position) >= frame
    assert covers == (position >= timeline.position_at(frame))


@given(timelines(), st.lists(st.integers(0, 3_000), min_size=2))
def test_no_map_ever_runs_backwards(timeline: Timeline, values: list[int]) -> None:
    values.sort()
    for translate in (
        timeline.frame_at,
        timeline.position_at,
        timeline.seconds_at,
        timeline.seconds_of_frame,
    ):
        translated = [translate(value) for value in values]
        assert translated == sorted(translated)


@given(timelines(), st.integers(0, 3_000))
def test_seconds_agree_with_frames_to_a_sample(timeline: Timeline, frame: int) -> None:
    seconds = timeline.seconds_at(timeline.position_at(frame))
    assert abs(seconds - timeline.seconds_of_frame(frame)) <= 1.5 / timeline.rate_out


def test_what_is_left_out_takes_its_time() -> None:
    timeline = Timeline(16_000)
    timeline.begin(48_000, frame=0, position=0)
    timeline.begin(48_000, frame=96_000, position=8_000)  # half a second came, and one and a half
    timeline.begin(44_100, frame=96_001, position=8_000)  # didn't; and then another device
    assert [timeline.sample_at(position) for position in (0, 7_999, 8_001)] == [0, 7_999, 32_001]


def test_the_first_piece_begins_at_zero() -> None:
    with pytest.raises(ValueError, match="instead of 0, 0"):
        timeline_of((48_000, 480, 0))


@pytest.mark.parametrize("start", [(479, 160), (480, 159)])
def test_a_piece_before_the_last_one_is_refused(start: tuple[int, int]) -> None:
    timeline = timeline_of((48_000, 0, 0), (44_100, 480, 160))
    with pytest.raises(ValueError, match="before the last one at frame 480, position 160"):
        timeline.begin(16_000, frame=start[0], position=start[1])


def test_there_is_no_time_before_the_session() -> None:
    with pytest.raises(ValueError, match="before the session"):
        timeline_of((48_000, 0, 0)).frame_at(-1)


def test_a_timeline_without_pieces_knows_nothing() -> None:
    with pytest.raises(RuntimeError, match="no piece yet"):
        Timeline(16_000).seconds_at(0)


@given(timelines(), st.integers(0, 3_000))
def test_it_can_be_built_again_from_its_pieces(timeline: Timeline, value: int) -> None:
    again = Timeline.restore(timeline.rate_out, timeline.pieces)
    assert len(again) == len(timeline.pieces)
    assert again.pieces == timeline.pieces
    assert again.frame_at(value) == timeline.frame_at(value)
    assert again.position_at(value) == timeline.position_at(value)
    assert again.seconds_of_frame(value) == timeline.seconds_of_frame(value)
