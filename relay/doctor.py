"""What keeps a relay from working, found by trying: each finding says what to do.

The checks stand in the order in which one failing explains the next. They use the network as the
relay does, but nothing of the relay's own code, so that they can tell where a fault lies.
"""

import asyncio
import email.utils
import importlib.metadata
import json
import platform
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from relay import __version__
from relay.client.direct import Direct
from relay.settings import Settings

TIMEOUT = 10.0
"""Seconds that any one step may take."""

_HTTP_TIMEOUT = aiohttp.ClientTimeout(total=TIMEOUT)

CERTIFICATE_WARNING_DAYS = 14
"""Automatic renewal is long overdue by then. Source: ACME clients renew 30 days ahead."""

CLOCK_TOLERANCE = 5.0
"""Seconds; the HTTP `Date` header counts whole ones, and the answer takes a moment."""

SCRIBE_PATH = "/v1/speech-to-text/realtime"

EXPLANATIONS = {
    "auth_error": "The provider does not know the key. Check ELEVENLABS_API_KEY, and that it "
    "belongs to the region in use.",
    "quota_exceeded": "The account's credits are used up. Add credits or wait for the next period.",
    "unaccepted_terms": "The account has not accepted the terms. Accept them in the provider's "
    "dashboard.",
    "rate_limited": "Too many sessions at once for the account's plan. End some, or take a larger "
    "plan.",
    "resource_exhausted": "The provider has no capacity at the moment. Try again later.",
    "invalid_request": "The provider refuses these parameters. Check RELAY_UPSTREAM_URL.",
}
"""What to do about the errors with which the provider refuses a session."""

_STATUS_ERRORS = {401: "auth_error", 403: "auth_error", 429: "rate_limited"}
"""What HTTP says instead, by status."""

_PACKAGES = ("uvloop", "uvicorn", "picows", "soxr")
"""What decides most about how the relay behaves."""


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    status: Status
    text: str
    advice: str = ""
    """What to do; empty where nothing needs doing."""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check this machine, the settings and the way to the provider."""
    yield check_runtime()
    yield check_key(settings)
    parts = urlsplit(settings.upstream_base_url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    yield (found := await check_dns(host, port))
    if found.status is Status.FAIL:
        return
    context = None
    if parts.scheme == "wss":
        context = ssl.create_default_context(cafile=settings.upstream_ca_file)
        yield (found := await check_tls(host, port, context))
    else:
        yield (found := await check_tcp(host, port))
    if found.status is Status.FAIL:
        return
    base = settings.upstream_base_url.replace("ws", "http", 1)
    yield await check_clock(base, context)
    if settings.elevenlabs_api_key is not None:
        yield await check_session(settings, context)


async def examine_relay(url: str, *, key: str | None, idle: float) -> AsyncIterator[Finding]:
    """Check a running relay and what stands in front of it.

    Args:
        url: Its base URL.
        key: A relay key, if the relay wants one.
        idle: Seconds of silence that the line must survive.
    """
    base = url.rstrip("/").replace("ws", "http", 1) if url.startswith("ws") else url.rstrip("/")
    yield (found := await check_http(base, "/healthz", "The process does not answer."))
    if found.status is Status.FAIL:
        return
    yield await check_http(base, "/readyz", "It can't serve sessions now.")
    yield await check_stream(base, key=key, idle=idle)


def check_runtime() -> Finding:
    """Tell what runs: the first thing that a bug report needs."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    system = f"Python {platform.python_version()} on {platform.system()}"
    return Finding("versions", Status.OK, f"scribe-relay {__version__}, {system}; {packages}.")


def check_key(settings: Settings) -> Finding:
    """Tell whether the provider's key is set."""
    if settings.elevenlabs_api_key is None:
        return Finding(
            "key",
            Status.WARN,
            "ELEVENLABS_API_KEY is not set, so every session would be refused.",
            "Set it, or try things with `scribe-relay demo`, which needs none.",
        )
    return Finding("key", Status.OK, "ELEVENLABS_API_KEY is set.")


async def check_dns(host: str, port: int) -> Finding:
    """Resolve a name."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        return Finding(
            "dns",
            Status.FAIL,
            f"{host} has no address: {_reason(error)}.",
            "Check RELAY_UPSTREAM_URL, this machine's name servers and its network.",
        )
    addresses = sorted({str(entry[4][0]) for entry in found})
    return Finding("dns", Status.OK, f"{host} is {', '.join(addresses)}.")


async def check_tls(host: str, port: int, context: ssl.SSLContext) -> Finding:
    """Open a TLS connection and read the certificate's last day."""
    try:
        async with asyncio.timeout(TIMEOUT):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return Finding(
            "tls",
            Status.FAIL,
            f"The certificate of {host} is not trusted: {error.verify_message}.",
            "If a private authority signed it, name its certificate in RELAY_UPSTREAM_CA_FILE; "
            "else check this machine's clock and its CA certificates.",
        )
    except ssl.SSLError as error:
        return Finding(
            "tls",
            Status.FAIL,
            f"{host}:{port} does not speak TLS as expected: {_reason(error)}.",
            "Check host and port in RELAY_UPSTREAM_URL, and what intercepts TLS on the way.",
        )
    except (OSError, TimeoutError) as error:
        return _unreachable("tls", host, port, error)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) // 86_400)
    if days < CERTIFICATE_WARNING_DAYS:
        return Finding(
            "tls",
            Status.WARN,
            f"The certificate of {host} ends in {days} days.",
            "Ask whoever runs that host to renew it.",
        )
    return Finding("tls", Status.OK, f"{host} is trusted; its certificate ends in {days} days.")


