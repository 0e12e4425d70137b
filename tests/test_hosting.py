"""Where a session goes on that was another worker's."""

from dataclasses import replace

from relay.audio.pcm import Encoding
from relay.bridge_config import BridgeConfig
from relay.downstream.request import ResumePoint, StreamRequest
from relay.hosting import start_of
from relay.registry.ownership import Claimed, Progress, Snapshot
from relay.scribe.parameters import Parameters

RATE = 48_000
CLAIMED = Claimed(
    epoch=2,
    account="user:1",
    snapshot=Snapshot(query=(), bearer={}, origin=None, rate_out=16_000, started_at=0.0),
    progress=Progress(segment=0, covered=RATE, segments=1, words=3),
    pieces=((RATE, 0, 0),),
    seq=4,
)
REQUEST = StreamRequest(RATE, Encoding.PCM_F32LE, 1, Parameters.parse(()))
KEPT = RATE // 4
"""What clients keep before the end of their last segment."""


def point(last_segment: int, end: int, *, covered_sample: int | None = None) -> ResumePoint:
    """Of a client that has so many segments, the last of which ends there."""
    return ResumePoint(9, last_segment, end - KEPT, covered_sample)


def test_it_goes_on_behind_what_was_written_down() -> None:
    start = start_of(CLAIMED, REQUEST, point(0, RATE), BridgeConfig())
    assert (start.covered, start.segments, start.words, start.first_seq) == (RATE, 1, 3, 10)
    assert RATE - KEPT < start.chain.frames_received < RATE
    assert start.chain.position == 16_000


def test_a_client_that_has_more_says_where_that_ends() -> None:
    has = point(1, 90_000, covered_sample=90_000)
    # It has another device by now, so that 250 ms are another number of frames.
    start = start_of(CLAIMED, replace(REQUEST, sample_rate=16_000), has, BridgeConfig())
    assert (start.covered, start.segments) == (90_000, 2)
    assert start.chain.position == 30_000


def test_where_it_does_not_say_so_it_is_taken_at_its_word_that_it_keeps_250_ms() -> None:
    start = start_of(CLAIMED, REQUEST, point(1, 90_000), BridgeConfig())
    assert (start.covered, start.segments) == (90_000, 2)


def test_a_client_that_knows_less_than_was_written_gets_no_segment_twice() -> None:
    has = replace(point(0, RATE // 2, covered_sample=RATE // 2), last_segment=None)
    start = start_of(CLAIMED, REQUEST, has, BridgeConfig())
    assert (start.covered, start.segments) == (RATE, 1)
