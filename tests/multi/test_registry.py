"""Operators see and end the sessions of all workers, and read what was used."""

import asyncio
import csv
import io
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import aiohttp

from tests.multi.cluster import Cluster
from tests.support.talk import RATE, caller, speak
from tests.support.waiting import until


async def get(http: aiohttp.ClientSession, path: str, **query: str) -> dict[str, Any]:
    async with http.get(path, params=query) as answer:
        assert answer.status == 200, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body


async def test_every_host_lists_the_sessions_of_all_workers(cluster: Cluster) -> None:
    account, key = await cluster.account()
    async with AsyncExitStack() as stack:
        ids = set()
        clients = []
        for turn in range(12):
            client = await stack.enter_async_context(
                caller(cluster.url_of(turn), key, language_code="en")
            )
            ids.add((await client.event("session_started"))["session_id"])
            clients.append(client)
        await speak(clients[0], 1, speed=None)
        for host in range(2):
            http = await stack.enter_async_context(cluster.operator(host))

            async def are_all_listed(http: aiohttp.ClientSession = http) -> bool:
                listed = (await get(http, "/api/sessions"))["sessions"]
                return {each["session_id"] for each in listed} == ids and any(
                    each["received_ms"] == 1000 for each in listed
                )

            await until(are_all_listed, "all sessions")
            listed = (await get(http, "/api/sessions"))["sessions"]
            assert len({each["worker"] for each in listed}) >= 2
            for each in listed:
                assert each["account"] == account
                assert each["kind"] == "key"
                assert each["address"] == "127.0.0.1"
                assert each["state"] == "open"
                assert each["sample_rate"] == RATE
                assert each["language_code"] == "en"
                assert await get(http, f"/api/sessions/{each['session_id']}")
        for client in clients:
            await client.stop()


async def test_an_operator_ends_a_session_of_another_worker_in_order(cluster: Cluster) -> None:
    key = await cluster.key()
    async with cluster.operator(1) as http, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(caller(cluster.url, key)) for _ in range(4)]
        for client in clients:
            await speak(client, 1.5, speed=None)
        await cluster.has_records(4)
        for client in clients:
            session_id = (await client.event("session_started"))["session_id"]
            async with http.delete(f"/api/sessions/{session_id}") as answer:
                assert answer.status == 202
            assert await client.closed() == 1000
            *_, final, ended = [
                event for event in client.events if event["message_type"] != "audio_acknowledged"
            ]
            assert final["message_type"] == "committed_transcript"
            assert final["end_sample"] == 1.5 * RATE
            assert ended["message_type"] == "session_ended"
            assert ended["reason"] == "ended_by_operator"
        await until(cluster.holds_nothing, "records to be gone")
        async with http.delete(f"/api/sessions/{session_id}") as answer:
            assert answer.status == 404


async def test_usage_is_added_up_by_account_and_day(cluster: Cluster) -> None:
    account, key = await cluster.account()
    other, other_key = await cluster.account()

    async def talk(turn: int, key: str, seconds: float) -> None:
        async with caller(cluster.url_of(turn), key) as client:
            await speak(client, seconds, speed=None)
            await client.stop()

    # The last one is so short that silence has to be added before it can be committed.
    lengths = (1.0, 2.0, 3.0, 0.1)
    await asyncio.gather(*(talk(turn, key, length) for turn, length in enumerate(lengths)))
    await talk(0, other_key, 0.5)
    async with cluster.operator(1) as http:

        async def is_written() -> bool:
            usage = (await get(http, "/api/usage"))["usage"]
            sessions = {each["account"]: each["sessions"] for each in usage}
            return sessions.get(account) == 4 and sessions.get(other) == 1

        await until(is_written, "usage to be written")
        usage = (await get(http, "/api/usage"))["usage"]
        (row,) = [each for each in usage if each["account"] == account]
        assert row["day"] == datetime.now(UTC).date().isoformat()
        assert row["sessions"] == 4
        assert (row["received_ms"], row["sent_ms"], row["silence_ms"]) == (6100, 6300, 200)
        assert row["replayed_ms"] == 0
        assert 0 < row["connected_ms"] < 60_000
        assert row["estimated_price_usd"] == round(6.3 / 3600 * 0.39, 4)
        async with http.get("/api/usage", params={"format": "csv"}) as answer:
            assert answer.content_type == "text/csv"
            rows = list(csv.DictReader(io.StringIO(await answer.text())))
        (written,) = [each for each in rows if each["account"] == account]
        assert written == {name: str(value) for name, value in row.items()}
        (written,) = [each for each in rows if each["account"] == other]
        assert written["received_ms"] == "500"
    # Who is no operator sees what is theirs.
    async with aiohttp.ClientSession(cluster.url, headers={"xi-api-key": key}) as http:
        assert (await get(http, "/api/usage"))["usage"] == [row]
