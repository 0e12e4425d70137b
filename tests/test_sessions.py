"""What a worker does for its live sessions, on real sockets; only the calendar is a test's own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date, timedelta

import pytest

from relay.limits.limiter import LEASE, SESSIONS
from relay.registry.sessions import LIVE
from relay.sessions import LiveSessions
from relay.simulator.server import Simulator
from relay.store.usage import DayUsage
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY
from tests.support.talk import FORMAT, RATE, admitted, refusal, speak
from tests.support.waiting import until

TODAY = date(2026, 11, 24)
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(api_keys=(KEY,)) as running:
        yield running


@pytest.fixture
async def relay(simulator: Simulator) -> AsyncIterator[Relay]:
    async with relay_to(simulator.url) as running:
        yield running


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def sessions_of(relay: Relay) -> LiveSessions:
    return relay.services.sessions


async def used(relay: Relay) -> Sequence[DayUsage]:
    return await relay.services.usage.per_day(date(2026, 1, 1), date(2100, 1, 1))


async def heard(client: Client, seconds: float) -> None:
    """Wait until so much audio is acknowledged in all."""
    await client.wait_for(
        lambda: any(
            event["samples_received"] == seconds * RATE for event in client.of("audio_acknowledged")
        )
    )


async def test_usage_over_midnight_belongs_to_both_days(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = sessions_of(relay)
    monkeypatch.setattr(sessions, "_today", lambda: TODAY)
    async with Client(relay, **FORMAT) as client:
        await speak(client, 2, speed=None)
        await heard(client, 2)
        await sessions.write_usage()
        await speak(client, 1, speed=None)
        await heard(client, 3)
        # What came since the last writing before midnight counts for the day that has ended.
        monkeypatch.setattr(sessions, "_today", lambda: TOMORROW)
        await sessions.write_usage()
        await speak(client, 0.5, speed=None)
        await client.stop()

    async def is_written() -> bool:
        return sum([row.received_ms for row in await used(relay)]) == 3_500

    await until(is_written, "the usage of both days")
    first, second = await used(relay)
    assert (first.day, first.received_ms, first.sessions) == (TODAY, 3_000, 1)
    assert (second.day, second.received_ms, second.sessions) == (TOMORROW, 500, 1)
    assert first.sent_ms + second.sent_ms == 3_500


async def test_usage_is_kept_while_the_database_is_away(
    simulator: Simulator, postgres: PostgresServer
) -> None:
    async with relay_to(simulator.url, database_url=postgres.create_database()) as relay:
        sessions = sessions_of(relay)
        async with Client(relay, **FORMAT) as client, Client(relay, **FORMAT) as other:
            await speak(client, 1, speed=None)
            await speak(other, 2, speed=None)
            await heard(other, 2)
            await asyncio.to_thread(postgres.stop)
            try:
                await client.stop()
                await sessions.write_usage()
            finally:
                await asyncio.to_thread(postgres.start)
            await sessions.write_usage()
            (row,) = await used(relay)
            assert (row.sessions, row.received_ms) == (2, 3_000)
            await other.stop()


async def test_without_ledger_and_redis_sessions_go_on_without_limits(
    simulator: Simulator, postgres: PostgresServer
) -> None:
    url = postgres.create_database()
    async with relay_to(simulator.url, database_url=url, limit_key_minutes_per_day=10) as relay:
        async with Client(relay, **FORMAT) as client:
            await client.event("session_started")
            await asyncio.to_thread(postgres.stop)
            try:
                async with relay.services.state.asking() as redis:
                    await redis.flushdb()
                await sessions_of(relay).renew()
                # More than was reserved at the admission.
                await speak(client, 35, speed=None)
                await client.stop()
            finally:
                await asyncio.to_thread(postgres.start)
        assert simulator.connections[0].samples == 35 * RATE


async def test_who_is_no_longer_known_is_expelled(relay: Relay) -> None:
    async with Client(relay, **FORMAT) as client:
        await speak(client, 1, speed=None)
        await heard(client, 1)
        assert await relay.services.api_keys.revoke("test")
        assert await client.closed(seconds=5) == 4401
        assert refusal(client)["message_type"] == "unauthorized"
        assert client.of("committed_transcript")[-1]["end_sample"] == RATE


async def test_an_ending_that_the_control_channel_lost_comes_with_the_next_renewal(
    relay: Relay,
) -> None:
    async with Client(relay, **FORMAT) as client:
        started = await client.event("session_started")
        await speak(client, 1, speed=None)
        await relay.services.registry.ask_to_end(started["session_id"], "ended_by_operator")
        await sessions_of(relay).renew()
        assert await client.closed() == 1000
        assert client.of("committed_transcript")[-1]["end_sample"] == RATE


async def test_a_crowd_gets_no_more_places_than_the_worker_has(simulator: Simulator) -> None:
    with RedisServer() as server:
        await admits_three(simulator, server)


async def admits_three(simulator: Simulator, server: RedisServer) -> None:
    async with relay_to(simulator.url, max_sessions=3, redis_url=server.url) as relay:
        all_answered = asyncio.Barrier(12)

        refused = 0

        async def connect() -> bool:
            nonlocal refused
            async with Client(relay, **FORMAT) as client:
                is_in = await admitted(client)
                refused += not is_in
                await all_answered.wait()
                if not is_in:
                    assert refusal(client)["message_type"] == "too_many_sessions"
                return is_in

        async def have_all_come() -> bool:
            return sessions_of(relay)._arriving + refused == 12

        async with asyncio.TaskGroup() as group:
            server.pause()
            tasks = [group.create_task(connect()) for _ in range(12)]
            await until(have_all_come, "all to ask", seconds=0.8)
            server.resume()
        assert sum(task.result() for task in tasks) == 3


async def is_empty(relay: Relay) -> bool:
    return len(sessions_of(relay)) == 0


async def test_a_renewal_on_its_way_does_not_bring_an_ended_session_back(
    simulator: Simulator,
) -> None:
    with RedisServer() as server:
        async with relay_to(simulator.url, redis_url=server.url) as relay:
            async with Client(relay, **FORMAT) as client:
                # So that Redis knows all scripts and there are connections enough: from now on
                # everything that is asked is sent at once.
                await client.event("session_started")
                await sessions_of(relay).renew()
                await client.stop()
            await until(lambda: is_empty(relay), "the session to end")
            await asyncio.gather(*(relay.services.state.ping() for _ in range(4)))
            async with Client(relay, **FORMAT) as client, asyncio.TaskGroup() as group:
                await client.event("session_started")
                server.pause()
                renewal = group.create_task(sessions_of(relay).renew())
                await asyncio.sleep(0)
                await client.stop()
                await until(lambda: is_empty(relay), "the session to end", seconds=0.5)
                server.resume()
                await renewal

            async def is_forgotten() -> bool:
                async with relay.services.state.asking() as redis:
                    leases = [name async for name in redis.scan_iter(f"{SESSIONS}*")]
                    return not leases and await redis.zcard(LIVE) == 0

            # By itself a lease would end later.
            await until(is_forgotten, "the session to be forgotten", seconds=LEASE / 2)
