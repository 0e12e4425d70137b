"""How fast audio is read: who sends faster waits, and loses nothing."""

import asyncio

from yarl import URL

from tests.multi.cluster import Cluster
from tests.support.relay import Client
from tests.support.talk import FORMAT, RATE, caller, speak

BURST = 10.0
"""Seconds of audio that are read at once."""


async def send_all(client: Client, seconds: float) -> float:
    """Send audio as fast as the connection takes it, then stop.

    Returns:
        Seconds until the relay had read all of it and said its last word.
    """
    clock = asyncio.get_running_loop().time
    async with client:
        await client.event("session_started")
        begin = clock()
        await speak(client, seconds, speed=None)
        ended = await client.stop()
        took = clock() - begin
    assert ended["audio_ms"] == seconds * 1000
    assert client.of("committed_transcript")[-1]["end_sample"] == seconds * RATE
    assert not [event for event in client.events if "retryable" in event]
    return took


async def test_who_sends_too_fast_is_read_later_and_loses_nothing(cluster: Cluster) -> None:
    before = await cluster.simulator.samples()
    clients = [
        # Known by its place, a kiosk shows nothing.
        (Client(cluster.url, **FORMAT), 1.25, 18),
        (await signed_in(cluster), 1.25, 18),
        (caller(cluster.url, await cluster.key()), 4.0, 36),
    ]
    took = await asyncio.gather(*(send_all(client, seconds) for client, _, seconds in clients))
    for (_, speed, seconds), actual in zip(clients, took, strict=True):
        fastest = (seconds - BURST) / speed
        # The wait comes after each message, so nobody waits for the last one.
        assert fastest - 0.2 <= actual <= fastest + 3
    sent = sum(seconds for _, _, seconds in clients)
    assert await cluster.simulator.samples() - before == sent * RATE


async def signed_in(cluster: Cluster) -> Client:
    """Prepare a connection of a page that somebody who signed in has open."""
    async with cluster.operator() as http:
        cookies = http.cookie_jar.filter_cookies(URL(cluster.url))
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
    return Client(cluster.url, headers={"origin": cluster.url, "cookie": cookie}, **FORMAT)
