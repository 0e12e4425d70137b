"""The only place where settings become objects."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.audio.pcm import WireFormat
from relay.audio.resample import Quality
from relay.auth.identities import Role
from relay.auth.origins import is_address, is_host_allowed
from relay.auth.throttle import Backoff, Throttle
from relay.bridge_config import BridgeConfig
from relay.downstream.options import OptionPolicy
from relay.errors import RelayError, UpstreamRejected
from relay.hosting import Host
from relay.http.access import Access, AnswerHeaders, Guard
from relay.http.account_pages import AccountPages
from relay.http.admin import AdminEndpoint
from relay.http.assets import Assets
from relay.http.health import Readiness, UpstreamProbe, healthz
from relay.http.history_pages import HistoryPages
from relay.http.kiosk_pages import KioskPages
from relay.http.kiosks import KioskEndpoint
from relay.http.metrics import MISDIRECTED, MetricsEndpoint, MetricsPort
from relay.http.ops import OpsPages
from relay.http.ops_api import OpsEndpoint
from relay.http.pages import Pages
from relay.http.rendering import Renderer
from relay.http.scribe import ScribeEndpoint
from relay.http.sign_in import SignInEndpoint
from relay.http.stream import StreamEndpoint
from relay.http.tokens import TokensEndpoint
from relay.http.transcripts import TranscriptsEndpoint
from relay.lines import Line
from relay.logs import Redactor
from relay.personal import PersonalData
from relay.sampling import Sampler
from relay.scribe.parameters import AudioFormat, CommitStrategy, Parameters
from relay.services import Services, limits_of
from relay.settings import Settings
from relay.uplink import Connect
from relay.upstream.connection import UpstreamConnection, connect
from relay.upstream.tokens import mint_token

if TYPE_CHECKING:
    from relay.tracing import Traces

STREAM_PATH = "/v1/stream"
SCRIBE_PATH = "/v1/speech-to-text/realtime"

TICKETS_PER_MINUTE: Final = 600
"""Tickets that one account may ask for; each is kept for a quarter of an hour."""

SIGN_INS_PER_MINUTE: Final = 10
"""Attempts to sign in from one address."""


def create_app(
    settings: Settings,
    *,
    services: Services | None = None,
    open_upstream: Connect | None = None,
    metrics_folder: Path | None = None,
) -> Starlette:
    """Build the relay.

    Args:
        settings: Checked.
        services: What its parts have in common; by default what the settings say. They are
            started and closed with the app.
        open_upstream: Opens sockets to the provider; by default what the settings say.
        metrics_folder: Where this worker meets the metrics of the others, if there are any.

    Raises:
        ConfigError: If the keys that sign cookies can't be kept.
    """
    services = services or Services.build(settings)
    ssl_context = _ssl_context(settings)
    traces = _traces(settings, services)
    secret = settings.proxy_secret
    access = Access(
        services.gate,
        trusted_proxies=settings.trusted_proxies,
        proxy_secret=None if secret is None else secret.get_secret_value(),
    )
    host = Host(
        gate=services.gate,
        sessions=services.sessions,
        ownership=services.ownership,
        journal=services.journal,
        control=services.control,
        connect=open_upstream or _opener(settings, ssl_context),
        breaker=services.breaker,
        config=_bridge_config(settings),
        redact=Redactor(settings.known_secrets).redact,
        meter=traces or services.metrics,
        retention=settings.retention,
        recorder=services.recorder,
        recorded=settings.recorded,
    )
    policy = OptionPolicy(
        settings.pinned_options, settings.capped_options, settings.allowed_surcharges
    )
    meter = services.metrics
    stream = StreamEndpoint(access, host, policy, meter)
    sign_in = _sign_in(services, access)
    kiosks = KioskEndpoint(access, services.kiosks)
    admin = _admin(settings, services, access)
    transcripts = TranscriptsEndpoint(
        access, services.transcripts, services.erasure, services.ownership, services.shelf
    )
    readiness = _readiness(settings, services, ssl_context)
    ops = _ops(services, access, readiness)
    sampler = _sampler(services, readiness, metrics_folder)
    metrics = _metrics(settings, sampler)
    assets = Assets()
    renderer = Renderer(assets)
    pages = Pages(access, renderer, sign_in)
    account = AccountPages(
        access,
        renderer,
        sign_in,
        services.users,
        PersonalData(services.database, services.shelf, services.erasure),
        services.ownership,
    )
    kiosk_pages = KioskPages(
        access,
        renderer,
        kiosks,
        always_on=settings.kiosk_always_on,
        clear_after=settings.kiosk_clear_after,
    )
    app = Starlette(
        routes=[
            WebSocketRoute(STREAM_PATH, stream.serve),
            WebSocketRoute(SCRIBE_PATH, ScribeEndpoint(access, host, policy, meter).serve),
            Route("/healthz", healthz),
            Route("/readyz", readiness.readyz),
            *metrics.routes(),
            *sign_in.routes(),
            *kiosks.routes(),
            *_tokens(settings, services, access, ssl_context).routes(),
            *admin.routes(),
            *ops.routes(),
            *transcripts.routes(),
            *pages.routes(),
            *kiosk_pages.routes(),
            *OpsPages(access, renderer, admin, ops).routes(),
            *HistoryPages(access, renderer, transcripts).routes(),
            *account.routes(),
            *assets.routes(),
        ],
        lifespan=_lifespan(services, host, sampler, traces),
        exception_handlers={HTTPException: pages.answer_http, Exception: pages.answer_fault},
    )
    # A redirect would name the scheme of the connection, which a proxy may have changed.
    app.router.redirect_slashes = False
    per_minute = settings.handshakes_per_minute
    throttle = Throttle(per_minute, per_minute)
    app.add_middleware(Guard, access=access, throttle=throttle, answer=pages.answer, meter=meter)
    hosts = frozenset(settings.allowed_hosts)
    app.add_middleware(HostCheck, allowed=hosts)
    app.add_middleware(AnswerHeaders, meter=meter)
    if settings.metrics_port is not None:
        app.add_middleware(MetricsPort, port=settings.metrics_port, endpoint=metrics, allowed=hosts)
    app.state.services = services
    return app


def _traces(settings: Settings, services: Services) -> "Traces | None":
    if not settings.tracing:
        return None
    from relay.tracing import Traces  # its packages needn't be there where it isn't wanted

    return Traces(services.metrics, services.sessions.worker)


def _sampler(services: Services, readiness: Readiness, folder: Path | None) -> Sampler:
    return Sampler(
        services.metrics,
        sessions=services.sessions,
        breaker=services.breaker,
        limiter=services.limiter,
        checks=readiness.others,
        check_upstream=readiness.upstream.check,
        certificate_end=lambda: readiness.upstream.certificate_end,
        figures=services.figures,
        folder=folder,
    )


def _metrics(settings: Settings, sampler: Sampler) -> MetricsEndpoint:
    token = settings.metrics_token
    return MetricsEndpoint(
        sampler.expose,
        settings.metrics_networks,
        None if token is None else token.get_secret_value(),
        has_own_port=settings.metrics_port is not None,
    )


def _lifespan(
    services: Services, host: Host, sampler: Sampler, traces: "Traces | None"
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            await services.start()
        except RelayError as error:
            # uvicorn only logs what goes wrong here; whoever started it says it in one line.
            app.state.failure = error
            await services.aclose()
            raise
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(services.run(), name="keep sessions")
            hosting = group.create_task(host.run(), name="host sessions")
            sampling = group.create_task(sampler.run(), name="sample metrics")
            try:
                yield
            finally:
                await services.sessions.drain()
                hosting.cancel()
                await asyncio.wait([hosting])
                await services.storing.finish()
                await services.finish_recording()
                keeping.cancel()
                sampling.cancel()  # the last, so that it has seen all
        await services.aclose()
        if traces is not None:
            await traces.aclose()

    return lifespan


def _readiness(
    settings: Settings, services: Services, ssl_context: ssl.SSLContext | None
) -> Readiness:
    upstream = urlsplit(settings.upstream_base_url)
    assert upstream.hostname is not None
    port = upstream.port or (443 if upstream.scheme == "wss" else 80)
    return Readiness(
        UpstreamProbe(upstream.hostname, port, ssl_context),
        has_key=settings.elevenlabs_api_key is not None,
        others={"redis": services.state.ping, "database": services.database.ping},
        is_out_of_service=services.presence.is_out_of_service,
    )


def _sign_in(services: Services, access: Access) -> SignInEndpoint:
    return SignInEndpoint(
        access=access,
        users=services.users,
        passwords=services.passwords,
        session_cookie=services.session_cookie,
        per_address=Throttle(SIGN_INS_PER_MINUTE, SIGN_INS_PER_MINUTE),
        per_name=Backoff(),
        meter=services.metrics,
    )


def _tokens(
    settings: Settings, services: Services, access: Access, ssl_context: ssl.SSLContext | None
) -> TokensEndpoint:
    key = settings.elevenlabs_api_key
    mint = None
    if settings.allow_upstream_tokens and key is not None:
        mint = partial(mint_token, settings.upstream_base_url, key.get_secret_value(), ssl_context)
    per_account = Throttle(TICKETS_PER_MINUTE, TICKETS_PER_MINUTE)
    return TokensEndpoint(access, services.tickets, per_account, mint)


def _admin(settings: Settings, services: Services, access: Access) -> AdminEndpoint:
    return AdminEndpoint(
        access=access,
        registry=services.registry,
        control=services.control,
        usage=services.usage,
        users=services.users,
        kiosks=services.kiosks,
        api_keys=services.api_keys,
        passwords=services.passwords,
        key_limits=limits_of(settings)[Role.KEY],
        transcripts=services.transcripts,
        price_per_hour=settings.price_per_hour,
    )


def _ops(services: Services, access: Access, readiness: Readiness) -> OpsEndpoint:
    return OpsEndpoint(
        access=access,
        readiness=readiness,
        registry=services.registry,
        timelines=services.timelines,
        workers=services.workers,
        control=services.control,
        slots=services.slots,
        figures=services.figures,
    )


PROBED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What orchestrators, load balancers and Prometheus ask for by address: that of a pod isn't known
before, so it can't be among the allowed hosts."""


