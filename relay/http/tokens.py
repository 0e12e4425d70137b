"""`POST /v1/single-use-token/realtime_scribe` and `POST /api/upstream-token`."""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from relay.auth.identities import Identity, Kind, Role
from relay.auth.origins import canonical_origin
from relay.auth.throttle import Throttle
from relay.auth.tickets import Ticket, Tickets
from relay.downstream.options import check_options
from relay.errors import InvalidRequest, LimitExceeded, NotAllowed
from relay.http.access import Access
from relay.http.bodies import decode_json, read_body

TOKEN_TYPE: Final = "realtime_scribe"  # noqa: S105  # the name of a kind of token

MAX_SECONDS: Final = 86_400.0
MAX_SUBJECT_LENGTH: Final = 128

MintUpstreamToken: TypeAlias = Callable[[], Awaitable[str]]
"""Mints a single-use token of the provider's.

Raises:
    UpstreamError: If that fails.
"""


class TicketRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a ticket is to be good for; everything is optional."""

    subject: str | None = None
    """Whom limits and history follow; for server keys, which stand for many people."""
    options: dict[str, str | list[str]] = {}  # msgspec copies it
    """Options of the session, pinned: the ticket's bearer can't change them."""
    max_seconds: float | None = None
    origin: str | None = None
    """The only origin whose pages may use it."""


@dataclass(frozen=True)
class TokensEndpoint:
    """Gives tickets to those who may speak, and the provider's tokens where that is allowed."""

    access: Access
    tickets: Tickets
    per_account: Throttle
    mint_upstream_token: MintUpstreamToken | None
    """None where the provider's tokens are not given out."""

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/v1/single-use-token/{token_type}", self.issue, methods=["POST"]),
            Route("/api/upstream-token", self.mint, methods=["POST"]),
        ]

    async def issue(self, request: Request) -> Response:
        """Issue a ticket, in the vendor's own form of answer."""
        # Not for kiosks: a ticket could be carried away from the place that is all they show.
        identity = await self.access.require(request, Role.USER, Role.OPERATOR, Role.KEY)
        self._slow_down(identity)
        if request.path_params["token_type"] != TOKEN_TYPE:
            raise InvalidRequest("Only realtime_scribe tokens are issued here.")
        wanted = await _read(request)
        if wanted.subject is not None and identity.kind is not Kind.KEY:
            raise NotAllowed("A subject can be named with a server key alone.")
        _check(wanted)
        options = tuple(
            (name, value)
            for name, given in wanted.options.items()
            for value in ([given] if isinstance(given, str) else given)
        )
        check_options((*options, *identity.options))
        ticket = Ticket.of(
            identity,
            subject=wanted.subject,
            options=options,
            max_seconds=wanted.max_seconds,
            origin=None if wanted.origin is None else canonical_origin(wanted.origin),
        )
        return JSONResponse({"token": await self.tickets.issue(ticket)})

    async def mint(self, request: Request) -> Response:
        """Mint a token with which a client connects to the provider directly."""
        identity: Identity = await self.access.require(request, Role.USER, Role.OPERATOR, Role.KEY)
        if self.mint_upstream_token is None:
            raise NotAllowed(
                "This relay gives out no tokens of the provider's, since no limit can follow "
                f"them; an operator can change that for {identity.role}s by "
                "RELAY_ALLOW_UPSTREAM_TOKENS."
            )
        self._slow_down(identity)
        return JSONResponse({"token": await self.mint_upstream_token()})

    def _slow_down(self, identity: Identity) -> None:
        if (wait := self.per_account.allow(identity.account, time.monotonic())) > 0:
            raise LimitExceeded("rate_limited", "This account asks for too many tickets.", wait)


async def _read(request: Request) -> TicketRequest:
    body = await read_body(request)
    return decode_json(body, TicketRequest) if body else TicketRequest()


def _check(wanted: TicketRequest) -> None:
    seconds = wanted.max_seconds
    if seconds is not None and not (math.isfinite(seconds) and 0 < seconds <= MAX_SECONDS):
        raise InvalidRequest(f"max_seconds must be above 0 and at most {MAX_SECONDS:g}.")
    subject = wanted.subject
    # It becomes a part of keys and of rows, and PostgreSQL takes no text with a zero in it.
    if subject is not None and not (
        0 < len(subject) <= MAX_SUBJECT_LENGTH and subject.isprintable()
    ):
        raise InvalidRequest(f"subject must have 1 to {MAX_SUBJECT_LENGTH} printable characters.")
    if wanted.origin is not None and canonical_origin(wanted.origin) is None:
        raise InvalidRequest("origin must be one of a web page, such as https://app.example.org.")
