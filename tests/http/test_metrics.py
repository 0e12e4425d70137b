"""`/metrics`: who may read it, and that it counts what happens."""

from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from relay.protocol.messages import SUBPROTOCOL
from relay.simulator.server import Simulator
from tests.http.conftest import NOWHERE
from tests.support.people import ask, person
from tests.support.ports import free_port
from tests.support.relay import Client, Relay, relay_to
from tests.support.talk import FORMAT, speak
from tests.support.waiting import until

TOKEN = "a-token-for-metrics"

SHOWN = {"authorization": f"Bearer {TOKEN}"}


async def read(url: str, headers: Any = None, path: str = "/metrics") -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{url}{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def values(relay: Relay) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, in the order of their names."""
    status, text = await read(relay.url)
    assert status == 200
    return {
        (sample.name.removeprefix("relay_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_this_machine_may_read_them(relay: Relay) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{relay.url}/metrics") as answer,
    ):
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "# TYPE relay_sessions gauge" in await answer.text()


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "x-forwarded-proto", "Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP"],
)
async def test_what_a_proxy_passes_on_is_not_of_this_machine(relay: Relay, header: str) -> None:
    status, text = await read(relay.url, {header: "127.0.0.1"})
    assert status == 404
    assert "relay_sessions" not in text


async def test_other_networks_get_what_a_path_gets_that_is_not_there() -> None:
    async with relay_to(NOWHERE, metrics_networks="10.1.0.0/16,fd00::/8") as relay:
        assert await read(relay.url) == await read(relay.url, path="/nothing")
        assert (await read(relay.url, SHOWN))[0] == 404


async def test_networks_may_be_named_or_none() -> None:
    async with relay_to(NOWHERE, metrics_networks="10.1.0.0/16,127.0.0.1") as relay:
        assert (await read(relay.url))[0] == 200
    async with relay_to(NOWHERE, metrics_networks="none") as relay:
        assert (await read(relay.url))[0] == 404


async def test_another_host_name_does_not_help(relay: Relay) -> None:
    assert (await read(relay.url, {"host": "rebound.example"}))[0] == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (SHOWN, 200),
        ({**SHOWN, "x-forwarded-for": "192.0.2.1"}, 200),
        ({"authorization": f"bearer {TOKEN}"}, 200),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": TOKEN}, 401),
        ({"authorization": "Bearer \xfc"}, 401),
        ([("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")], 401),
    ],
)
async def test_who_shows_the_token_may_read_them_from_anywhere(headers: Any, status: int) -> None:
    async with relay_to(NOWHERE, metrics_token=TOKEN, metrics_networks="none") as relay:
        found, text = await read(relay.url, headers)
    assert found == status
    assert ("relay_sessions" in text) == (status == 200)
    assert TOKEN not in text


async def test_with_a_token_this_machine_needs_none_but_no_wrong_one() -> None:
    async with relay_to(NOWHERE, metrics_token=TOKEN) as relay:
        assert (await read(relay.url))[0] == 200
        assert (await read(relay.url, {"via": "1.1 proxy"}))[0] == 401
        assert (await read(relay.url, {"authorization": "Bearer wrong"}))[0] == 401


async def test_on_a_port_of_their_own_there_is_nothing_else_and_they_are_nowhere_else() -> None:
    port = free_port()
    async with relay_to(NOWHERE, metrics_port=port) as relay:
        own = f"http://127.0.0.1:{port}"
        assert (await read(own, {"via": "1.1 proxy", "host": f"relay:{port}"}))[0] == 200
        for path in ("/", "/healthz", "/api/me", "/metrics/"):
            assert (await read(own, path=path))[0] == 404
        async with aiohttp.ClientSession() as http, http.post(f"{own}/metrics") as answer:
            assert answer.status == 405
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/v1/stream", subprotocols=[SUBPROTOCOL])  # type: ignore[list-item]  # plain strings are fine
        assert (await read(relay.url))[0] == 404
        assert (await read(relay.url, {"host": f"127.0.0.1:{port}"}))[0] == 404
        assert (await read(relay.url, path="/healthz"))[0] == 200


async def test_a_rebound_name_reads_nothing_on_their_own_port() -> None:
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    async with relay_to(NOWHERE, metrics_port=port, allowed_hosts="relay.example.org"):
        for host in ("rebound.example", "rebound.example.", "relay.example.org.evil.example", ""):
            status, text = await read(own, {"host": host})
            assert status == 421
            assert "relay_sessions" not in text
        hosts = [("host", f"localhost:{port}"), ("host", "rebound.example")]
        assert (await read(own, hosts))[0] in (400, 421)
        for host in ("relay-1:9100", "localhost", "10.0.0.7:9100", "[::1]", "relay.example.org"):
            assert (await read(own, {"host": host}))[0] == 200


async def test_the_token_is_asked_for_on_their_own_port_too() -> None:
    port = free_port()
    async with relay_to(NOWHERE, metrics_port=port, metrics_token=TOKEN) as relay:
        assert (await read(f"http://127.0.0.1:{port}"))[0] == 401
        assert (await read(f"http://127.0.0.1:{port}", SHOWN))[0] == 200
        assert (await read(relay.url, SHOWN))[0] == 404


async def test_a_session_is_counted_and_named_nowhere(simulator: Simulator) -> None:
    async with relay_to(simulator.url) as relay, Client(relay, **FORMAT) as client:
        started = await client.event("session_started")
        await speak(client, 2.0)
        await client.say("commit")
        final = await client.event("committed_transcript")
        found = await values(relay)
        _, text = await read(relay.url)
        await client.stop()
        ended = await values(relay)
    assert found["sessions", "open"] == 1
    assert found["sessions_started_total", "new"] == 1
    assert found["audio_seconds_total", "received"] == pytest.approx(2.0)
    assert found["audio_seconds_total", "sent"] == pytest.approx(2.0)
    assert found["upstream_connects_total", "opened"] == 1
    assert found["upstream_connect_seconds_count",] == 1
    assert found["added_latency_seconds_count",] >= 1
    assert found["speech_to_final_seconds_count",] == 1
    assert found["http_responses_total", "101"] == 1
    assert (found["outbox_bytes",], found["ledger_bytes",]) == (0, 0)
    assert ended["sessions", "open"] == 0
    assert ended["sessions_ended_total", "finished"] == 1
    for secret in (started["session_id"], started["resume_token"], relay.key, final["text"]):
        assert secret not in text
    (account,) = {one.account for one in await relay.services.registry.list()} or {"key:"}
    assert account not in text


async def test_audio_that_waits_for_its_final_is_there(simulator: Simulator) -> None:
    async with relay_to(simulator.url) as relay, Client(relay, **FORMAT) as client:
        await client.event("session_started")
        await speak(client, 1.0, speed=None)

        async def is_taken_in() -> bool:
            return (await values(relay))["ledger_bytes",] == 32_000

        await until(is_taken_in, "a second of audio in the ledger")
        await client.stop()


@pytest.mark.parametrize(
    ("headers", "subprotocols", "reason"),
    [
        ({"xi-api-key": "wrong"}, (), "key"),
        ({}, ("ticket.wrong",), "ticket"),
        ({}, (f"resume.{'0' * 32}.{'A' * 43}",), "resume_token"),
        ({"cookie": "scribe_relay_session=old"}, (), "cookie"),
        ({}, (), "nothing"),
        ({"origin": "https://elsewhere.example"}, (), "origin"),
    ],
)
async def test_who_is_refused_a_session_is_counted_by_what_was_shown(
    relay: Relay, headers: dict[str, str], subprotocols: tuple[str, ...], reason: str
) -> None:
    async with Client(
        relay.url, headers=headers, subprotocols=(SUBPROTOCOL, *subprotocols)
    ) as client:
        await client.closed()
    found = await values(relay)
    failures = {key[1]: n for key, n in found.items() if key[0] == "auth_failures_total" and n}
    assert failures == {reason: 1}


@pytest.mark.parametrize(
    ("query", "headers", "reason"),
    [
        ("?token=wrong", {}, "ticket"),
        ("", {"xi-api-key": "wrong"}, "key"),
        ("", {}, "nothing"),
    ],
)
async def test_so_is_who_is_refused_in_scribes_dialect(
    relay: Relay, query: str, headers: dict[str, str], reason: str
) -> None:
    url = f"{relay.url.replace('http', 'ws')}/v1/speech-to-text/realtime{query}"
    async with connect(url, additional_headers=headers) as socket:
        await socket.wait_closed()
    assert (await values(relay))["auth_failures_total", reason] == 1


async def test_passwords_and_links_that_are_not_good_are_counted(relay: Relay) -> None:
    async with aiohttp.ClientSession(relay.url, headers={"origin": relay.url}) as http:
        for path in ("/api/login", "/login"):
            for _ in range(2):
                given = {"name": "nobody", "password": "wrong"}
                async with http.post(path, data=given) as answer:
                    assert answer.status == 401
        async with http.post("/api/login/link", json={"link": "used"}) as answer:
            assert answer.status == 401
        async with http.post("/api/login", json={"name": "a", "password": "b"}) as answer:
            assert answer.status == 401
    found = await values(relay)
    assert found["auth_failures_total", "password"] == 5
    assert found["auth_failures_total", "link"] == 1
    assert found["http_responses_total", "401"] == 6


async def test_limits_are_counted_where_they_were_hit(simulator: Simulator) -> None:
    async with relay_to(
        simulator.url, limit_key_sessions=1, limit_key_session_minutes=0.02
    ) as relay:
        async with Client(relay, **FORMAT) as first:
            await first.event("session_started")
            async with Client(relay, **FORMAT) as second:
                assert await second.closed() == 4429
            assert await first.closed() == 4429
        found = await values(relay)
    assert found["limits_hit_total", "admission", "too_many_sessions"] == 1
    assert found["limits_hit_total", "session", "session_time_limit_exceeded"] == 1
    assert found["sessions_ended_total", "refused"] == 1


async def test_connections_of_one_address_that_are_too_many_are_counted() -> None:
    async with relay_to(NOWHERE, handshakes_per_minute=1) as relay:
        async with Client(relay.url) as client:
            await client.closed()
        with pytest.raises(InvalidStatus):
            await connect(f"{relay.url.replace('http', 'ws')}/v1/stream")
        assert (await values(relay))["limits_hit_total", "handshake", "rate_limited"] == 1


async def test_who_may_not_is_counted(relay: Relay) -> None:
    anna = await person(relay)
    assert (await ask(relay, "GET", "/api/users", anna.headers)).status == 403
    assert (await values(relay))["auth_failures_total", "not_allowed"] == 1


async def test_the_budget_is_there_where_there_is_one(relay: Relay) -> None:
    assert ("budget_seconds",) not in await values(relay)
    async with relay_to(NOWHERE, budget_minutes_per_day=2) as limited:

        async def is_known() -> bool:
            return ("budget_seconds",) in await values(limited)

        await until(is_known, "the budget")
        found = await values(limited)
    assert (found["budget_seconds",], found["budget_used_seconds",]) == (120, 0)
