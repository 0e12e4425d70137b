"""Who is it? One place that turns what a request brings into an identity, or refuses.

A ticket or a key that is shown and isn't good refuses: nothing weaker is tried after it. Then come
the authenticators, in turn; the first that knows its credential decides, and a cookie that has
expired counts as none. OpenID Connect can join as one more authenticator.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final, Literal, Protocol

from relay.auth.addresses import Caller
from relay.auth.identities import Identity, Kind, Role
from relay.auth.origins import check_origin
from relay.auth.places import Places
from relay.auth.resume_tokens import REFUSED, check_resumer
from relay.auth.signing import BadSignature, Signer
from relay.auth.tickets import Ticket, Tickets
from relay.errors import Unauthorized
from relay.store.api_keys import ApiKeys
from relay.store.database import Database
from relay.store.kiosks import Kiosks
from relay.store.revocations import still_valid
from relay.store.users import User, Users

SESSION_COOKIE: Final = "scribe_relay_session"
KIOSK_COOKIE: Final = "scribe_relay_kiosk"

SESSION_PURPOSE: Final = "session"

SIGN_IN_LIFETIME: Final = 30 * 86_400.0
"""Seconds after which one has to sign in again, used or not."""

KEY_HEADER: Final = "xi-api-key"
TICKET_PREFIX: Final = "ticket."
RESUME_PREFIX: Final = "resume."


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a request or a socket brings, as far as it tells who it is."""

    caller: Caller
    scheme: Literal["http", "https"]
    """As the browser sees it: what a trusted proxy says, or the connection's own."""
    host: str
    origin: str | None
    headers: Mapping[str, str]
    """Names in lower case."""
    cookies: Mapping[str, str]
    subprotocols: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may open a session, and for how long if that is bounded."""

    identity: Identity
    max_seconds: float | None = None


class Authenticator(Protocol):
    """Knows one kind of credential."""

    is_ambient: ClassVar[bool]
    """Whether browsers send it by themselves, on any page's behalf: a socket must then say where
    it comes from."""

    async def identify(self, arrival: Arrival) -> Identity | None:
        """Who it is; None where the credential isn't there or isn't good."""


@dataclass(frozen=True)
class SessionCookie:
    """A person who signed in here."""

    users: Users
    signer: Signer
    is_ambient: ClassVar[bool] = True

    async def identify(self, arrival: Arrival) -> Identity | None:
        sign_in_id = self.sign_in_id(arrival)
        if sign_in_id is None:
            return None
        found = await self.users.sign_in_of(sign_in_id, datetime.now(UTC))
        return None if found is None else identity_of(found[1], sign_in=sign_in_id)

    def sign_in_id(self, arrival: Arrival) -> str | None:
        """The sign-in that the cookie names, if its signature is good."""
        cookie = arrival.cookies.get(cookie_name(SESSION_COOKIE, arrival.scheme))
        if cookie is None:
            return None
        try:
            return str(self.signer.loads(SESSION_PURPOSE, cookie, max_age=SIGN_IN_LIFETIME))
        except BadSignature:
            return None

    def value(self, sign_in_id: str) -> str:
        """Make the cookie of a sign-in."""
        return self.signer.dumps(SESSION_PURPOSE, sign_in_id)


@dataclass(frozen=True)
class KioskCookie:
    """A device that an operator approved."""

    kiosks: Kiosks
    is_ambient: ClassVar[bool] = True

    async def identify(self, arrival: Arrival) -> Identity | None:
        cookie = arrival.cookies.get(cookie_name(KIOSK_COOKIE, arrival.scheme))
        kiosk = None if cookie is None else await self.kiosks.verify(cookie)
        if kiosk is None:
            return None
        return Identity(
            kind=Kind.KIOSK,
            id=kiosk.id,
            name=kiosk.name,
            role=Role.KIOSK,
            options=tuple(kiosk.options),
        )


@dataclass(frozen=True)
class ForwardAuth:
    """A person whom a trusted proxy has signed in, and names in a header."""

    users: Users
    header: str
    """In lower case."""
    operators: Collection[str]
    is_ambient: ClassVar[bool] = True

    async def identify(self, arrival: Arrival) -> Identity | None:
        name = _as_text(arrival.headers.get(self.header, "")).strip()
        # From anyone but a trusted proxy the header is an invention.
        if not name or not arrival.caller.is_forwarded:
            return None
        try:
            user = await self.users.ensure(name)
        except ValueError as error:
            raise Unauthorized(f"The proxy's name for you can't be used: {error}.") from None
        identity = identity_of(user)
        if name not in self.operators:
            return identity
        return Identity(kind=Kind.USER, id=user.id, name=user.name, role=Role.OPERATOR)


@dataclass(frozen=True)
class Place:
    """A device that is known by where it is; it holds no secret at all."""

    places: Places
    certificate_header: str | None
    """In which a trusted proxy passes on the name of a client certificate; in lower case."""
    is_ambient: ClassVar[bool] = False

    async def identify(self, arrival: Arrival) -> Identity | None:
        certificate = None
        if self.certificate_header is not None and arrival.caller.is_forwarded:
            certificate = arrival.headers.get(self.certificate_header)
        name = self.places.match(arrival.caller, certificate)
        if name is None:
            return None
        options = self.places.options.get(name, ())
        return Identity(
            kind=Kind.KIOSK, id=name, name=name, role=Role.KIOSK, options=options, is_place=True
        )


class Gate:
    """Decides who a request or a socket is."""

    def __init__(
        self,
        *,
        database: Database,
        api_keys: ApiKeys,
        tickets: Tickets,
        session_cookie: SessionCookie,
        others: Sequence[Authenticator],
        allowed_origins: Collection[str],
    ) -> None:
        """Ask the session cookie first, then `others` in this order."""
        self._database = database
        self._api_keys = api_keys
        self._tickets = tickets
        self._authenticators: Sequence[Authenticator] = (session_cookie, *others)
        self._allowed_origins = allowed_origins

    async def admit(self, arrival: Arrival) -> Admission:
        """Decide about a socket that wants a session.

        Raises:
            Unauthorized: If nobody knows who it is.
            OriginNotAllowed: If it comes from a page that may not use its visitor's credentials.
            StateUnavailable: If a ticket can't be checked.
            StoreUnavailable: If nothing can be checked.
        """
        secrets = [value for value in arrival.subprotocols if value.startswith(TICKET_PREFIX)]
        if len(secrets) > 1:
            raise Unauthorized("Show one ticket.")
        if secrets:
            ticket = await self._tickets.spend(
                secrets[0].removeprefix(TICKET_PREFIX), origin=arrival.origin
            )
            return Admission(await self._still_known(ticket), ticket.max_seconds)
        if (key := arrival.headers.get(KEY_HEADER)) is not None:
            return Admission(await self._of_key(key))
        # From here on the browser may have added the credential by itself, on any page's behalf.
        check_origin(
            arrival.origin,
            host=arrival.host,
            scheme="wss" if arrival.scheme == "https" else "ws",
            allowed=self._allowed_origins,
        )
        identity = await self._identify(arrival, with_ambient=arrival.origin is not None)
        if identity is None:
            raise Unauthorized(
                "Sign in, or show a ticket (subprotocol ticket.…) or a key (header xi-api-key)."
            )
        return Admission(identity)

    async def check_resumption(
        self, arrival: Arrival, ticket: Ticket, began_at: str | None
    ) -> None:
        """Decide about a socket that shows a session's resume token.

        Args:
            arrival: What it brings. The token admits alone; what comes along must agree with it.
            ticket: What the session's bearer may do.
            began_at: The origin of the page that began the session; None for a program.

        Raises:
            Unauthorized: If somebody else shows it, or another page, or if the bearer is gone.
            StoreUnavailable: If that can't be checked.
        """
        if any(value.startswith(TICKET_PREFIX) for value in arrival.subprotocols):
            raise Unauthorized("Show a ticket or a resume token, not both.")
        shown = await self.identify(arrival)
        # A place knows whoever stands there, which is no credential of theirs.
        if shown is not None and shown.is_place:
            shown = None
        account = ticket.identity.account
        check_resumer(account=account, began_at=began_at, shown=shown, origin=arrival.origin)
        if ticket.identity not in await still_known(self._database, [ticket.identity]):
            raise Unauthorized(REFUSED)

    async def identify(self, arrival: Arrival) -> Identity | None:
        """Decide who makes an HTTP request; None for nobody.

        Raises:
            Unauthorized: If a key is shown that isn't good.
            StoreUnavailable: If nothing can be checked.
        """
        if (key := arrival.headers.get(KEY_HEADER)) is not None:
            return await self._of_key(key)
        return await self._identify(arrival, with_ambient=True)

    async def _identify(self, arrival: Arrival, *, with_ambient: bool) -> Identity | None:
        for authenticator in self._authenticators:
            if authenticator.is_ambient and not with_ambient:
                continue
            identity = await authenticator.identify(arrival)
            if identity is not None:
                return identity
        return None

    async def _of_key(self, text: str) -> Identity:
        key = await self._api_keys.verify(text)
        if key is None:
            raise Unauthorized("This key is unknown or revoked.")
        return Identity(kind=Kind.KEY, id=key.id, name=key.name, role=Role.KEY, limits=key.limits)

    async def _still_known(self, ticket: Ticket) -> Identity:
        """A ticket lives for minutes: whoever got it may be gone by now."""
        identity = ticket.identity
        if identity not in await still_known(self._database, [identity]):
            raise Unauthorized("Whoever this ticket was issued to may no longer connect.")
        return identity


async def still_known(database: Database, identities: Collection[Identity]) -> set[Identity]:
    """Tell who of these may go on: neither removed nor revoked, their sign-in not ended.

    Raises:
        StoreUnavailable: If nobody can tell.
    """
    of_kind = {
        kind: {identity.id for identity in identities if identity.kind is kind} for kind in Kind
    }
    valid = await still_valid(
        database,
        users=of_kind[Kind.USER],
        sign_ins={identity.sign_in for identity in identities if identity.sign_in is not None},
        kiosks=of_kind[Kind.KIOSK],
        keys=of_kind[Kind.KEY],
        now=datetime.now(UTC),
    )
    good = {Kind.USER: valid.users, Kind.KIOSK: valid.kiosks, Kind.KEY: valid.keys}
    return {
        identity
        for identity in identities
        if (identity.is_place or identity.id in good[identity.kind])
        and (identity.sign_in is None or identity.sign_in in valid.sign_ins)
    }


def identity_of(user: User, *, sign_in: str | None = None) -> Identity:
    """Make an identity of an account."""
    role = Role.OPERATOR if user.is_operator else Role.USER
    return Identity(kind=Kind.USER, id=user.id, name=user.name, role=role, sign_in=sign_in)


def _as_text(header: str) -> str:
    """Read a header as UTF-8, which is what proxies send of names that aren't ASCII."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def cookie_name(name: str, scheme: str) -> str:
    """Name a cookie as its scheme allows.

    Browsers take `__Host-` cookies only over TLS, from the host itself and for all of its paths:
    no other host of the domain can plant one.
    """
    return f"__Host-{name}" if scheme == "https" else name
