"""Slow on either side: buffers stay within their bounds, and every sample still arrives."""

import asyncio
import json
import math
import socket
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from relay import server
from relay.audio.pcm import Float32
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import SUBPROTOCOL
from relay.simulator.behaviour import Behaviour
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.support.relay import Client, Relay, relay_to
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


async def test_a_client_that_does_not_read_is_cut_off_and_others_go_on() -> None:
    long_text = "word " * 40_000
    async with (
        Simulator(engine=ScriptedEngine([long_text] * 200), api_keys=(KEY,)) as talkative,
        # More than the kernel takes of it: `net.ipv4.tcp_wmem` ends at 4 MiB.
        relay_to(talkative.url, outbox_bytes=8 * 1024 * 1024, park_seconds=0.2) as relay,
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


async def test_a_client_that_was_cut_off_gets_all_when_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = server._bound

    def small(*args: Any, **options: Any) -> socket.socket:
        # Connections inherit it: the kernel keeps little of what a client doesn't read.
        listener = make(*args, **options)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return listener

    monkeypatch.setattr(server, "_bound", small)
    texts = [f"{number} " + "word " * 3_000 for number in range(50)]
    async with (
        Simulator(engine=ScriptedEngine(texts), api_keys=(KEY,)) as talkative,
        relay_to(talkative.url, outbox_bytes=16 * 1024) as relay,
    ):
        async with Client(relay, sample_rate=RATE, reads=False) as deaf:
            started = json.loads(await deaf.connection.recv())
            with suppress(ConnectionClosed):
                for _ in texts:
                    await deaf.send(seconds(0.3))
                    await deaf.say("commit")
            session = relay.services.sessions.find(started["session_id"])
            assert session is not None
            async with asyncio.timeout(20):
                while session.left_at == math.inf:  # noqa: ASYNC110  # it tells nobody
                    await asyncio.sleep(0.05)
        said, heard = await come_back_until_all_is_said(relay, started["resume_token"])
    assert said > 5
    assert heard[:said] == texts[:said]


async def come_back_until_all_is_said(relay: Relay, token: str) -> tuple[int, list[str]]:
    """Segments that had arrived, and the texts of all finals.

    With so little room on the way, the finals of a burst are too many once more; a client that has
    some of them comes back for the rest.
    """
    last_seq, heard = 0, dict[int, str]()
    async with asyncio.timeout(30):
        while True:
            async with Client(
                relay.url,
                subprotocols=(SUBPROTOCOL, f"resume.{token}"),
                sample_rate=RATE,
                last_seq=last_seq,
                from_sample=0,
            ) as back:
                with suppress(ConnectionClosed):
                    await back.say("stop")
                code = await back.closed()
            (resumed,) = back.of("session_resumed")
            last_seq = max(event["seq"] for event in back.events if event is not resumed)
            for event in back.of("committed_transcript"):
                assert event["segment"] not in heard
                heard[event["segment"]] = event["text"]
            if code == 1000:
                return resumed["next_sample"] // round(0.3 * RATE), list(heard.values())


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
