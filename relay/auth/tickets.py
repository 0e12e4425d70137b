"""Single-use tickets: a page or device connects once with what somebody else may do.

A ticket is a signed name of a Redis key that holds what it is good for. Spending it is `GETDEL`, so
of any number of sockets that show it at once exactly one is admitted. The signature lets forged
ones be refused without asking Redis.
"""

import secrets
from typing import Final

import msgspec

from relay.auth.identities import Identity, Kind, Role
from relay.auth.origins import canonical_origin
from relay.auth.signing import BadSignature, Signer
from relay.errors import Unauthorized
from relay.state import SharedState

LIFETIME: Final = 900.0
"""Seconds. Source: the provider's own tokens last 15 min, and clients count on it."""

KEY: Final = "relay:ticket:"
PURPOSE: Final = "ticket"

REFUSED: Final = "This ticket is unknown, spent or expired; get a new one."


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticket is good for."""

    kind: Kind
    id: str
    name: str
    role: Role
    subject: str | None = None
    """Whom limits and history follow, where a server key gave the ticket to one of its users."""
    options: tuple[tuple[str, str], ...] = ()
    """Pinned options of the session."""
    limits: dict[str, float] = {}  # msgspec copies it
    sign_in: str | None = None
    is_place: bool = False
    max_seconds: float | None = None
    """Longest session."""
    origin: str | None = None
    """The only origin whose pages may use it, as `canonical_origin` writes it; None for any."""

    @classmethod
    def of(
        cls,
        identity: Identity,
        *,
        subject: str | None = None,
        options: tuple[tuple[str, str], ...] = (),
        max_seconds: float | None = None,
        origin: str | None = None,
    ) -> "Ticket":
        """Make a ticket that lets somebody do what `identity` may, or less."""
        return cls(
            kind=identity.kind,
            id=identity.id,
            name=identity.name,
            role=identity.role,
            subject=identity.subject if subject is None else subject,
            # The identity's own come last: they win over what is asked for.
            options=(*options, *identity.options),
            limits=dict(identity.limits),
            sign_in=identity.sign_in,
            is_place=identity.is_place,
            max_seconds=max_seconds,
            origin=origin,
        )

    @property
    def identity(self) -> Identity:
        """Who speaks, with the ticket's subject and options."""
        return Identity(
            kind=self.kind,
            id=self.id,
            name=self.name,
            role=self.role,
            subject=self.subject,
            options=self.options,
            limits=self.limits,
            sign_in=self.sign_in,
            is_place=self.is_place,
        )


class Tickets:
    """Issues tickets and spends them."""

    def __init__(self, state: SharedState, signer: Signer, *, lifetime: float = LIFETIME) -> None:
        self._state = state
        self._signer = signer
        self._lifetime = lifetime

    async def issue(self, ticket: Ticket) -> str:
        """Make a ticket's text, which fits a URL and a WebSocket subprotocol.

        Raises:
            StateUnavailable: If Redis can't keep it.
        """
        name = secrets.token_urlsafe(24)
        async with self._state.asking() as redis:
            await redis.set(
                KEY + name,
                msgspec.json.encode(ticket).decode(),
                px=round(self._lifetime * 1000),
            )
        return self._signer.dumps(PURPOSE, name)

    async def spend(self, text: str, *, origin: str | None) -> Ticket:
        """Use a ticket up.

        Args:
            text: As `issue` gave it.
            origin: Of the page that shows it. A ticket for another one is spent all the same: it
                has got into wrong hands.

        Raises:
            Unauthorized: If it isn't good, or not here.
            StateUnavailable: If nobody can tell.
        """
        try:
            name = self._signer.loads(PURPOSE, text, max_age=self._lifetime)
        except BadSignature:
            raise Unauthorized(REFUSED) from None
        async with self._state.asking() as redis:
            kept = await redis.getdel(f"{KEY}{name}")
        if kept is None:
            raise Unauthorized(REFUSED)
        ticket = msgspec.json.decode(kept, type=Ticket)
        shown = None if origin is None else canonical_origin(origin)
        if ticket.origin is not None and ticket.origin != shown:
            raise Unauthorized("This ticket was issued for pages of another origin.")
        return ticket
