"""The provider's sessions: as many as its plan allows, for all workers together, in a fair queue.

The simulator refuses a socket beyond its own two, so a test in which it refuses none has shown that
there never were more.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.multi.cluster import Cluster, running_cluster
from tests.support.relay import Client
from tests.support.talk import RATE, caller, speak
from tests.support.waiting import until


@pytest.fixture(scope="module")
def plan() -> Iterator[Cluster]:
    """Two workers, and a provider with two places for both."""
    with running_cluster(
        workers=2, upstream_max_sessions=2, simulate=("--max-sessions=2",)
    ) as running:
        yield running


@pytest.fixture
async def cluster(plan: Cluster) -> AsyncIterator[Cluster]:
    """The same, whose provider has refused nobody in the end."""
    yield plan
    await until(plan.holds_nothing, "slots to be given back", seconds=15)
    assert not [each for each in await plan.simulator.connections() if each["errors"]]


@asynccontextmanager
async def speaking(cluster: Cluster, key: str, number: int) -> AsyncIterator[list[Client]]:
    """Sessions that have their place at the provider."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(number):
            client = await stack.enter_async_context(caller(cluster.url, key))
            await client.event("session_started")
            clients.append(client)
        await until(lambda: are_open(cluster, number), "sockets to the provider")
        yield clients


async def are_open(cluster: Cluster, number: int) -> bool:
    connections = await cluster.simulator.connections()
    return len([each for each in connections if each["is_open"]]) == number


async def test_who_waits_is_told_so_and_what_it_says_meanwhile_is_kept(cluster: Cluster) -> None:
    key = await cluster.key()
    async with speaking(cluster, key, 2) as (first, second):
        async with caller(cluster.url, key) as third:
            queued = await third.event("queued")
            assert queued["position"] == 1
            assert queued["estimated_wait_ms"] is None or queued["estimated_wait_ms"] >= 0
            await speak(third, 3, speed=None)
            await third.wait_for(
                lambda: any(
                    event["samples_received"] == 3 * RATE
                    for event in third.of("audio_acknowledged")
                )
            )
            assert not third.finals
            await first.stop()
            await third.stop()
            assert third.finals == [f"heard {3 * RATE} samples from 0 to {3 * RATE}"]
        await second.stop()


async def test_who_stops_while_it_waits_is_transcribed_all_the_same(cluster: Cluster) -> None:
    key = await cluster.key()
    async with speaking(cluster, key, 2) as (first, second):
        async with caller(cluster.url, key) as third:
            await third.event("queued")
            await speak(third, 2, speed=None)
            await third.say("stop")
            await second.stop()
            assert await third.closed() == 1000
            assert third.finals == [f"heard {2 * RATE} samples from 0 to {2 * RATE}"]
        await first.stop()


async def test_an_account_with_many_sessions_does_not_keep_others_out(cluster: Cluster) -> None:
    many, single = await cluster.key(), await cluster.key()
    served: list[str] = []

    async def wait(key: str, name: str) -> None:
        async with caller(cluster.url, key) as client:
            await client.event("queued")
            waiting[name].set()
            await speak(client, 0.5)
            await client.say("commit")
            await client.event("committed_transcript", seconds=30)
            served.append(name)
            await client.stop()

    names = ["many 1", "many 2", "many 3", "single"]
    waiting = {name: asyncio.Event() for name in names}
    async with asyncio.TaskGroup() as group, speaking(cluster, many, 2) as (first, second):
        for name in names:
            key = single if name == "single" else many
            group.create_task(wait(key, name))
            await waiting[name].wait()
        # One slot goes round from here on.
        await first.stop()
        async with asyncio.timeout(60):
            await until(lambda: is_served(served, 4), "all to be served", seconds=50)
        await second.stop()
    assert served.index("single") <= 1, served


async def is_served(served: list[str], number: int) -> bool:
    return len(served) == number


async def test_a_crowd_is_served_by_two_places(cluster: Cluster) -> None:
    keys = [await cluster.key() for _ in range(3)]
    before = await cluster.simulator.samples()

    async def come(turn: int) -> None:
        async with caller(cluster.url, keys[turn % 3]) as client:
            await speak(client, 1, speed=None)
            await client.say("stop")
            assert await client.closed(seconds=60) == 1000
            assert client.finals == [f"heard {RATE} samples from 0 to {RATE}"]

    async with asyncio.TaskGroup() as group:
        for turn in range(16):
            group.create_task(come(turn))
    assert await cluster.simulator.samples() - before == 16 * RATE


async def test_who_is_to_leave_does_not_wait_for_a_place(cluster: Cluster) -> None:
    key = await cluster.key()
    async with speaking(cluster, key, 2) as (first, second):
        async with caller(cluster.url, key) as third, cluster.operator() as http:
            started = await third.event("session_started")
            await third.event("queued")
            await cluster.has_records(3)
            async with http.delete(f"/api/sessions/{started['session_id']}") as answer:
                assert answer.status == 202
            assert await third.closed() == 1000
        await first.stop()
        await second.stop()


@pytest.mark.slow
async def test_the_slots_of_a_killed_worker_return(cluster: Cluster) -> None:
    key = await cluster.key()
    (host,) = cluster.hosts
    async with speaking(cluster, key, 2):
        # The kernel chooses the worker; sooner or later it is another one than the speakers'.
        for _ in range(50):
            async with caller(cluster.url, key) as third:
                await third.event("queued")
                records = await cluster.has_records(3)
                (waits_at,) = {each.worker for each in records if each.state == "queued"}
                if killed := {each.worker for each in records} - {waits_at}:
                    for worker in killed:
                        host.kill_worker(int(worker.rpartition(":")[2]))
                    await speak(third, 1, speed=None)
                    assert await third.stop()
                    return
            await cluster.has_records(2)
    pytest.fail("all sessions came to the same worker")
