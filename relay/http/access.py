"""Who makes a request, and what every answer says to the browser."""

import hmac
import time
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal, TypeAlias

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relay.auth.addresses import bucket, resolve
from relay.auth.gate import KEY_HEADER, RESUME_PREFIX, TICKET_PREFIX, Arrival, Gate
from relay.auth.identities import Identity, Role
from relay.auth.origins import is_own_origin
from relay.auth.throttle import Throttle
from relay.errors import (
    ClientError,
    InvalidRequest,
    LimitExceeded,
    NotAllowed,
    NotFound,
    OriginNotAllowed,
    RelayError,
    StateError,
    StateUnavailable,
    StoreRefused,
    StoreUnavailable,
    Unauthorized,
)
from relay.meter import Meter
from relay.protocol.refusal import refuse

OPEN_PATHS: Final = frozenset({"/api/login", "/api/login/link", "/api/kiosk/enrolment"})
"""Paths under `/api` for those who are nobody yet."""

PROXY_PROOF_HEADER: Final = "x-relay-proxy-secret"
"""In which a proxy shows that it is one, and not another program of its machine."""

SIGN_IN_PATHS: Final = frozenset({"/api/login", "/api/login/link"})
"""Where passwords and links are shown; whoever looks at those counts what isn't good."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS: Final = {
    # 'self' takes in ws: and wss: to our own host, and worklets are held to what scripts are.
    # Source: CSP Level 3, "Does url match expression in origin with redirect count?" and "Get the
    # effective directive for request".
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; media-src 'self'; worker-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    # With `no-referrer`, browsers would send `Origin: null` with our own pages' forms.
    # Source: the Fetch standard, "append a request `Origin` header".
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "permissions-policy": "microphone=(self)",
}
"""On every answer, unless it has its own."""

Answer: TypeAlias = Callable[[Request, RelayError], Response]
"""Says an error to whoever made a request."""


class Access:
    """Reads requests and asks the gate."""

    def __init__(
        self,
        gate: Gate,
        *,
        trusted_proxies: Sequence[IPv4Network | IPv6Network],
        proxy_secret: str | None = None,
    ) -> None:
        """Believe `trusted_proxies`; where there is a secret, only those who show it."""
        self.gate = gate
        self._trusted_proxies = trusted_proxies
        self._proxy_secret = proxy_secret

    def arrival(self, connection: HTTPConnection) -> Arrival:
        """Read what a request brings."""
        pairs = connection.headers.items()
        times = Counter(name for name, _ in pairs)
        # What is said twice is said by two, and one of them isn't the proxy: it counts as unsaid.
        headers = {name: value for name, value in pairs if times[name] == 1}
        # But two keys are shown, and are not one that is good.
        if (key := _joined(connection, KEY_HEADER)) is not None:
            headers[KEY_HEADER] = key
        peer = connection.client.host if connection.client else None
        is_proven = self._proxy_secret is None or hmac.compare_digest(
            headers.get(PROXY_PROOF_HEADER, "").encode("latin-1"), self._proxy_secret.encode()
        )
        caller = resolve(peer, pairs, self._trusted_proxies, is_proven=is_proven)
        own: Literal["http", "https"] = (
            "https" if connection.url.scheme in ("https", "wss") else "http"
        )
        return Arrival(
            caller=caller,
            scheme=caller.scheme or own,
            host=connection.headers.get("host", ""),
            origin=_joined(connection, "origin"),
            headers=headers,
            cookies=connection.cookies,
            subprotocols=connection.scope.get("subprotocols", ()),
        )

    def origin(self, connection: HTTPConnection) -> str:
        """This relay as the browser names it."""
        arrival = self.arrival(connection)
        return f"{arrival.scheme}://{arrival.host}"

    async def identify(self, connection: HTTPConnection) -> Identity | None:
        """Who makes a request; asked once for each.

        Raises:
            Unauthorized: If a key is shown that isn't good.
            StoreUnavailable: If nobody can tell.
        """
        state = connection.scope.setdefault("state", {})
        if "identity" not in state:
            state["identity"] = await self.gate.identify(self.arrival(connection))
        found: Identity | None = state["identity"]
        return found

    async def require(self, connection: HTTPConnection, *roles: Role) -> Identity:
        """Who makes a request, if they may.

        Raises:
            Unauthorized: If it is nobody.
            NotAllowed: If it is none of `roles`.
        """
        identity = await self.identify(connection)
        if identity is None:
            raise Unauthorized("Sign in first.")
        if roles and identity.role not in roles:
            raise NotAllowed(f"This is for {' and '.join(f'{role}s' for role in roles)} alone.")
        return identity

    def check_unsafe(self, request: Request) -> None:
        """Let nobody's page act on behalf of its visitors.

        Raises:
            OriginNotAllowed: If an unsafe request comes from another page than ours, one that may
                open sessions included, or shows a cookie and doesn't say where it comes from.
        """
        if request.method in SAFE_METHODS:
            return
        arrival = self.arrival(request)
        if arrival.origin is None and (
            "cookie" not in request.headers or KEY_HEADER in arrival.headers
        ):
            return
        scheme = "wss" if arrival.scheme == "https" else "ws"
        if arrival.origin is None or not is_own_origin(arrival.origin, arrival.host, scheme):
            raise OriginNotAllowed(arrival.origin, may_be_allowed=False)


class Guard:
    """Stands before every route: handshakes per address, `/api` for nobody unknown."""

    def __init__(
        self, app: ASGIApp, *, access: Access, throttle: Throttle, answer: Answer, meter: Meter
    ) -> None:
        """Stand before `app`; what is refused is said by `answer`, and counted."""
        self._app = app
        self._meter = meter
        self._access = access
        self._throttle = throttle
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        match scope["type"]:
            case "websocket":
                await self._pass_socket(scope, receive, send)
            case "http":
                await self._pass_request(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    async def _pass_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrival = self._access.arrival(HTTPConnection(scope))
        wait = self._throttle.allow(bucket(arrival.caller.address), time.monotonic())
        if wait > 0:
            error = LimitExceeded("rate_limited", "Too many connections from this address.", wait)
            self._meter.limit_hit(error.limit, "handshake")
            # Before anybody is known, a refusal need not be seen by pages: it may cost nothing.
            await answer_json(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _pass_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._access.check_unsafe(request)
            if scope["path"].startswith("/api/") and scope["path"] not in OPEN_PATHS:
                await self._access.require(request)
            await self._app(scope, receive, send)
        except RelayError as error:
            if scope["path"] not in SIGN_IN_PATHS or isinstance(error, OriginNotAllowed):
                count_refusal(self._meter, error, request, "http")
            await self._answer(request, error)(scope, receive, send)
        except ClientDisconnect:
            return  # there is nobody left to answer


def count_refusal(
    meter: Meter, error: RelayError, connection: HTTPConnection, at: Literal["admission", "http"]
) -> None:
    """Count who was refused, by a limit or for what was shown."""
    match error:
        case LimitExceeded(limit=limit):
            meter.limit_hit(limit, at)
        case Unauthorized():
            meter.credential_refused(_shown(connection))
        case OriginNotAllowed():
            meter.credential_refused("origin")
        case NotAllowed():
            meter.credential_refused("not_allowed")


def _shown(connection: HTTPConnection) -> str:
    """The strongest credential that a connection brings, which is the one that counts."""
    protocols = connection.scope.get("subprotocols", ())
    for prefix, name in ((RESUME_PREFIX, "resume_token"), (TICKET_PREFIX, "ticket")):
        if any(protocol.startswith(prefix) for protocol in protocols):
            return name
    if "token" in connection.query_params:  # as Scribe's SDKs show it
        return "ticket"
    if KEY_HEADER in connection.headers:
        return "key"
    return "cookie" if "cookie" in connection.headers else "nothing"


def answer_json(error: RelayError) -> Response:
    """Say an error over HTTP, under the name that it has on sockets."""
    failure, _ = refuse(error)
    body = {"type": failure.error_type, "error": failure.error}
    return JSONResponse(body, status_of(error), retry_after(error))


def status_of(error: RelayError) -> int:
    """The status of an answer that says an error."""
    return {
        Unauthorized: 401,
        OriginNotAllowed: 403,
        NotAllowed: 403,
        NotFound: 404,
        LimitExceeded: 429,
        InvalidRequest: 422,
        StateError: 500,
        StateUnavailable: 503,
        StoreUnavailable: 503,
        StoreRefused: 503,
    }.get(type(error), 400 if isinstance(error, ClientError) else 502)


def retry_after(error: RelayError) -> dict[str, str]:
    """The header that says when an error may be gone, in whole seconds; or none."""
    failure, _ = refuse(error)
    if failure.retry_after_ms is None:
        return {}
    return {"retry-after": str(max(1, -(-failure.retry_after_ms // 1000)))}


class AnswerHeaders:
    """Puts `HEADERS` on every answer, whoever gives it, and counts it."""

    def __init__(self, app: ASGIApp, *, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""

        async def send_with_headers(message: Message) -> None:
            # A WebSocket that is refused gets an answer as well.
            if message["type"].endswith("http.response.start"):
                self._meter.answered(message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _joined(connection: HTTPConnection, name: str) -> str | None:
    """Read a header as one, however often it was sent."""
    values = connection.headers.getlist(name)
    return ", ".join(values) if values else None