class HostCheck:
    """Refuse requests that name another host, before anything looks at them."""

    def __init__(self, app: ASGIApp, *, allowed: frozenset[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is addressed to us."""
        is_request = scope["type"] in ("http", "websocket")
        # More than one Host is an attempt to be two things at once (RFC 9112, section 3.2).
        hosts = Headers(scope=scope).getlist("host") if is_request else []
        if is_request and not (len(hosts) == 1 and self._is_ours(hosts[0], scope)):
            await PlainTextResponse(MISDIRECTED, 421)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, host: str, scope: Scope) -> bool:
        if is_host_allowed(host, self._allowed):
            return True
        return scope["type"] == "http" and scope["path"] in PROBED and is_address(host)


def _opener(settings: Settings, ssl_context: ssl.SSLContext | None) -> Connect:
    key = settings.elevenlabs_api_key
    headers = {} if key is None else {"xi-api-key": key.get_secret_value()}

    async def open_upstream(line: Line, granted: Parameters) -> UpstreamConnection:
        if not headers:
            raise UpstreamRejected(
                "auth_error", "This relay has no key: an operator has to set ELEVENLABS_API_KEY."
            )
        query = urlencode(_upstream_parameters(granted, line.session.wire_format).to_query())
        return await connect(
            line,
            f"{settings.upstream_base_url}{SCRIBE_PATH}?{query}",
            headers=headers,
            ssl_context=ssl_context,
            connect_timeout=settings.upstream_connect_timeout,
            write_bytes=settings.upstream_write_bytes,
        )

    return open_upstream


def _upstream_parameters(granted: Parameters, wire_format: WireFormat) -> Parameters:
    """What the provider is asked for: every commit is the relay's, and so is voice activity."""
    plain = Parameters()
    return granted.replace(
        audio_format=AudioFormat(wire_format),
        commit_strategy=CommitStrategy.MANUAL,
        vad_silence_threshold_secs=plain.vad_silence_threshold_secs,
        vad_threshold=plain.vad_threshold,
        min_speech_duration_ms=plain.min_speech_duration_ms,
        min_silence_duration_ms=plain.min_silence_duration_ms,
    )


def _bridge_config(settings: Settings) -> BridgeConfig:
    return BridgeConfig(
        wire_format=WireFormat(settings.upstream_audio_format),
        quality=Quality(settings.resampler_quality),
        chunk_ms=settings.chunk_ms,
        message_bytes=settings.message_bytes,
        ledger_seconds=settings.ledger_seconds,
        outbox_bytes=settings.outbox_bytes,
        idle_timeout=settings.idle_timeout,
        opening_timeout=2 * settings.upstream_connect_timeout,
        outage_limit=settings.upstream_outage_limit,
        upstream_session_limit=settings.upstream_session_limit,
        quiet_seconds=settings.quiet_seconds,
        commit_timeout=settings.commit_timeout,
        stop_timeout=settings.stop_timeout,
        park_seconds=settings.park_seconds,
    )


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    if not settings.upstream_base_url.startswith("wss:"):
        return None
    return ssl.create_default_context(cafile=settings.upstream_ca_file)
