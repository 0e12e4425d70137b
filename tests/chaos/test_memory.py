"""What a session costs while its client is there, and while it waits for it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np

from tests.support.processes import RelayProcess, SimulatorProcess
from tests.support.relay import Client
from tests.support.waiting import until

SESSIONS = 120
LIVE_BYTES = 300_000
"""Of each session with a second of audio behind it; as the design bounds it, with room for how
allocators round."""

PARKED_BYTES = LIVE_BYTES
"""Parked, it has the same but for its connection."""

RATE = 48_000
SECOND = np.random.default_rng(1).uniform(-0.3, 0.3, RATE).astype(np.float32)


def resident_bytes(pid: int) -> int:
    """What a process has in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the process has no memory")


async def speak(relay: RelayProcess, stack: AsyncExitStack, number: int) -> list[Client]:
    """Sessions that have said a second, and have its final."""
    clients = []
    for _ in range(number):
        client = await stack.enter_async_context(Client(relay.url, sample_rate=RATE))
        await client.send(SECOND)
        await client.say("commit")
        clients.append(client)
    for client in clients:
        await client.count("committed_transcript", 1, seconds=60)
    return clients


async def test_a_session_costs_little_memory_live_or_parked() -> None:
    with (
        SimulatorProcess() as simulator,
        RelayProcess(
            simulator.url,
            kiosk_networks="lobby=127.0.0.0/8",
            limit_kiosk_sessions=2 * SESSIONS,
            limit_kiosk_connects_per_minute=100_000,
            park_seconds=300,
        ) as relay,
    ):
        async with AsyncExitStack() as stack:
            # What is loaded and allocated with the first sessions is nobody's in particular.
            for client in await speak(relay, stack, SESSIONS // 4):
                await client.stop()
        before = resident_bytes(relay.pid)

        async def are_parked() -> bool:
            return relay.log.count("client left") >= SESSIONS

        async with AsyncExitStack() as stack:
            clients = await speak(relay, stack, SESSIONS)
            live = (resident_bytes(relay.pid) - before) / SESSIONS
            for client in clients:
                client.connection.transport.abort()
            await until(are_parked, "all to be parked")
            await asyncio.sleep(1)
            parked = (resident_bytes(relay.pid) - before) / SESSIONS
        print(f"{live / 1000:.0f} kB live, {parked / 1000:.0f} kB parked")  # noqa: T201
        assert live < LIVE_BYTES
        assert parked < PARKED_BYTES
        relay.terminate()
        assert await asyncio.to_thread(relay.wait) in (0, -15)
