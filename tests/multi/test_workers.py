"""Several workers and hosts act as one: sessions are spread, and limits are shared."""

import asyncio
from collections import Counter

from tests.multi.cluster import Cluster, running_cluster
from tests.support.processes import RelayProcess, is_alive
from tests.support.talk import admitted, caller, refusal, speak
from tests.support.waiting import until, wait_until

CROWD = 60

TURNS = 3
"""Sessions of each client that comes and goes."""


async def rush(cluster: Cluster, key: str, number: int) -> list[bool]:
    """Let so many connect at once, and stay until all have their answer.

    Returns:
        Of each, whether it was a session.
    """
    all_answered = asyncio.Barrier(number)
    results: list[bool] = []

    async def connect(turn: int) -> None:
        async with caller(cluster.url_of(turn), key) as client:
            is_in = await admitted(client)
            results.append(is_in)
            await all_answered.wait()
            if is_in:
                await client.stop()
            else:
                assert refusal(client)["message_type"] == "too_many_sessions"
                assert await client.closed() == 4429

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for turn in range(number):
            group.create_task(connect(turn))
    return results


async def test_of_a_crowd_exactly_as_many_are_admitted_as_the_account_may_have(
    cluster: Cluster,
) -> None:
    key = await cluster.key(sessions=7)
    for _ in range(2):
        assert sum(await rush(cluster, key, CROWD)) == 7
        await until(cluster.holds_nothing, "leases to be given back")


async def test_there_are_never_more_sessions_than_allowed_while_they_come_and_go(
    cluster: Cluster,
) -> None:
    key = await cluster.key(sessions=7)
    live = most = served = 0

    async def come_and_go(turn: int) -> None:
        nonlocal live, most, served

        async def is_served() -> bool:
            nonlocal live, most
            async with caller(cluster.url_of(turn), key) as client:
                if not await admitted(client):
                    return False
                live += 1
                most = max(most, live)
                await speak(client, 0.3)
                live -= 1
                await client.stop()
                return True

        for _ in range(TURNS):
            await until(is_served, "a place", seconds=30, interval=0.1)
            served += 1

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for turn in range(20):
            group.create_task(come_and_go(turn))
    assert most == 7
    assert served == 20 * TURNS
    await until(cluster.holds_nothing, "leases to be given back")


async def test_the_sessions_of_a_host_are_spread_over_its_workers(cluster: Cluster) -> None:
    key = await cluster.key()
    async with asyncio.TaskGroup() as group:
        leave = asyncio.Event()

        async def stay(turn: int) -> None:
            async with caller(cluster.url_of(turn), key) as client:
                await client.event("session_started")
                await leave.wait()
                await client.stop()

        for turn in range(80):
            group.create_task(stay(turn))
        workers = Counter(record.worker for record in await cluster.has_records(80))
        leave.set()
    assert len(workers) == 4
    assert min(workers.values()) >= 5, workers


def test_several_workers_without_redis_are_refused() -> None:
    relay = RelayProcess("ws://127.0.0.1:1", workers=2)
    relay.launch()
    assert relay.wait() == 3
    assert "more than one worker needs RELAY_REDIS_URL" in relay.log
    relay.clear_away()


def test_a_port_is_not_shared_with_another_relay(cluster: Cluster) -> None:
    taken = cluster.hosts[0].port
    relay = RelayProcess(
        "ws://127.0.0.1:1", workers=2, port=taken, redis_url="redis://127.0.0.1:1/0"
    )
    relay.launch()
    assert relay.wait() == 1
    assert f"Port {taken} on 127.0.0.1 is taken" in relay.log
    relay.clear_away()


def test_sigterm_ends_all_workers() -> None:
    with running_cluster(workers=4) as cluster:
        (host,) = cluster.hosts
        processes = {host.pid, *host.children()}
        assert len(host.workers()) == 4
        host.terminate()
        assert host.wait() == 0
        wait_until(
            lambda: not any(is_alive(pid) for pid in processes - {host.pid}), "workers to be gone"
        )
