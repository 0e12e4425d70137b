"""Whether the segments that a client was told are, sample by sample, what it said."""

from collections.abc import Sequence
from typing import Protocol

from relay.audio.pcm import Float32
from relay.simulator.server import Simulator
from tests.chaos.judge import JUDGED, Evidence, Heard, Socket, judge
from tests.support.relay import Event


class Listener(Protocol):
    """What a client was told."""

    def of(self, message_type: str) -> list[Event]: ...


def check_exactness(
    client: Listener,
    simulator: Simulator,
    spoken: Float32,
    rate: int,
    *,
    gaps: Sequence[tuple[int, int]] = (),
    tolerance: int = 0,
) -> None:
    """Hold what the simulator committed, over all its sockets, against what was said.

    Args:
        client: Of a session that has ended; its audio holds no silent segment.
        simulator: With the scripted engine, and `record_audio`.
        spoken: All that the client sent, mono, at `rate` Hz.
        rate: Of `spoken`.
        gaps: Stretches of frames that must be told of as gaps, and no others.
        tolerance: Steps of PCM16 by which a sample may differ, behind a seam.
    """
    heard = [Heard(0.0, event) for kind in JUDGED for event in client.of(kind)]
    verdict = judge(Evidence(recorded(simulator), heard, spoken, rate), tolerance=tolerance)
    assert verdict.gaps == tuple(gaps)
    assert not verdict.defects.keys() - {"gaps"}, verdict


def recorded(simulator: Simulator) -> list[Socket]:
    """What the provider got over each connection that came to be a session."""
    return [
        Socket(connection.audio, [(commit.start, commit.end) for commit in connection.commits])
        for connection in simulator.connections
        if connection.payload is not None
    ]