async def check_tcp(host: str, port: int) -> Finding:
    """Open a connection without TLS, as to a simulator."""
    try:
        async with asyncio.timeout(TIMEOUT):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return _unreachable("tcp", host, port, error)
    writer.close()
    return Finding("tcp", Status.OK, f"{host}:{port} takes connections.")


def _unreachable(check: str, host: str, port: int, error: Exception) -> Finding:
    return Finding(
        check,
        Status.FAIL,
        f"{host}:{port} can't be reached: {_reason(error)}.",
        "Check RELAY_UPSTREAM_URL and the firewall: the relay needs outgoing TCP to this port.",
    )


async def check_clock(base: str, context: ssl.SSLContext | None) -> Finding:
    """Compare this machine's clock with the provider's."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_HTTP_TIMEOUT) as http,
            http.head(base, ssl=context or True, allow_redirects=False) as answer,
        ):
            date = answer.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError) as error:
        return Finding("clock", Status.WARN, f"Could not be compared: {_reason(error)}.")
    try:
        sent_at = email.utils.parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return Finding("clock", Status.OK, "Could not be compared: the provider tells no time.")
    difference = time.time() - sent_at
    if abs(difference) > CLOCK_TOLERANCE:
        way = "ahead of" if difference > 0 else "behind"
        return Finding(
            "clock",
            Status.WARN,
            f"This machine's clock is {abs(difference):.0f} s {way} the provider's.",
            "Keep it right with NTP: certificates and time-outs depend on it.",
        )
    return Finding("clock", Status.OK, f"Within {CLOCK_TOLERANCE:.0f} s of the provider's.")


async def check_session(settings: Settings, context: ssl.SSLContext | None) -> Finding:
    """Open a session at the provider; none of it costs anything, since no audio is sent."""
    assert settings.elevenlabs_api_key is not None
    query = urlencode({"audio_format": settings.upstream_audio_format})
    started = time.monotonic()
    try:
        async with Direct(
            f"{settings.upstream_base_url}{SCRIBE_PATH}?{query}",
            additional_headers={"xi-api-key": settings.elevenlabs_api_key.get_secret_value()},
            ssl=context,
            proxy=None,
            open_timeout=TIMEOUT,
            compression=None,
        ) as socket_:
            first = await _first_message(socket_)
    except InvalidStatus as error:
        status = error.response.status_code
        return Finding(
            "session",
            Status.FAIL,
            f"The provider refused the WebSocket with HTTP {status}.",
            _advice(status),
        )
    except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
        return Finding(
            "session",
            Status.FAIL,
            f"No session could be opened: {_reason(error)}.",
            "Check that nothing between here and the provider blocks WebSockets.",
        )
    kind = first.get("message_type", "something that Scribe does not say")
    if kind == "session_started":
        took_ms = (time.monotonic() - started) * 1000
        return Finding("session", Status.OK, f"The provider opened a session in {took_ms:.0f} ms.")
    return Finding(
        "session",
        Status.FAIL,
        f"The provider answered {kind}.",
        EXPLANATIONS.get(str(kind), "Look it up in the provider's documentation."),
    )


def _advice(status: int) -> str:
    """Say what to do about an HTTP status with which the provider refuses a session."""
    fallback = "resource_exhausted" if status >= 500 else "invalid_request"
    return EXPLANATIONS[_STATUS_ERRORS.get(status, fallback)]


async def check_http(base: str, path: str, failure: str) -> Finding:
    """Ask one of the relay's health pages."""
    name = path.strip("/")
    try:
        async with (
            aiohttp.ClientSession(timeout=_HTTP_TIMEOUT) as http,
            http.get(f"{base}{path}") as answer,
        ):
            status, text = answer.status, (await answer.text())[:300].strip()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Finding(
            name,
            Status.FAIL,
            f"{base}{path} can't be reached: {_reason(error)}.",
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
            first = await _first_message(stream)
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
            f"No session could be opened: {_reason(error)}.",
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
                message = _read(text)
                failure = message if "error" in message else failure
    except TimeoutError:
        return Finding("stream", Status.OK, f"A session opened and lived {idle:g} s of silence.")
    except ConnectionClosed:
        pass
    if failure is not None:
        return _refusal(failure)
    after = time.monotonic() - started
    return Finding(
        "stream",
        Status.FAIL,
        f"The line was closed after {after:.0f} s of silence (code {stream.close_code}).",
        "A proxy ends idle connections: raise its time-out to a minute or more (nginx "
        "proxy_read_timeout, HAProxy timeout tunnel, a load balancer's idle time-out).",
    )


async def _first_message(stream: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(TIMEOUT):
        return _read(await stream.recv())


def _read(text: str | bytes) -> dict[str, Any]:
    """Read a message; an empty one if it is none."""
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _reason(error: BaseException) -> str:
    match error:
        case TimeoutError():
            return f"no answer within {TIMEOUT:g} s"
        case ConnectionClosed():
            return f"the connection was closed with code {error.rcvd.code if error.rcvd else 1006}"
        case OSError():
            return error.strerror or str(error) or type(error).__name__
        case _:
            return str(error).rstrip(".") or type(error).__name__
