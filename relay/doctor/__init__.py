"""What keeps a relay from working, found by trying: each finding says what to do.

    findings  what a check found
    provider  this machine, the settings, and the way to the provider
    storage   Redis and the database
    analysis  the service that judges what is said
    line      a running relay, and what stands in front of it

The checks stand in the order in which one failing explains the next. On the way to the provider and
to a running relay they use the network as the relay does, but nothing of the relay's own code, so
that they can tell where a fault lies.
"""

import ssl
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from relay.doctor.analysis import check_moderation
from relay.doctor.findings import Finding, Status
from relay.doctor.line import check_http, check_stream
from relay.doctor.provider import (
    check_clock,
    check_dns,
    check_key,
    check_runtime,
    check_session,
    check_tcp,
    check_tls,
)
from relay.doctor.storage import check_database, check_redis
from relay.settings import Settings

__all__ = ["Finding", "Status", "examine", "examine_relay"]


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check this machine, the settings and the way to the provider."""
    yield check_runtime()
    yield check_key(settings)
    yield await check_database(settings)
    yield await check_redis(settings)
    if (judging := await check_moderation(settings)) is not None:
        yield judging
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
