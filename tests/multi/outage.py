"""Sessions that are watched while something they stand on is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from relay.limits.slots import SLOTS
from tests.multi.cluster import Cluster
from tests.support.relay import Client
from tests.support.talk import MESSAGE, PIECE, RATE, caller
from tests.support.waiting import until

LAG = 2.5
"""Seconds by which acknowledgements may be behind; they come once a second."""


class Speaker:
    """A session that speaks all the time."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sent = 0
        self.lag = 0.0
        """Most seconds by which the relay was behind."""
        self._is_to_end = asyncio.Event()
        self._has_ended = asyncio.Event()

    async def run(self) -> None:
        """Speak until `end`."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        while not self._is_to_end.is_set():
            await asyncio.sleep(begin + self.sent / RATE - clock())
            await self.client.connection.send(MESSAGE)
            self.sent += round(PIECE * RATE)
            acknowledged = [e["samples_received"] for e in self.client.of("audio_acknowledged")]
            self.lag = max(self.lag, (self.sent - max(acknowledged, default=0)) / RATE)
        self._has_ended.set()

    async def end(self) -> None:
        """Say no more."""
        self._is_to_end.set()
        await self._has_ended.wait()

    async def finish(self) -> None:
        """Stop in order, and check that nothing was lost and nothing was late."""
        await self.end()
        ended = await self.client.stop()
        assert ended["audio_ms"] * RATE == self.sent * 1000
        assert self.client.of("committed_transcript")[-1]["end_sample"] == self.sent
        assert not [event for event in self.client.events if "retryable" in event]
        assert not self.client.of("audio_gap")
        assert self.lag <= LAG


@asynccontextmanager
async def speakers(cluster: Cluster, key: str, number: int) -> AsyncIterator[list[Speaker]]:
    """Sessions that speak at the pace of speech until they are finished."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        found = []
        for turn in range(number):
            client = await stack.enter_async_context(caller(cluster.url_of(turn), key))
            await client.event("session_started")
            speaker = Speaker(client)
            group.create_task(speaker.run())
            found.append(speaker)
        yield found


async def ticket(cluster: Cluster, key: str) -> str:
    """Get a ticket as a server does for one of its users."""
    async with (
        aiohttp.ClientSession(cluster.url, headers={"xi-api-key": key}) as http,
        http.post("/v1/single-use-token/realtime_scribe") as answer,
    ):
        assert answer.status == 200, await answer.text()
        token: str = (await answer.json())["token"]
        return token


async def readiness(cluster: Cluster) -> dict[str, str]:
    """What `/readyz` says of each thing that the relay stands on."""
    async with (
        aiohttp.ClientSession(cluster.url) as http,
        http.get("/readyz") as answer,
    ):
        body = await answer.json()
        assert body["ready"] is (answer.status == 200)
        checks: dict[str, str] = body["checks"]
        return checks


async def knows(cluster: Cluster, number: int) -> bool:
    """Whether Redis knows of so many sessions, and that all of them hold slots."""
    async with cluster.state() as state, state.asking() as redis:
        slots = await redis.zcard(SLOTS)
    leases, records = await cluster.leases(), await cluster.records()
    # One that hung does later what it was asked then: leases of sessions that are gone by now,
    # which end by themselves.
    return slots == len(records) == number <= leases


async def is_told_again(cluster: Cluster, speaker: Speaker) -> None:
    """A worker hears again what others tell it."""
    await speaker.end()
    session_id = speaker.client.of("session_started")[0]["session_id"]
    async with cluster.operator() as http:

        async def is_ended() -> bool:
            # A worker listens again within a second or so, and what it misses is not kept.
            async with http.delete(f"/api/sessions/{session_id}") as answer:
                assert answer.status in (202, 404)
            return speaker.client.close_code is not None

        await until(is_ended, "the session to end", seconds=5, interval=0.5)
    assert speaker.client.close_code == 1000
    assert speaker.client.events[-1]["reason"] == "ended_by_operator"
