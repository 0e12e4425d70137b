"""What is served, and to whom."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from relay.simulator.server import Simulator
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY

UPGRADE = (
    b"upgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n"
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(api_keys=(KEY,)) as running:
        yield running


@pytest.fixture
async def relay(simulator: Simulator) -> AsyncIterator[Relay]:
    async with relay_to(simulator.url) as running:
        yield running


async def ask(relay: Relay, path: str, *hosts: str, upgrade: bool = False) -> bytes:
    """Ask with these `Host` headers; head and body of the answer."""
    port = int(relay.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {path} HTTP/1.1\r\n", *(f"host: {host}\r\n" for host in hosts)]
    writer.write("".join(lines).encode() + (UPGRADE if upgrade else b"connection: close\r\n"))
    writer.write(b"\r\n")
    try:
        async with asyncio.timeout(5):
            return await (reader.readuntil(b"\r\n\r\n") if upgrade else reader.read())
    finally:
        writer.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:1", "LOCALHOST"])
async def test_relay_answers_to_its_own_names(relay: Relay, host: str) -> None:
    assert (await ask(relay, "/healthz", host)).startswith(b"HTTP/1.1 200 ")
    assert (await ask(relay, "/v1/stream", host, upgrade=True)).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    "hosts",
    [
        ("evil.example",),
        ("localhost.evil.example",),
        ("localhost", "evil.example"),
        ("evil.example", "localhost"),
        ("localhost", "localhost"),
        ("",),
        ("localhost, evil.example",),
    ],
    ids=",".join,
)
async def test_relay_has_no_other_name(
    relay: Relay, simulator: Simulator, hosts: tuple[str, ...]
) -> None:
    for path in ("/healthz", "/readyz", "/nothing"):
        assert (await ask(relay, path, *hosts)).startswith(b"HTTP/1.1 421 ")
    answer = await ask(relay, "/v1/stream", *hosts, upgrade=True)
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert simulator.connections == []


async def test_request_without_a_host_is_refused(relay: Relay) -> None:
    assert (await ask(relay, "/healthz")).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 421 "))


async def test_refusal_says_what_an_operator_can_do(relay: Relay) -> None:
    assert b"RELAY_ALLOWED_HOSTS" in await ask(relay, "/healthz", "relay.example")


async def test_operator_can_add_a_name(simulator: Simulator) -> None:
    async with relay_to(simulator.url, allowed_hosts=("relay.example",)) as relay:
        assert (await ask(relay, "/healthz", "relay.example")).startswith(b"HTTP/1.1 200 ")
        assert (await ask(relay, "/healthz", "localhost")).startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("host", ["10.1.2.3:8000", "[fd00::1]:8000"])
async def test_orchestrators_may_ask_for_health_by_address(relay: Relay, host: str) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await ask(relay, path, host)).startswith(b"HTTP/1.1 200 ")
    for path in ("/", "/api/me", "/healthz/x"):
        assert (await ask(relay, path, host)).startswith(b"HTTP/1.1 421 ")
    for path in ("/healthz", "/v1/stream"):
        answer = await ask(relay, path, host, upgrade=True)
        assert answer.startswith(b"HTTP/1.1 421 ")


NOT_FOUND = '{"type":"invalid_request","error":"Not Found."}'

ELSEWHERE = (
    "/login/",
    "/v1",
    "/v1/stream/",
    "/docs",
    "/openapi.json",
    "/healthz/x",
    "/v1/speech-to-text/realtime/",
    "/../etc/passwd",
    "//healthz",
    "/%00",
)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_nothing_else_is_there(relay: Relay, method: str) -> None:
    async with aiohttp.ClientSession() as http:
        for path in (*ELSEWHERE, "/v1/stream", "/v1/speech-to-text/realtime"):
            async with http.request(method, relay.url + path, allow_redirects=False) as answer:
                is_for_programs = path.startswith("/v1/")
                text = NOT_FOUND if is_for_programs else "Not Found\n"
                assert (answer.status, await answer.text()) == (404, text), path


async def test_no_other_path_takes_sockets(relay: Relay, simulator: Simulator) -> None:
    for path in (*ELSEWHERE, "/healthz"):
        answer = await ask(relay, path, "localhost", upgrade=True)
        assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 404 ")), path
    assert simulator.connections == []


async def test_key_goes_upstream_alone(relay: Relay, simulator: Simulator) -> None:
    async with Client(relay) as client:
        await client.event("session_started")
        await simulator.wait_for(lambda: bool(simulator.connections))
        await client.stop()
    assert simulator.connections[0].credential is not None
    assert KEY not in str(client.events)


async def test_relay_without_a_key_says_so(simulator: Simulator) -> None:
    async with relay_to(simulator.url, key=None) as relay, Client(relay) as client:
        assert await client.closed() == 4502
    assert client.events[-1]["message_type"] == "auth_error"
    assert "ELEVENLABS_API_KEY" in client.events[-1]["error"]
    assert simulator.connections == []
