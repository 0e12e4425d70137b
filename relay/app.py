"""The only place where settings become objects."""

import ssl
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.audio.pcm import WireFormat
from relay.audio.resample import Quality
from relay.bridge import Bridge, BridgeConfig, Connect
from relay.downstream.options import OptionPolicy
from relay.errors import UpstreamRejected
from relay.http.admission import is_host_allowed
from relay.http.health import Readiness, UpstreamProbe, healthz
from relay.http.stream import StreamEndpoint
from relay.logs import Redactor
from relay.scribe.parameters import AudioFormat, CommitStrategy, Parameters
from relay.settings import Settings
from relay.upstream.connection import UpstreamConnection, connect

STREAM_PATH = "/v1/stream"
SCRIBE_PATH = "/v1/speech-to-text/realtime"


def create_app(settings: Settings, *, open_upstream: Connect | None = None) -> Starlette:
    """Build the relay.

    Args:
        settings: Checked.
        open_upstream: Opens sockets to the provider; by default what the settings say.
    """
    key = settings.elevenlabs_api_key
    ssl_context = _ssl_context(settings)
    redactor = Redactor([] if key is None else [key.get_secret_value()])
    stream = StreamEndpoint(
        connect=open_upstream or _opener(settings, ssl_context),
        config=_bridge_config(settings),
        policy=OptionPolicy(
            settings.pinned_options, settings.capped_options, settings.allowed_surcharges
        ),
        allowed_origins=settings.allowed_origins,
        max_sessions=settings.max_sessions,
        redact=redactor.redact,
    )
    upstream = urlsplit(settings.upstream_base_url)
    assert upstream.hostname is not None
    port = upstream.port or (443 if upstream.scheme == "wss" else 80)
    ready = Readiness(UpstreamProbe(upstream.hostname, port, ssl_context), has_key=key is not None)
    app = Starlette(
        routes=[
            WebSocketRoute(STREAM_PATH, stream.serve),
            Route("/healthz", healthz),
            Route("/readyz", ready.readyz),
        ]
    )
    app.add_middleware(HostCheck, allowed=frozenset(settings.allowed_hosts))
    return app


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
        if is_request and not (len(hosts) == 1 and is_host_allowed(hosts[0], self._allowed)):
            text = "This relay has another name; an operator can add one to RELAY_ALLOWED_HOSTS.\n"
            await PlainTextResponse(text, 421)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _opener(settings: Settings, ssl_context: ssl.SSLContext | None) -> Connect:
    key = settings.elevenlabs_api_key
    headers = {} if key is None else {"xi-api-key": key.get_secret_value()}

    async def open_upstream(bridge: Bridge, granted: Parameters) -> UpstreamConnection:
        if not headers:
            raise UpstreamRejected(
                "auth_error", "This relay has no key: an operator has to set ELEVENLABS_API_KEY."
            )
        query = urlencode(_upstream_parameters(granted, settings).to_query())
        return await connect(
            bridge,
            f"{settings.upstream_base_url}{SCRIBE_PATH}?{query}",
            headers=headers,
            ssl_context=ssl_context,
            connect_timeout=settings.upstream_connect_timeout,
            write_bytes=settings.upstream_write_bytes,
        )

    return open_upstream


def _upstream_parameters(granted: Parameters, settings: Settings) -> Parameters:
    """What the provider is asked for: every commit is the relay's, and so is voice activity."""
    plain = Parameters()
    return granted.replace(
        audio_format=AudioFormat(settings.upstream_audio_format),
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
        commit_timeout=settings.commit_timeout,
        stop_timeout=settings.stop_timeout,
    )


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    if not settings.upstream_base_url.startswith("wss:"):
        return None
    return ssl.create_default_context(cafile=settings.upstream_ca_file)
