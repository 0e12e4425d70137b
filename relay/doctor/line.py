"""A running relay, and what stands in front of it."""

import asyncio
import time
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from relay.client.direct import Direct
from relay.doctor.findings import (
    HTTP_TIMEOUT,
    TIMEOUT,
    Finding,
    Status,
    first_message,
    read_message,
    reason,
)

IDLE_CODES = (1000, 1001, 1005, 1006)
"""With which a proxy may close a line that it takes for dead; the relay has others, or a reason."""


async def check_http(base: str, path: str, failure: str) -> Finding:
    """Ask one of the relay's health pages."""
    name = path.strip("/")
    try:
        async with (
            aiohttp.ClientSession(timeout=HTTP_TIMEOUT) as http,
            http.get(f"{base}{path}") as answer,
        ):
            status, text = answer.status, (await answer.text())[:300].strip()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Finding(
            name,
            Status.FAIL,
            f"{base}{path} can't be reached: {reason(error)}.",
            "Check the address, that the relay runs, and what stands in front of it.",
        )
    if status != 200:
        return Finding(
            name, Status.FAIL, f"{failure} HTTP {status}: {text}", "Read the relay's log for why."
        )
    return Finding(name, Status.OK, f"HTTP 200: {text}")


async def check_stream(base: str, *, key: str | None, idle: float) -> Finding:
    """Open a session at the relay, and see whether the line survives `idle` seconds of silence."""
    url = f"{base.replace('http', 'ws', 1)}/v1/stream?sample_rate=16000"
    try:
        async with Direct(
            url,
            additional_headers=None if key is None else {"xi-api-key": key},
            proxy=None,
            open_timeout=TIMEOUT,
            compression=None,
            # Our pings would keep a proxy awake, and hide what this check looks for.
            ping_interval=None,
        ) as stream:
            first = await first_message(stream)
            if first.get("message_type") != "session_started":
                return _refusal(first)
            return await _outlast(stream, idle)
    except InvalidStatus as error:
        return Finding(
            "stream",
            Status.FAIL,
            f"The WebSocket was refused with HTTP {error.response.status_code}.",
            "A proxy must pass on the headers Upgrade, Connection and Host, and the relay must "
            "know the host's name (RELAY_ALLOWED_HOSTS).",
        )
    except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
        return Finding(
            "stream",
            Status.FAIL,
            f"No session could be opened: {reason(error)}.",
            "Check that what stands in front of the relay lets WebSockets through.",
        )


def _refusal(message: dict[str, Any]) -> Finding:
    kind = message.get("message_type", "something that a relay does not say")
    return Finding(
        "stream",
        Status.FAIL,
        f"The relay answered {kind}: {message.get('error', 'no session')}",
        "Do what the message says; `scribe-relay doctor` on the relay's own machine looks at its "
        "provider.",
    )


async def _outlast(stream: ClientConnection, idle: float) -> Finding:
    started = time.monotonic()
    failure: dict[str, Any] | None = None
    try:
        async with asyncio.timeout(idle):
            async for text in stream:
                message = read_message(text)
                failure = message if "error" in message else failure
    except TimeoutError:
        return Finding("stream", Status.OK, f"A session opened and lived {idle:g} s of silence.")
    except ConnectionClosed:
        pass
    if failure is not None:
        return _refusal(failure)
    after = time.monotonic() - started
    if stream.close_code not in IDLE_CODES:
        return Finding(
            "stream",
            Status.FAIL,
            f"The relay ended the session after {after:.0f} s (code {stream.close_code}).",
            "1012 is a restart: try again. For others read the relay's log.",
        )
    return Finding(
        "stream",
        Status.FAIL,
        f"The line was closed after {after:.0f} s of silence (code {stream.close_code}).",
        "A proxy ends idle connections: raise its time-out to a minute or more (nginx "
        "proxy_read_timeout, HAProxy timeout tunnel, a load balancer's idle time-out).",
    )
