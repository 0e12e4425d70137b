"""What operators see as JSON: workers, the last half hour, a session's course; and a drain."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock

import numpy as np
import pytest
from msgspec import structs

from relay.errors import StateUnavailable
from relay.metrics.figures import SPAN, SPANS
from relay.registry import Duty, Wish
from relay.simulator.server import Simulator
from tests.http.test_openapi import check
from tests.support.people import Person, ask, operator, person
from tests.support.relay import Client, Relay, relay_to
from tests.support.waiting import until

TONE = (0.1 * np.sin(np.arange(48_000) / 20)).astype(np.float32)


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Simulator() as simulator, relay_to(simulator.url) as running:
        yield running


@pytest.fixture
async def olga(relay: Relay) -> Person:
    return await operator(relay)


async def get(relay: Relay, olga: Person, path: str) -> Any:
    answer = await ask(relay, "GET", path, olga.headers)
    assert answer.status == 200, answer.text
    check("GET", path, answer)
    return answer.body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/ops"),
        ("GET", "/api/ops/history"),
        ("GET", "/api/sessions/none/timeline"),
        ("POST", "/api/workers/none/drain"),
        ("DELETE", "/api/workers/none/drain"),
    ],
)
async def test_it_is_for_operators_on_our_own_pages(
    relay: Relay, olga: Person, method: str, path: str
) -> None:
    assert (await ask(relay, method, path)).status == 401
    assert (await ask(relay, method, path, (await person(relay)).headers)).status == 403
    if method != "GET":
        elsewhere = {**olga.headers, "Origin": "http://elsewhere.example"}
        assert (await ask(relay, method, path, elsewhere)).status == 403


async def test_a_session_is_told_of_without_what_is_said(relay: Relay, olga: Person) -> None:
    async with Client(relay) as client:
        session_id = (await client.event("session_started"))["session_id"]
        await client.send(TONE)
        await client.say("commit")
        final = await client.event("committed_transcript")
        await relay.services.presence.beat()
        await relay.services.sessions.renew()
        timeline = await get(relay, olga, f"/api/sessions/{session_id}/timeline")
        shown = await get(relay, olga, f"/api/sessions/{session_id}")
    kinds = [entry["kind"] for entry in timeline["entries"]]
    assert kinds == ["began", "opened", "commit"]
    (_, opened, commit) = timeline["entries"]
    assert 0 < opened["seconds"] < 20
    assert 0 < commit["seconds"] < 20
    assert set(shown["recent"]) <= set("wo")
    assert shown["speech_to_final_ms"] == pytest.approx(commit["seconds"] * 1000, abs=0.1)
    assert final["text"]
    assert final["text"] not in json.dumps([timeline, shown])


async def test_the_last_half_hour_is_told_and_only_what_is_new(
    relay: Relay, olga: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time()) // SPAN * SPAN
    monkeypatch.setattr("relay.http.ops_api.time.time", lambda: now + 1.6)
    figures = relay.services.figures
    for back in (1, 2, SPANS, SPANS + 1):
        await figures.add(now // SPAN - back, {"workers": 1, "received": 10.0 * back})
    body = await get(relay, olga, "/api/ops/history")
    assert body["span_seconds"] == SPAN
    assert [point["at"] for point in body["points"]] == [now - (SPANS - 1) * SPAN, now - SPAN, now]
    assert [point["received"] for point in body["points"]][1:] == [20 / SPAN, 10 / SPAN]
    newer = await get(relay, olga, f"/api/ops/history?since={now - SPAN}")
    assert newer["points"] == body["points"][2:]
    assert (await get(relay, olga, f"/api/ops/history?since={now}"))["points"] == []
    monkeypatch.setattr("relay.http.ops_api.time.time", lambda: now + 1.4)
    not_all_may_have_written = await get(relay, olga, "/api/ops/history")
    assert not_all_may_have_written["points"][-1]["at"] == now - SPAN


async def test_a_worker_that_is_drained_takes_no_session_until_it_serves_again(
    relay: Relay, olga: Person
) -> None:
    sessions, presence = relay.services.sessions, relay.services.presence
    await presence.beat()
    path = f"/api/workers/{sessions.worker}/drain"
    async with Client(relay) as client:
        await client.event("session_started")
        drained = await ask(relay, "POST", path, olga.headers)
        check("POST", path, drained)
        assert drained.status == 202
        moving = await client.event("moving")
        assert moving["after_ms"] >= 0
        assert await client.closed() == 1012

    async def is_empty() -> bool:
        return not len(sessions)

    await until(is_empty, "the session's place to be given back")
    await presence.beat()
    (worker,) = (await get(relay, olga, "/api/ops"))["workers"]
    assert (worker["duty"], worker["sessions"]) == ("draining", 0)
    refused = await ask(relay, "GET", "/readyz")
    assert refused.status == 503
    assert refused.body["checks"]["duty"] == "is being drained by an operator"
    async with Client(relay) as client:
        assert (await client.event("upstream_unavailable"))["retryable"]

    served = await ask(relay, "DELETE", path, olga.headers)
    check("DELETE", path, served)

    async def serves() -> bool:
        return sessions.duty is Duty.SERVING

    await until(serves, "the worker to serve again")
    assert (await ask(relay, "GET", "/readyz")).status == 200
    async with Client(relay) as client:
        await client.event("session_started")


async def test_a_host_is_ready_while_another_of_its_workers_takes_sessions(relay: Relay) -> None:
    presence, workers = relay.services.presence, relay.services.workers
    relay.services.sessions.obey(Wish.DRAIN)
    own = presence.record()
    assert (await ask(relay, "GET", "/readyz")).status == 503
    others = (("elsewhere", "other:1", Duty.SERVING), ("beside", own.group, Duty.DRAINING))
    for name, group, duty in others:
        await workers.beat(structs.replace(own, worker=name, group=group, duty=duty))
        assert (await ask(relay, "GET", "/readyz")).status == 503
    await workers.beat(structs.replace(own, worker="beside", duty=Duty.SERVING))
    assert (await ask(relay, "GET", "/readyz")).status == 200


async def test_a_drain_outlives_what_redis_forgets(relay: Relay) -> None:
    sessions, workers = relay.services.sessions, relay.services.workers
    await relay.services.presence.beat()
    await workers.ask(sessions.worker, Wish.DRAIN)
    await relay.services.presence.beat()
    await workers.remove(sessions.worker)
    for _ in range(2):
        await relay.services.presence.beat()
        assert sessions.duty is Duty.DRAINING
    (record,) = await workers.list()
    assert await workers.beat(record) is Wish.DRAIN


async def test_without_redis_health_says_so(
    relay: Relay, olga: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = AsyncMock(side_effect=StateUnavailable("it is away"))
    monkeypatch.setattr(relay.services.workers, "list", away)
    body = await get(relay, olga, "/api/ops")
    assert (body["workers"], body["slots"]) == (None, None)


async def test_the_providers_slots_are_counted() -> None:
    async with (
        Simulator() as simulator,
        relay_to(simulator.url, upstream_max_sessions=1) as relay,
        Client(relay) as first,
    ):
        olga = await operator(relay)
        await first.event("session_started")
        async with Client(relay) as second:
            await second.event("queued")
            body = await get(relay, olga, "/api/ops")
    assert body["slots"] == {"limit": 1, "taken": 1, "waiting": 1}
