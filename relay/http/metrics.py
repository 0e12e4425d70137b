"""`/metrics`: what was counted, for those who may read it and for nobody else."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.auth.addresses import Network, names_forwarding, parse_address
from relay.auth.origins import is_host_allowed, is_internal

PATH: Final = "/metrics"

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus's text format, which every release of it reads."""

MISDIRECTED: Final = (
    "This relay has another name; an operator can add one to RELAY_ALLOWED_HOSTS.\n"
)
"""Said to who asks under a name that isn't ours (421)."""

Expose: TypeAlias = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class MetricsEndpoint:
    """Answers those who come from a network of ours by themselves, or who show the token."""

    expose: Expose
    networks: Sequence[Network]
    token: str | None
    has_own_port: bool = False
    """Whether it is reached by that alone; then whoever gets there may read, unless there is a
    token."""

    def routes(self) -> list[Route]:
        """List the routes beside all others; none where it has a port of its own."""
        return [] if self.has_own_port else [Route(PATH, self.read)]

    async def read(self, request: Request) -> Response:
        """Answer with what was counted; 401 where a token could help, else as if nothing was here.

        Raises:
            HTTPException: If whoever asks may not read it.
        """
        shown = request.headers.getlist("authorization")
        if shown and self.token is not None:
            is_allowed = len(shown) == 1 and self._is_token(shown[0])
        else:
            is_allowed = self._comes_by_itself(request)
        if is_allowed:
            return Response(await self.expose(), media_type=CONTENT_TYPE)
        if self.token is None:
            raise HTTPException(404)
        return PlainTextResponse(
            "Show the token: Authorization: Bearer …\n", 401, {"www-authenticate": "Bearer"}
        )

    def _is_token(self, authorization: str) -> bool:
        assert self.token is not None
        scheme, _, token = authorization.partition(" ")
        # Compared as bytes: of texts, only ASCII can be compared in constant time.
        is_right = hmac.compare_digest(token.strip().encode("latin-1"), self.token.encode())
        return is_right and scheme.lower() == "bearer"

    def _comes_by_itself(self, request: Request) -> bool:
        """Whether no proxy stands between, and the address is one of ours."""
        if self.has_own_port:
            return self.token is None
        if names_forwarding(request.headers.keys()):
            return False
        address = parse_address(request.client.host if request.client else "")
        return address is not None and any(address in network for network in self.networks)


class MetricsPort:
    """Stands before the app: on the port of its own there is `/metrics`, and nothing else."""

    def __init__(
        self, app: ASGIApp, *, port: int, endpoint: MetricsEndpoint, allowed: frozenset[str]
    ) -> None:
        """Answer at `port`, under the `allowed` names and those that only one's own network has."""
        self._app = app
        self._port = port
        self._endpoint = endpoint
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what came to the port; pass on all else."""
        # The socket's own address, which no header can change.
        if scope["type"] not in ("http", "websocket") or scope["server"][1] != self._port:
            await self._app(scope, receive, send)
            return
        answer: Response = PlainTextResponse("Only /metrics is here.\n", 404)
        if not self._is_ours(Headers(scope=scope).getlist("host")):
            answer = PlainTextResponse(MISDIRECTED, 421)
        elif scope["type"] == "http" and scope["path"] == PATH:
            request = Request(scope, receive)
            answer = PlainTextResponse("Read it with GET.\n", 405, {"allow": "GET, HEAD"})
            if request.method in ("GET", "HEAD"):
                answer = await self._endpoint.read(request)
        await answer(scope, receive, send)

    def _is_ours(self, hosts: Sequence[str]) -> bool:
        """Whether no page can have brought the request about by a name of its own."""
        if len(hosts) != 1:
            return False
        return is_internal(hosts[0]) or is_host_allowed(hosts[0], self._allowed)
