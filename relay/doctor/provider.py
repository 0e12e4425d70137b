"""This machine, the settings, and the way to the provider."""

import asyncio
import email.utils
import importlib.metadata
import platform
import socket
import ssl
import time
from datetime import UTC
from urllib.parse import urlencode

import aiohttp
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from relay import __version__
from relay.client.direct import Direct
from relay.doctor.findings import HTTP_TIMEOUT, TIMEOUT, Finding, Status, first_message, reason
from relay.settings import Settings

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
            f"{host} has no address: {reason(error)}.",
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
            f"{host}:{port} does not speak TLS as expected: {reason(error)}.",
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
        f"{host}:{port} can't be reached: {reason(error)}.",
        "Check RELAY_UPSTREAM_URL and the firewall: the relay needs outgoing TCP to this port.",
    )


async def check_clock(base: str, context: ssl.SSLContext | None) -> Finding:
    """Compare this machine's clock with the provider's."""
    try:
        async with (
            aiohttp.ClientSession(timeout=HTTP_TIMEOUT) as http,
            http.head(base, ssl=context or True, allow_redirects=False) as answer,
        ):
            date = answer.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError) as error:
        return Finding("clock", Status.WARN, f"Could not be compared: {reason(error)}.")
    try:
        sent = email.utils.parsedate_to_datetime(date or "")
        # `-0000` says UTC too, but for Python it says nothing. Source: RFC 5322, section 3.3.
        sent_at = (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).timestamp()
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
            first = await first_message(socket_)
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
            f"No session could be opened: {reason(error)}.",
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
