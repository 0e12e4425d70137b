"""Clients that speak at a known pace, in few bytes."""

import asyncio
import contextlib
import math
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed

from tests.support.relay import Client

RATE = 16_000
"""Scribe's own, so that every sample that comes is one that is sent on."""

PIECE = 0.1
"""Seconds in one message."""

FORMAT: dict[str, Any] = {
    "sample_rate": RATE,
    "encoding": "pcm_s16le",
    "commit_strategy": "manual",
}
"""The options that say what `speak` sends, and that it says where segments end."""

MESSAGE = np.full(round(RATE * PIECE), 8_000, "<i2").tobytes()


def caller(url: str, key: str, **query: Any) -> Client:
    """Prepare a connection of a server's."""
    return Client(url, headers={"xi-api-key": key}, **FORMAT, **query)


async def speak_on(client: Client, *, speed: float | None = None) -> None:
    """Send audio until the relay ends the session."""
    with contextlib.suppress(ConnectionClosed):
        await speak(client, math.inf, speed=speed)


async def speak(client: Client, seconds: float, *, speed: float | None = 1.0) -> float:
    """Send so many seconds of audio, at `speed` times real time or as fast as it is taken.

    Returns:
        Seconds that it took.
    """
    clock = asyncio.get_running_loop().time
    begin = clock()
    index = 0
    while index < seconds / PIECE - 0.5:
        # Without a pace too others get their turn, which a socket with room doesn't give them.
        due = clock() if speed is None else begin + index * PIECE / speed
        await asyncio.sleep(due - clock())
        await client.connection.send(MESSAGE)
        index += 1
    return clock() - begin


async def admitted(client: Client) -> bool:
    """Wait for the relay's answer: whether it is a session."""
    await client.wait_for(lambda: bool(client.events) or client.close_code is not None)
    return bool(client.of("session_started"))


def refusal(client: Client) -> dict[str, Any]:
    """The error that a refused or ended client was told."""
    errors = [event for event in client.events if "retryable" in event]
    assert len(errors) == 1, client.events
    return errors[0]
