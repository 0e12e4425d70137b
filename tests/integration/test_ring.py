"""The Python client on a line that is gone for longer than its ring holds."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from relay.client import StreamClient
from relay.client.events import (
    AudioGap,
    CommittedTranscript,
    Event,
    Reconnecting,
    SessionEnded,
    SessionResumed,
    SessionStarted,
)
from relay.simulator.server import Simulator
from tests.support.exactness import check_exactness
from tests.support.proxy import Direction, Proxy
from tests.support.relay import Relay, until_received
from tests.support.signals import identifiable_noise

RATE: Final = 16_000
"""Hz, as the provider takes it: where audio is missing, no filter begins anew."""

LOST: Final = (round(3.2 * RATE), 5 * RATE)
"""Frames: from the last that the relay had to the first that the ring held when it came back."""


class Talk:
    """A client, what it says and what it hears."""

    def __init__(self, relay: Relay, port: int) -> None:
        self.spoken = identifiable_noise(6.5, RATE, seed=1)
        self.raw: list[dict[str, Any]] = []
        self.told: list[Event] = []
        self._news = asyncio.Condition()
        self.stream = StreamClient(
            f"http://127.0.0.1:{port}",
            sample_rate=RATE,
            options=[("commit_strategy", "manual"), ("include_timestamps", "true")],
            key=relay.key,
            ring_seconds=1.0,
            on_message=lambda text: self.raw.append(json.loads(text)),
        )

    def pieces(self, begin: float, end: float) -> Iterator[bytes]:
        """These seconds, 50 ms at a time."""
        first, last = round(begin * RATE), round(end * RATE)
        for piece in np.split(self.spoken[first:last], range(800, last - first, 800)):
            yield piece.astype("<f4").tobytes()

    async def say(self, begin: float, end: float) -> None:
        """Say these seconds, as fast as they go out."""
        for piece in self.pieces(begin, end):
            await self.stream.send_audio(piece)

    async def listen(self) -> None:
        async for event in self.stream:
            async with self._news:
                self.told.append(event)
                self._news.notify_all()

    async def event(self, kind: type[Event]) -> Event:
        """The first event of a kind, waited for."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: any(isinstance(one, kind) for one in self.told))
        return next(one for one in self.told if isinstance(one, kind))

    def of(self, message_type: str) -> list[dict[str, Any]]:
        """What the relay said, over all connections."""
        return [event for event in self.raw if event["message_type"] == message_type]


async def test_what_the_ring_did_not_hold_is_one_gap_and_nothing_else_is_missing(
    simulator: Simulator, relay: Relay
) -> None:
    async with Proxy(urlsplit(relay.url).port or 0) as proxy:
        talk = Talk(relay, proxy.port)
        async with talk.stream, asyncio.TaskGroup() as group:
            group.create_task(talk.listen())
            await talk.say(0, 2)
            await talk.stream.commit()
            await talk.event(CommittedTranscript)
            # The next final is on its way when the line breaks.
            proxy.hold(Direction.DOWN)
            await talk.say(2, 3)
            await talk.stream.commit()
            await talk.say(3, 3.2)
            await simulator.wait_for(lambda: len(simulator.connections[0].commits) == 2)
            started = await talk.event(SessionStarted)
            assert isinstance(started, SessionStarted)
            await until_received(relay, started.session_id, LOST[0] / RATE)
            proxy.refuse(60)
            proxy.cut()
            # Before the client dials: what it offers to the relay then, it keeps.
            await talk.event(Reconnecting)
            for piece in talk.pieces(3.2, 6):
                talk.stream.send_audio_nowait(piece)
            proxy.restore()
            await talk.event(SessionResumed)
            await talk.say(6, 6.5)
            await talk.stream.stop()

    (gap,) = talk.of("audio_gap")
    assert (gap["from_sample"], gap["to_sample"]) == LOST
    gaps = [event for event in talk.told if isinstance(event, AudioGap)]
    assert gaps == [AudioGap(*LOST, "client_buffer")]
    finals = [event for event in talk.told if isinstance(event, CommittedTranscript)]
    assert [final.text for final in finals] == [
        final["text"] for final in talk.of("committed_transcript")
    ]
    assert [final.end_sample / RATE for final in finals] == [2, 3, 5, 6.5]
    assert isinstance(talk.told[-1], SessionEnded)
    check_exactness(talk, simulator, talk.spoken, RATE, gaps=[LOST])
