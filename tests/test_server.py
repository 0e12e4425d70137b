"""How the relay listens."""

import socket
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from relay.errors import ConfigError
from relay.server import RelayServer
from relay.simulator.server import Simulator
from tests.support.relay import Client, relay_to
from tests.support.settings import KEY, settings_for


async def get(url: str, **options: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(url, **options) as answer:
        return answer.status, await answer.text()


async def test_listens_while_its_context_is_open() -> None:
    async with RelayServer(settings_for()) as server:
        assert await get(f"{server.url}/healthz") == (200, "ok")
    with pytest.raises(aiohttp.ClientConnectionError):
        await get(f"{server.url}/healthz")


async def test_port_is_free_again_at_once() -> None:
    async with RelayServer(settings_for()) as first:
        port = int(first.url.rpartition(":")[2])
    async with RelayServer(settings_for(port=port)) as second:
        assert second.url == first.url


async def test_a_port_of_metrics_that_is_taken_is_named_by_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"RELAY_METRICS_PORT: port {port} can't be had"):
            async with RelayServer(settings_for(metrics_port=port)):
                pass


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("localhost", "http://localhost:"),
        ("::1", "http://[::1]:"),
    ],
)
async def test_url_can_be_asked_as_it_is(host: str, prefix: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    async with RelayServer(settings_for(host=host)) as server:
        assert server.url.startswith(prefix)
        assert await get(f"{server.url}/healthz") == (200, "ok")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def test_port_that_is_taken_is_an_error_of_the_system() -> None:
    async with RelayServer(settings_for()) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await RelayServer(settings_for(port=port)).__aenter__()
        assert await get(f"{first.url}/healthz") == (200, "ok")


async def test_sessions_end_with_1012() -> None:
    async with Simulator(api_keys=(KEY,)) as simulator:
        async with relay_to(simulator.url) as relay:
            client = Client(relay)
            await client.__aenter__()
            await client.event("session_started")
            await simulator.wait_for(lambda: bool(simulator.connections))
        assert await client.closed() == 1012
        await client.__aexit__(None, None, None)
        await simulator.wait_for(lambda: not simulator.connections[0].is_open)


async def test_error_within_the_context_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with RelayServer(settings_for()):
            raise ZeroDivisionError


async def test_forwarding_headers_are_believed_from_nobody() -> None:
    async def tell(request: Request) -> PlainTextResponse:
        assert request.client is not None
        return PlainTextResponse(f"{request.url.scheme} {request.client.host}")

    app = Starlette(routes=[Route("/", tell)])
    headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    async with RelayServer(settings_for(), app) as server:
        assert await get(server.url, headers=headers) == (200, "http 127.0.0.1")


async def test_compression_that_is_offered_is_not_taken() -> None:
    async with (
        Simulator(api_keys=(KEY,)) as simulator,
        relay_to(simulator.url) as relay,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{relay.url}/v1/stream", compress=15) as stream,
    ):
        assert stream.compress == 0
