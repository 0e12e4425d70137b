"""A worker that is killed frees what it held, is replaced, and leaves its usage behind."""

import time
from datetime import UTC, datetime

import pytest

from relay.store.database import Database
from relay.store.usage import Usage
from tests.multi.cluster import Cluster, running_cluster
from tests.support.postgres import PostgresServer
from tests.support.processes import is_alive
from tests.support.talk import admitted, caller, speak
from tests.support.waiting import until

FREE_WITHIN = 15.0
"""Seconds after a crash in which what the worker held is free."""

LOST_AT_MOST = 10_000
"""Milliseconds of usage that a crash may cost."""


async def received_ms(cluster: Cluster, account: str) -> int:
    async def look_up(database: Database) -> int:
        return await Usage(database).received_ms(account, datetime.now(UTC).date())

    return await cluster.in_database(look_up)


@pytest.mark.slow
async def test_what_a_killed_worker_held_is_free_again_and_another_takes_its_place() -> None:
    with (
        PostgresServer() as postgres,
        running_cluster(workers=2, database_url=postgres.create_database()) as cluster,
    ):
        (host,) = cluster.hosts
        account, key = await cluster.account(sessions=1, minutes_per_day=10)
        async with caller(cluster.url, key) as client:
            await speak(client, 13)
            (record,) = await cluster.has_records(1)
            killed = int(record.worker.rpartition(":")[2])
            before = host.workers()
            assert killed in before
            killed_at = time.monotonic()
            host.kill_worker(killed)
            assert await client.closed() == 1006

        async def is_admitted() -> bool:
            async with caller(cluster.url, key) as client:
                if not await admitted(client):
                    return False
                await client.stop()
                return True

        async def is_replaced() -> bool:
            return len(host.workers() - {killed}) == 2

        await until(is_admitted, "the place of the dead session", seconds=20, interval=0.2)
        await until(is_replaced, "a new worker", seconds=20)
        await until(cluster.holds_nothing, "its record to be gone", seconds=20)
        took = time.monotonic() - killed_at
        assert took <= FREE_WITHIN, took
        assert not is_alive(killed)
        assert 13_000 - LOST_AT_MOST <= await received_ms(cluster, account) <= 13_000
        async with cluster.operator() as http, http.get("/api/usage") as answer:
            rows = (await answer.json())["usage"]
            assert [row["account"] for row in rows] == [account]
