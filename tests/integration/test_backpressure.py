"""Slow on either side: buffers stay within their bounds, and every sample still arrives."""

import asyncio
from contextlib import suppress

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from relay import bridge
from relay.audio.pcm import Float32
from relay.protocol.close_codes import CloseCode
from relay.simulator.behaviour import Behaviour
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.support.relay import Client, relay_to
from tests.support.settings import KEY

RATE = 16_000
LEDGER_SECONDS = 40


def seconds(count: float) -> Float32:
    return np.full(round(count * RATE), 0.25, np.float32)


async def test_a_provider_that_stalls_makes_the_relay_stop_reading(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.STALL, after_samples=0, for_ms=11_000))
    async with (
        relay_to(simulator.url, ledger_seconds=LEDGER_SECONDS, commit_timeout=30) as relay,
        Client(relay, sample_rate=RATE) as client,
    ):
        message = RATE // 2
        sending = asyncio.TaskGroup()
        async with sending:
            sending.create_task(client.send(seconds(60), frames_per_message=message))
            await client.wait_for(lambda: received(client) >= LEDGER_SECONDS * RATE)
            await asyncio.sleep(2)
            assert received(client) <= LEDGER_SECONDS * RATE + message
        await client.say("stop")
        assert await client.closed(seconds=40) == CloseCode.ENDED
    assert simulator.connections[0].samples == 60 * RATE
    assert client.of("committed_transcript")[-1]["end_sample"] == 60 * RATE


def received(client: Client) -> int:
    """What the relay has acknowledged so far."""
    acknowledged = client.of("audio_acknowledged")
    return int(acknowledged[-1]["samples_received"]) if acknowledged else 0


async def test_a_provider_that_reads_slowly_hears_everything(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.SLOW_READING, speed=2.0))
    async with (
        relay_to(simulator.url) as relay,
        Client(relay, sample_rate=RATE) as client,
    ):
        await client.send(seconds(12))
        ended = await client.stop()
    assert simulator.connections[0].samples == 12 * RATE
    assert ended["audio_ms"] == 12_000


async def test_audio_goes_up_at_four_times_real_time_at_most(simulator: Simulator) -> None:
    behaviour = Behaviour(max_lead=2.5 + 12 * 3 / 4)
    async with (
        Simulator(api_keys=(KEY,), behaviour=behaviour) as strict,
        relay_to(strict.url) as relay,
        Client(relay, sample_rate=RATE) as client,
    ):
        await client.send(seconds(12))
        await client.stop()
        assert strict.connections[0].samples == 12 * RATE


async def test_a_client_that_does_not_read_is_cut_off_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge, "FAREWELL_TIMEOUT", 0.2)
    long_text = "word " * 40_000
    async with (
        Simulator(engine=ScriptedEngine([long_text] * 200), api_keys=(KEY,)) as talkative,
        # More than the kernel takes of it: `net.ipv4.tcp_wmem` ends at 4 MiB.
        relay_to(talkative.url, outbox_bytes=8 * 1024 * 1024) as relay,
        Client(relay, sample_rate=RATE) as other,
        Client(relay, sample_rate=RATE, reads=False) as deaf,
    ):
        await other.send(seconds(1))
        with suppress(ConnectionClosed):
            for _ in range(120):
                await deaf.send(seconds(0.3))
                await deaf.say("commit")
        await talkative.wait_for(lambda: any(not c.is_open for c in talkative.connections), 40)
        await other.send(seconds(1))
        ended = await other.stop()
        await asyncio.sleep(0.5)
        deaf.read()
        # It takes nothing, not even its close frame, so its line is dropped.
        assert await deaf.closed() == CloseCode.BROKEN
    assert ended["audio_ms"] == 2000
    assert len(deaf.finals) < 120


async def test_a_client_that_reads_again_in_time_is_told_why_it_was_cut_off() -> None:
    async with (
        Simulator(engine=ScriptedEngine(["word " * 40_000] * 200), api_keys=(KEY,)) as talkative,
        relay_to(talkative.url, outbox_bytes=16 * 1024) as relay,
        Client(relay, sample_rate=RATE, reads=False) as deaf,
    ):
        with suppress(ConnectionClosed):
            for _ in range(120):
                await deaf.send(seconds(0.3))
                await deaf.say("commit")
        await talkative.wait_for(lambda: any(not c.is_open for c in talkative.connections), 40)
        deaf.read()
        assert await deaf.closed() == CloseCode.FAULT
    assert "slowly" in deaf.of("internal_error")[0]["error"]
    assert deaf.of("audio_gap")[0]["reason"] == "slow_reader"


async def test_a_client_that_reads_late_misses_no_final(simulator: Simulator) -> None:
    async with (
        relay_to(simulator.url) as relay,
        Client(relay, sample_rate=RATE, reads=False) as late,
    ):
        for _ in range(10):
            await late.send(seconds(0.5))
            await late.say("commit")
        await simulator.wait_for(
            lambda: bool(simulator.connections) and len(simulator.connections[0].commits) == 10
        )
        late.read()
        await late.stop()
    assert [event["segment"] for event in late.of("committed_transcript")] == list(range(10))
