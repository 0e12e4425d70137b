"""Connects, minutes and time: what an account may use, whichever worker serves it."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from relay.store.database import Database
from relay.store.usage import DayUsage, Usage
from tests.multi.cluster import Cluster, running_cluster
from tests.support.relay import Client
from tests.support.talk import RATE, admitted, caller, refusal, speak, speak_on
from tests.support.waiting import until

DAY = timedelta(days=1)

TEST_TIMEOUT = 90.0
"""Seconds that no test here takes."""


async def use_up(url: str, key: str) -> Client:
    """Speak as fast as it is taken until the relay ends the session."""
    async with caller(url, key) as client:
        await speak_on(client)
        await client.closed(seconds=60)
        return client


async def used(cluster: Cluster, account: str) -> DayUsage:
    """What the ledger says of an account today."""

    async def look_up(database: Database) -> Sequence[DayUsage]:
        today = datetime.now(UTC).date()
        return await Usage(database).per_day(today, today, account)

    (row,) = await cluster.in_database(look_up)
    return row


def assert_ended_in_order(client: Client, why: str) -> None:
    """All audio that was taken has its final, then comes the reason, and nothing after it."""
    *_, last = client.events
    assert last["message_type"] == why
    assert client.close_code == 4429
    assert not client.of("audio_gap")
    assert refusal(client) == last


def covered_ms(client: Client) -> int:
    """How much audio has its final."""
    end_sample: int = client.of("committed_transcript")[-1]["end_sample"]
    return end_sample * 1000 // RATE


def seconds_to_midnight() -> float:
    now = datetime.now(UTC)
    return (now.replace(hour=0, minute=0, second=0, microsecond=0) + DAY - now).total_seconds()


@pytest.fixture(autouse=True)
async def one_day() -> None:
    """What these tests count begins anew at midnight: shortly before it, they wait."""
    if (left := seconds_to_midnight()) < TEST_TIMEOUT:
        await asyncio.sleep(left)


async def test_no_more_audio_is_taken_in_a_day_than_the_account_has(cluster: Cluster) -> None:
    account, key = await cluster.account(minutes_per_day=2.5)
    before = await cluster.simulator.samples()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        tasks = [group.create_task(use_up(cluster.url_of(turn), key)) for turn in range(4)]
    for task in tasks:
        client = task.result()
        assert_ended_in_order(client, "quota_exceeded")
        warnings = [event["code"] for event in client.of("warning")]
        assert warnings.count("minutes_low") == 1
    await until(cluster.holds_nothing, "leases to be given back")
    covered = sum(covered_ms(task.result()) for task in tasks)

    async def is_written() -> bool:
        return (await used(cluster, account)).received_ms == covered

    # The ledger is written after the leases are given back.
    await until(is_written, f"{covered} ms in the ledger")
    row = await used(cluster, account)
    # A message is taken as a whole or not at all.
    assert 150_000 - 4 * 100 <= row.received_ms <= 150_000
    heard = await cluster.simulator.samples() - before
    assert heard == (row.received_ms + row.silence_ms) * RATE // 1000
    assert await cluster.spent_ms(account) == row.received_ms

    async with caller(cluster.url_of(1), key) as client:
        assert not await admitted(client)
        error = refusal(client)
        assert error["message_type"] == "quota_exceeded"
        assert abs(error["retry_after_ms"] / 1000 - seconds_to_midnight()) < 5
        assert await client.closed() == 4429


async def test_what_a_session_has_reserved_and_not_taken_is_given_back(cluster: Cluster) -> None:
    account, key = await cluster.account(minutes_per_day=1)
    for turn in range(2):
        async with caller(cluster.url_of(turn), key) as client:
            started = await client.event("session_started")
            assert started["limits"]["minutes_left"] == (1.0, 0.94)[turn]
            await speak(client, 3, speed=None)
            assert await cluster.spent_ms(account) >= 30_000
            await client.stop()
        await until(cluster.holds_nothing, "leases to be given back")
    # Each `stop` counts as 0.3 s, since it may cost that much silence at the provider.
    assert await cluster.spent_ms(account) == 2 * 3_300


@pytest.mark.slow
async def test_everybody_together_has_a_budget() -> None:
    with running_cluster(workers=2, budget_minutes_per_day=1.25) as cluster:
        accounts = [await cluster.account() for _ in range(2)]
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            tasks = [group.create_task(use_up(cluster.url, key)) for _, key in accounts]
        for task in tasks:
            assert_ended_in_order(task.result(), "quota_exceeded")
        rows = [await used(cluster, account) for account, _ in accounts]
        received = sum(row.received_ms for row in rows)
        assert sum(covered_ms(task.result()) for task in tasks) == received
        assert 75_000 - 2 * 100 <= received <= 75_000
        silence = sum(row.silence_ms for row in rows)
        assert await cluster.simulator.samples() == (received + silence) * RATE // 1000
        async with caller(cluster.url, await cluster.key()) as client:
            assert not await admitted(client)
            error = refusal(client)
            assert error["message_type"] == "quota_exceeded"
            assert "this relay" in error["error"]
            assert abs(error["retry_after_ms"] / 1000 - seconds_to_midnight()) < 5


async def test_a_session_is_warned_and_ends_in_order_when_it_has_lasted_long_enough(
    cluster: Cluster,
) -> None:
    key = await cluster.key(session_minutes=0.05)
    async with caller(cluster.url, key) as client:
        begin = time.monotonic()
        started = await client.event("session_started")
        assert started["limits"]["max_session_seconds"] == 3
        await speak_on(client, speed=1.0)
        await client.closed()
    assert 2.9 <= time.monotonic() - begin <= 5
    assert [event["code"] for event in client.of("warning")].count("session_ends") == 1
    assert_ended_in_order(client, "session_time_limit_exceeded")
    assert covered_ms(client) >= 2_500


async def test_connects_are_counted_for_all_workers_together(cluster: Cluster) -> None:
    key = await cluster.key(connects_per_minute=10)
    begin = time.monotonic()

    async def connect(turn: int) -> bool:
        async with caller(cluster.url_of(turn), key) as client:
            if await admitted(client):
                await client.stop()
                return True
            error = refusal(client)
            assert error["message_type"] == "rate_limited"
            assert 0 < error["retry_after_ms"] <= 6_000
            assert await client.closed() == 4429
            return False

    results = await asyncio.gather(*(connect(turn) for turn in range(40)))
    assert 10 <= sum(results) <= 10 + (time.monotonic() - begin) / 6
