"""Two hundred sessions at once in one relay process, with every sample accounted for."""

import asyncio
import json

import aiohttp
import numpy as np
import pytest

from tests.support.ports import free_port
from tests.support.relay import Client
from tests.support.settings import KEY
from tests.support.spawned import answers, command, relay_key

SESSIONS = 200
SECONDS = 5
RATE = 48_000
MESSAGE = RATE // 10


async def speak(url: str, key: str, number: int, everybody: asyncio.Barrier) -> Client:
    """One session at the pace of speech, begun when all have connected."""
    frames = SECONDS * RATE + number  # no two sessions are the same
    samples = np.full(frames, 0.25, np.float32)
    async with Client(url, headers={"xi-api-key": key}, sample_rate=RATE) as client:
        await everybody.wait()
        begin = asyncio.get_running_loop().time() + (number % 10) / 100
        for index in range(0, frames, MESSAGE):
            await asyncio.sleep(begin + index / RATE - asyncio.get_running_loop().time())
            await client.connection.send(samples[index : index + MESSAGE].tobytes())
        await client.say("stop")
        assert await client.closed(seconds=60) == 1000
    assert client.of("committed_transcript")[-1]["end_sample"] == frames
    return client


@pytest.mark.slow
async def test_two_hundred_sessions_in_one_process() -> None:
    upstream, port = free_port(), free_port()
    environment = {
        "ELEVENLABS_API_KEY": KEY,
        "RELAY_UPSTREAM_URL": f"ws://127.0.0.1:{upstream}",
        "RELAY_LOG_LEVEL": "warning",
        "RELAY_HANDSHAKES_PER_MINUTE": "1000",
        "RELAY_LIMIT_KEY_CONNECTS_PER_MINUTE": "1000",
    }
    async with (
        command("simulate", "--engine", "scripted", "--port", str(upstream)),
        command("serve", "--port", str(port), environment=environment) as relay,
    ):
        await answers(f"http://127.0.0.1:{upstream}/simulator/connections")
        await answers(f"http://127.0.0.1:{port}/healthz")
        key = await relay_key(relay.folder)
        everybody = asyncio.Barrier(SESSIONS)
        async with asyncio.TaskGroup() as group:
            for number in range(SESSIONS):
                group.create_task(speak(f"http://127.0.0.1:{port}", key, number, everybody))
        heard = await connections(upstream)
    samples = sorted(connection["samples"] for connection in heard)
    expected = sorted(round((SECONDS * RATE + number) / 3) for number in range(SESSIONS))
    assert len(samples) == SESSIONS
    assert samples == expected


async def connections(port: int) -> list[dict[str, int]]:
    """What the simulator says it received."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/simulator/connections") as answer,
    ):
        listed: list[dict[str, int]] = json.loads(await answer.text())
        return listed
