"""The recipes of `deploy/` for what ends TLS before relays, each in the program it is for."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from relay.auth.gate import SESSION_COOKIE, cookie_name
from relay.simulator.server import Simulator
from tests.deploy.proxies import PROXIES, Caddy, HAProxy, Nginx, Proxy
from tests.support.people import person
from tests.support.ports import free_port
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY, PROXY
from tests.support.talk import FORMAT, speak

DEVICE = "127.0.0.2"
"""Loopback is the proxy's address too, but not all of it."""

SPOOFED = {
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=192.0.2.2;proto=http;host=evil.example",
    "X-Real-IP": "192.0.2.3",
}

LONGEST_DEFAULT = 60.0
"""Seconds after which nginx ends what is idle, as it comes; 50 s is what HAProxy's examples say."""


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """A relay that believes a proxy on this machine."""
    async with Simulator(api_keys=(KEY,)) as simulator, relay_to(simulator.url, **PROXY) as running:
        yield running


def address_of(relay: Relay) -> str:
    return relay.url.removeprefix("http://")


@pytest.fixture(params=PROXIES, ids=lambda kind: kind.__name__)
def proxy(request: pytest.FixtureRequest, relay: Relay) -> Iterator[Proxy]:
    """Each of the proxies, before that relay and one that is away."""
    away = f"127.0.0.1:{free_port()}"
    with request.param([away, address_of(relay)]) as running:
        yield running


def caller(proxy: Proxy, **headers: str) -> Client:
    """A client that comes through the proxy, from a device's address, with these headers."""
    line = {"ssl": proxy.trust, "local_addr": (DEVICE, 0)}
    return Client(proxy.url, headers=headers, line=line, **FORMAT)


async def browser(relay: Relay, origin: str) -> dict[str, str]:
    """What a browser sends, in which somebody signed in over TLS, from a page of this origin."""
    anna = await person(relay)
    return {"Cookie": f"{cookie_name(SESSION_COOKIE, 'https')}={anna.cookie}", "Origin": origin}


async def get(url: str, **options: Any) -> aiohttp.ClientResponse:
    async with aiohttp.ClientSession() as http, http.get(url, **options) as answer:
        await answer.read()
        return answer


async def test_a_session_passes_and_the_relay_knows_whose_it_is(relay: Relay, proxy: Proxy) -> None:
    # The relay sees the name, the port and the scheme that the browser does.
    async with caller(proxy, **await browser(relay, proxy.url), **SPOOFED) as client:
        await client.event("session_started")
        await relay.services.sessions.renew()
        (record,) = await relay.services.registry.list()
        assert record.address == DEVICE
        await speak(client, 1.0, speed=None)
        ended = await client.stop()
    assert ended["segments"] == 1


async def test_a_client_cannot_change_the_scheme(relay: Relay, proxy: Proxy) -> None:
    plain = proxy.url.replace("https://", "http://")
    async with caller(proxy, **await browser(relay, plain), **SPOOFED) as client:
        assert await client.closed() == 4403


async def test_metrics_stay_inside_and_pages_come_by_tls_alone(proxy: Proxy) -> None:
    trusting = {"ssl": proxy.trust}
    # Written in any way that the relay would take for its own path.
    for path in ("/metrics", "/metrics/", "/%6Detrics", "/metrics?x=1", "/metrics/x"):
        answer = await get(f"{proxy.url}{path}", **trusting)
        assert answer.status == 404, path
        assert "Content-Security-Policy" not in answer.headers, f"the relay answered to {path}"
    assert (await get(f"{proxy.url}/login", **trusting)).status == 200

    plain = f"http://localhost:{proxy.plain_port}/login"
    answer = await get(plain, allow_redirects=False)
    assert answer.status in (301, 308)
    assert answer.headers["Location"].startswith("https://localhost")


# Longer than the proxies' own idle times.


def without_timeouts(text: str) -> str:
    """Take away what the recipes say of idle WebSockets."""
    changed, number = re.subn(r"(?m)^ *(proxy_(read|send)_timeout|timeout tunnel) .*\n", "", text)
    assert number
    return changed


async def stays(relay: Relay, proxy: Proxy, seconds: float) -> bool:
    """Whether a session, in which nobody says anything for so long, goes on after it."""
    async with caller(proxy, **{"xi-api-key": relay.key}) as client:
        await speak(client, 1.0, speed=None)
        await client.say("commit")
        await client.count("committed_transcript", 1)
        await client.say("mute")
        try:
            await client.closed(seconds)
        except TimeoutError:
            await client.say("unmute")
            await speak(client, 1.0, speed=None)
            ended = await client.stop()
            assert ended["segments"] == 2
            return True
        return False


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_session_outlives_the_idle_times_that_proxies_have_as_they_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With no pings between, so that it is the recipes that keep the line.

    Those of nginx and HAProxy without what they say about it show that they had to say it.
    """
    monkeypatch.setattr("relay.server.PING_INTERVAL", None)
    recipes = {kind.__name__: kind for kind in PROXIES}
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(api_keys=(KEY,)))
        relay = await stack.enter_async_context(relay_to(simulator.url, **PROXY))
        at = [address_of(relay)]
        kept = [stack.enter_context(kind(at)) for kind in recipes.values()]
        cut = [stack.enter_context(kind(at, without_timeouts)) for kind in (Nginx, HAProxy)]
        seconds = LONGEST_DEFAULT + 15
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stays(relay, proxy, seconds)) for proxy in [*kept, *cut]]
    assert dict(zip(recipes, [task.result() for task in tasks[: len(kept)]], strict=True)) == {
        Caddy.__name__: True,
        Nginx.__name__: True,
        HAProxy.__name__: True,
    }
    assert [task.result() for task in tasks[len(kept) :]] == [False, False]
