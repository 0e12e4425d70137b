"""`/healthz`: the process lives. `/readyz`: it can serve sessions, and what is missing if not."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from relay.errors import RelayError, UpstreamUnavailable

PROBE_TIMEOUT = 3.0
"""Seconds in which the provider has to take a connection."""

PROBE_LIFETIME = 10.0
"""Seconds for which one look at the provider is good, so that probes of ours can't flood it."""


AWAY = "can't be used; scribe-relay doctor says why"
"""What anybody is told of Redis and the database: drivers' texts name hosts and users."""

DRAINED = "is being drained by an operator"


async def healthz(request: Request) -> PlainTextResponse:
    """Answer at all."""
    return PlainTextResponse("ok")


@dataclass
class UpstreamProbe:
    """Tells whether the provider takes connections, TLS included."""

    host: str
    port: int
    ssl_context: ssl.SSLContext | None

    def __post_init__(self) -> None:
        self._lock = asyncio.Lock()
        self._seen_at = float("-inf")
        self._fault: str | None = None
        self.certificate_end: float | None = None
        """When the certificate ends that was seen last, in seconds since 1970."""

    async def check(self) -> None:
        """Look, unless that was done lately.

        Raises:
            UpstreamUnavailable: If it takes no connection.
        """
        if (fault := await self.fault()) is not None:
            raise UpstreamUnavailable("upstream_unavailable", f"The provider {fault}.")

    async def fault(self) -> str | None:
        """What is wrong, if anything; at most one look within `PROBE_LIFETIME`."""
        async with self._lock:
            if time.monotonic() - self._seen_at > PROBE_LIFETIME:
                self._fault = await self._look()
                self._seen_at = time.monotonic()
            return self._fault

    async def _look(self) -> str | None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                _, writer = await asyncio.open_connection(
                    self.host, self.port, ssl=self.ssl_context
                )
                certificate = writer.get_extra_info("peercert") or {}
                if (end := certificate.get("notAfter")) is not None:
                    self.certificate_end = ssl.cert_time_to_seconds(end)
                # That it takes connections is known now; nobody has to answer a farewell.
                writer.transport.abort()
        # UnicodeError: a name that DNS can't hold, such as one with two dots in a row.
        except (OSError, TimeoutError, UnicodeError) as error:
            return f"can't be reached ({type(error).__name__})"
        return None


@dataclass
class Readiness:
    """Tells whether a new session can be served."""

    upstream: UpstreamProbe
    has_key: bool
    others: Mapping[str, Callable[[], Awaitable[None]]]
    """Checks by name; each raises a `RelayError` with what is wrong."""
    is_out_of_service: Callable[[], Awaitable[bool]]
    """Tells whether every worker that what comes here could reach is being drained."""

    async def readyz(self, request: Request) -> JSONResponse:
        """Answer 200 when a new session can be served, else 503 with the reasons."""
        checks = await self.faults()
        if await self.is_out_of_service():
            checks["duty"] = DRAINED
        ready = not any(checks.values())
        body = {
            "ready": ready,
            "checks": {
                name: "ok" if fault is None else AWAY if name in self.others else fault
                for name, fault in checks.items()
            },
        }
        return JSONResponse(body, 200 if ready else 503)

    async def faults(self) -> dict[str, str | None]:
        """What is wrong with each thing that a session needs, if anything."""
        upstream, *others = await asyncio.gather(
            self.upstream.fault(), *map(_fault, self.others.values())
        )
        return {
            "key": None if self.has_key else "ELEVENLABS_API_KEY is not set",
            "upstream": upstream,
            **dict(zip(self.others, others, strict=True)),
        }


async def _fault(check: Callable[[], Awaitable[None]]) -> str | None:
    try:
        # Whoever asks for health waits for no more than that, least of all when something hangs.
        async with asyncio.timeout(PROBE_TIMEOUT):
            await check()
    except RelayError as error:
        return str(error)
    except TimeoutError:
        return f"doesn't answer within {PROBE_TIMEOUT:g} s"
    return None
