"""Redis with Sentinel: the master dies under live sessions, and its replica takes over."""

import asyncio

import pytest

from relay.errors import StateUnavailable
from relay.limits.slots import SLOTS
from relay.state import SharedState
from tests.multi.cluster import Cluster, running_cluster
from tests.multi.outage import is_told_again, knows, speakers
from tests.support.redis import RedisServer
from tests.support.talk import admitted, caller
from tests.support.waiting import until

pytestmark = pytest.mark.slow


async def is_copied(replica: RedisServer, number: int) -> bool:
    state = SharedState.connect(replica.url)
    try:
        async with state.asking() as redis:
            copied: int = await redis.zcard(SLOTS)
            return copied == number
    finally:
        await state.aclose()


async def is_there_and_knows(cluster: Cluster, number: int) -> bool:
    try:
        return await knows(cluster, number)
    except StateUnavailable:
        return False


async def test_live_sessions_go_on_when_the_master_dies() -> None:
    with (
        RedisServer("--repl-diskless-sync-delay", "0") as master,
        RedisServer("--replicaof", "127.0.0.1", str(master.port)) as replica,
        RedisServer(
            f"sentinel monitor relay 127.0.0.1 {master.port} 1",
            "sentinel down-after-milliseconds relay 500",
            "sentinel failover-timeout relay 2000",
            sentinel=True,
        ) as sentinel,
        running_cluster(
            workers=2,
            redis=master,
            redis_url=f"redis+sentinel://127.0.0.1:{sentinel.port}/relay",
            upstream_max_sessions=40,
        ) as cluster,
    ):
        key = await cluster.key(sessions=3)
        async with speakers(cluster, key, 3) as live, asyncio.timeout(60):
            await until(lambda: knows(cluster, 3), "sessions to be known")
            await until(lambda: is_copied(replica, 3), "the replica to have them")
            master.stop()
            await until(lambda: is_there_and_knows(cluster, 3), "fail-over", seconds=20)
            async with caller(cluster.url, key) as client:
                assert not await admitted(client)
            await is_told_again(cluster, live.pop())
            for speaker in live:
                await speaker.finish()
        await until(cluster.holds_nothing, "leases to be given back", seconds=15)
