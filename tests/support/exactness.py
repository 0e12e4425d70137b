"""Whether the segments that a client was told are, sample by sample, what it said."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from relay.audio.chain import AudioChain
from relay.audio.pcm import Encoding, Float32, Int16
from relay.audio.timeline import Timeline
from relay.simulator.server import Simulator
from tests.support.relay import Event


class Heard(Protocol):
    """What a client was told."""

    def of(self, message_type: str) -> list[Event]: ...


def offline(spoken: Float32, rate: int) -> tuple[Int16, Timeline]:
    """What the relay makes of `spoken`, and its clock."""
    chain = AudioChain(rate, encoding=Encoding.PCM_F32LE, channels=1)
    samples = np.concatenate([chain.push(spoken.astype("<f4").tobytes()), chain.flush()])
    return samples, chain.timeline


def check_exactness(
    client: Heard,
    simulator: Simulator,
    spoken: Float32,
    rate: int,
    *,
    gaps: Sequence[tuple[int, int]] = (),
    tolerance: int = 0,
) -> None:
    """Hold what the simulator committed, over all its sockets, against what was said.

    Every segment's text (`heard … samples from … to …`) must be the report of a commit whose audio
    is the segment's to the last sample, padding aside; segments and gaps must follow one another
    without overlap from the first frame to the last; word times must be the session's.

    Args:
        client: Of a session that has ended; its audio holds no silent segment.
        simulator: With the scripted engine, and `record_audio`.
        spoken: All that the client sent, mono, at `rate` Hz.
        rate: Of `spoken`.
        tolerance: Steps of PCM16 by which a sample may differ, behind a seam.
        gaps: Stretches of frames that must be told of as gaps, and no others.
    """
    expected, timeline = offline(spoken, rate)
    told = [(event["from_sample"], event["to_sample"]) for event in client.of("audio_gap")]
    assert told == list(gaps)
    finals = client.of("committed_transcript")
    assert [final["segment"] for final in finals] == list(range(len(finals)))
    ends = sorted([final["end_sample"] for final in finals] + [end for _, end in gaps])
    assert [final["end_sample"] for final in finals] == [
        e for e in ends if e not in dict(told).values()
    ]
    starts = dict(zip(ends, [0, *ends], strict=False))
    for begin, end in gaps:
        assert starts[end] == begin
    for final in finals:
        frames = (starts[final["end_sample"]], final["end_sample"])
        begin, end = (timeline.position_at(frame) for frame in frames)
        check_segment(final["text"], simulator, expected[begin:end], tolerance)
    assert ends[-1] == len(spoken)
    timed = client.of("committed_transcript_with_timestamps")
    if timed:
        assert [event["segment"] for event in timed] == list(range(len(finals)))
        for event in timed:
            check_times(event, starts[event["end_sample"]] / rate, event["end_sample"] / rate)


def check_segment(text: str, simulator: Simulator, wanted: Int16, tolerance: int = 0) -> None:
    """One of the simulator's commits has this report and this audio, and then only padding."""
    for connection in simulator.connections:
        for commit in connection.commits:
            heard = connection.audio[commit.start : commit.end]
            report = f"heard {len(heard)} samples from {commit.start} to {commit.end}"
            audio, padding = heard[: len(wanted)], heard[len(wanted) :]
            is_same = len(audio) == len(wanted) and np.allclose(audio, wanted, 0, tolerance)
            if report == text and is_same and not padding.any():
                return
    raise AssertionError(f"no commit with these {len(wanted)} samples is reported as: {text}")


def check_times(event: Event, begin: float, end: float) -> None:
    """Word times, where there are any, rise within the segment and begin with it."""
    words = event["words"]
    if words is None:
        return
    times = [time for word in words for time in (word["start"], word["end"])]
    assert times == sorted(times)
    assert abs(times[0] - begin) < 0.005
    assert times[-1] < end + 0.005
