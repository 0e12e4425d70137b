"""A session that says nothing for long gives its place at the provider back, and takes it again."""

import asyncio
from typing import Any

import numpy as np

from relay.audio.pcm import Int16
from relay.simulator.server import Simulator
from tests.support.exactness import check_exactness
from tests.support.relay import Client, relay_to
from tests.support.speech import flite
from tests.support.talk import RATE
from tests.support.waiting import until

PIECE = RATE // 10
VAD: dict[str, Any] = {
    "sample_rate": RATE,
    "encoding": "pcm_s16le",
    "commit_strategy": "vad",
    "vad_silence_threshold_secs": 0.5,
    "include_timestamps": "true",
}
MANUAL: dict[str, Any] = {"sample_rate": RATE, "include_timestamps": "true"}


class Speaker:
    """Says things to a client's connection, and keeps all that was said."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.said: list[Int16] = []

    @property
    def samples(self) -> int:
        return sum(map(len, self.said))

    async def say(self, samples: Int16, *, speed: float = 4.0) -> None:
        for start in range(0, len(samples), PIECE):
            piece = samples[start : start + PIECE]
            await self.client.connection.send(piece.astype("<i2").tobytes())
            self.said.append(piece)
            await asyncio.sleep(len(piece) / RATE / speed)

    async def hush_until_closed(self, simulator: Simulator) -> None:
        """Send silence until the relay has no socket at the provider."""
        for _ in range(600):
            await self.say(np.zeros(PIECE, np.int16))
            if not any(connection.is_open for connection in simulator.connections):
                return
        raise AssertionError("the socket stays open")


async def all_closed(simulator: Simulator) -> None:
    async def are_closed() -> bool:
        return not any(connection.is_open for connection in simulator.connections)

    await until(are_closed, "the socket's end", seconds=20)


async def test_silence_that_nobody_needs_is_not_sent_and_what_follows_is(
    simulator: Simulator,
) -> None:
    sentence, _ = flite("the train to the city leaves at nine in the morning")
    async with (
        relay_to(simulator.url, quiet_seconds=3.0, upstream_max_sessions=1) as relay,
        Client(relay, **VAD) as client,
    ):
        speaker = Speaker(client)
        await speaker.say(sentence)
        await speaker.hush_until_closed(simulator)
        # The place is free for somebody else meanwhile.
        async with Client(relay, **VAD) as other:
            await Speaker(other).say(sentence)
            await other.stop()
            assert other.of("queued") == []
        await speaker.say(np.zeros(5 * RATE, np.int16))
        begin = speaker.samples
        await client.wait_for(
            lambda: client.of("audio_acknowledged")[-1]["samples_covered"] > begin - 2 * RATE
        )
        await speaker.say(sentence)
        await client.stop()
    assert client.of("upstream_reconnecting") == client.of("audio_gap") == []
    first, _, second = simulator.connections
    assert len(first.audio) + len(second.audio) < speaker.samples - 4 * RATE
    # The second socket heard what was said from a second before the words on.
    said = np.concatenate(speaker.said)
    skipped = [
        start
        for start in range(begin - 2 * RATE, begin)
        if np.array_equal(second.audio[: 2 * RATE], said[start : start + 2 * RATE])
    ]
    assert len(skipped) == 1
    assert begin - 1.2 * RATE <= skipped[0] <= begin - 0.5 * RATE
    covers = [event["end_sample"] for event in client.of("committed_transcript")]
    assert covers == sorted(set(covers))
    words = client.of("committed_transcript_with_timestamps")[-1]["words"]
    assert skipped[0] / RATE - 0.01 <= words[0]["start"]
    assert words[-1]["end"] <= speaker.samples / RATE + 0.01


async def test_stop_in_the_quiet_needs_no_socket(simulator: Simulator) -> None:
    async with (
        relay_to(simulator.url, quiet_seconds=1.0) as relay,
        Client(relay, **VAD) as client,
    ):
        speaker = Speaker(client)
        await speaker.hush_until_closed(simulator)
        await speaker.say(np.zeros(RATE, np.int16))
        await client.stop()
    assert len(simulator.connections) == 1
    assert client.of("audio_gap") == []


async def test_a_client_that_sends_nothing_keeps_no_socket_and_loses_nothing(
    simulator: Simulator,
) -> None:
    random = np.random.default_rng(1)
    spoken = random.uniform(-0.5, 0.5, 3 * RATE).astype(np.float32)
    async with (
        relay_to(simulator.url, quiet_seconds=1.0, upstream_max_sessions=1) as relay,
        Client(relay, **MANUAL) as client,
    ):
        await client.send(spoken[:RATE])
        # What was said and not committed gets its final before the socket goes.
        final = await client.event("committed_transcript")
        assert final["cause"] == "relay"
        await all_closed(simulator)
        await client.send(spoken[RATE : 2 * RATE])
        await client.say("mute")
        await client.count("committed_transcript", 2)
        await all_closed(simulator)
        await client.send(spoken[2 * RATE :])
        await client.stop()
    check_exactness(client, simulator, spoken, RATE)
    assert len(simulator.connections) == 3
    assert client.of("upstream_reconnecting") == client.of("upstream_restored") == []


async def test_a_quiet_session_may_keep_its_socket(simulator: Simulator) -> None:
    async with relay_to(simulator.url, quiet_seconds=0) as relay, Client(relay, **VAD) as client:
        await Speaker(client).say(np.zeros(20 * RATE, np.int16), speed=10)
        assert simulator.connections[0].is_open
        await client.stop()
    assert len(simulator.connections) == 1
