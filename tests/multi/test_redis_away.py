"""Redis is stopped, or hangs: live sessions notice nothing, and all is as before afterwards."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from relay.limits.slots import SETTLING
from relay.protocol.messages import SUBPROTOCOL
from tests.multi.cluster import Cluster, running_cluster
from tests.multi.outage import is_told_again, knows, readiness, speakers, ticket
from tests.support.redis import RedisServer
from tests.support.relay import Client
from tests.support.talk import FORMAT, RATE, admitted, caller, refusal, speak
from tests.support.waiting import until

pytestmark = pytest.mark.slow

AWAY = 8.0
"""Seconds without Redis; a lease lasts twelve."""

BACK_WITHIN = 6.0
"""Seconds after Redis's return in which it knows all of the live sessions again."""


@contextmanager
def away(redis: RedisServer, how: str) -> Iterator[None]:
    """Take Redis away; stopped, it loses all that it knew."""
    if how == "stopped":
        redis.stop()
        yield
        redis.start()
    else:
        redis.pause()
        yield
        redis.resume()


@pytest.mark.parametrize("how", ["stopped", "hanging"])
async def test_live_sessions_go_on_without_redis_and_are_known_to_it_when_it_returns(
    how: str,
) -> None:
    with running_cluster(workers=2, redis_down="admit", upstream_max_sessions=40) as cluster:
        account, key = await cluster.account(sessions=6, minutes_per_day=100)
        async with caller(cluster.url, key) as client:
            await speak(client, 20, speed=None)
            await client.stop()
        async with speakers(cluster, key, 4) as live, asyncio.timeout(100):
            await cluster.has_records(4)
            token = await ticket(cluster, key)
            with away(cluster.redis, how):
                begin = time.monotonic()
                assert "ok" not in (await readiness(cluster))["redis"]
                await refuses_tickets(cluster, token)
                await admits_by_its_own_count(cluster, key, live=4)
                await asyncio.sleep(begin + AWAY - time.monotonic())
            await until(lambda: knows(cluster, 4), "sessions to be known", seconds=BACK_WITHIN)
            await is_told_again(cluster, live.pop())
            assert (await readiness(cluster))["redis"] == "ok"
            sent = sum(speaker.sent for speaker in live) // (RATE // 1000)
            assert await cluster.spent_ms(account) >= 20_000 + sent - 4 * 5_000
            for speaker in live:
                await speaker.finish()
        await until(cluster.holds_nothing, "leases to be given back", seconds=15)


async def refuses_tickets(cluster: Cluster, token: str) -> None:
    offered = (SUBPROTOCOL, f"ticket.{token}")
    async with Client(cluster.url, subprotocols=offered, **FORMAT) as client:
        assert await client.closed() == 4503
        assert refusal(client)["retryable"]
        assert refusal(client)["retry_after_ms"] > 0


async def admits_by_its_own_count(cluster: Cluster, key: str, *, live: int) -> None:
    """Of an account with six places, each of two workers admits six at most."""
    all_answered = asyncio.Barrier(20)

    async def connect() -> bool:
        async with caller(cluster.url, key) as client:
            is_in = await admitted(client)
            await all_answered.wait()
            if is_in:
                await speak(client, 0.5)
                await client.stop()
            else:
                assert refusal(client)["message_type"] == "too_many_sessions"
            return is_in

    results = await asyncio.gather(*(connect() for _ in range(20)))
    assert 6 - live <= sum(results) <= 12 - live


async def test_nobody_new_is_admitted_without_redis_unless_the_operator_wants_it() -> None:
    with running_cluster(workers=2, kiosk_networks="lobby=127.0.0.0/8") as cluster:
        key = await cluster.key()
        async with speakers(cluster, key, 1) as (live,):
            with away(cluster.redis, "stopped"):
                for client in (caller(cluster.url, key), Client(cluster.url, **FORMAT)):
                    async with client:
                        assert await client.closed() == 4503
                        assert refusal(client)["retryable"]

            async def is_admitted() -> bool:
                async with caller(cluster.url, key) as client:
                    return await admitted(client)

            await until(is_admitted, "the next session", seconds=BACK_WITHIN, interval=0.2)
            await live.finish()


async def test_no_place_at_the_provider_is_given_away_while_redis_is_away() -> None:
    with running_cluster(
        workers=2, upstream_max_sessions=2, simulate=("--max-sessions=2",)
    ) as cluster:
        key = await cluster.key()
        async with speakers(cluster, key, 2) as live, caller(cluster.url, key) as third:
            await third.event("queued")
            await speak(third, 1, speed=None)
            with away(cluster.redis, "stopped"):
                await asyncio.sleep(3)
            # Longer than it takes until the workers count on Redis again.
            await asyncio.sleep(SETTLING + 2)
            assert not third.finals
            await live[0].finish()
            await third.stop()
            assert third.finals == [f"heard {RATE} samples from 0 to {RATE}"]
            await live[1].finish()
        assert not [each for each in await cluster.simulator.connections() if each["errors"]]
