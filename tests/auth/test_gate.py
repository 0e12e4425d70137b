"""Who it is, as the gate decides it; the same contract on a real Redis and on the embedded engine.

What the relay makes of real sockets and requests is in tests/integration/test_admission.py and
tests/http.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address, ip_network
from typing import ClassVar

import pytest

from relay.auth.addresses import Caller
from relay.auth.gate import (
    KIOSK_COOKIE,
    SESSION_COOKIE,
    SIGN_IN_LIFETIME,
    Arrival,
    Authenticator,
    ForwardAuth,
    Gate,
    KioskCookie,
    Place,
    SessionCookie,
    cookie_name,
    identity_of,
    still_known,
)
from relay.auth.identities import Identity, Kind, Role
from relay.auth.places import NetworkRule, Places
from relay.auth.signing import Signer
from relay.auth.tickets import Ticket, Tickets
from relay.errors import OriginNotAllowed, StateUnavailable, StoreUnavailable, Unauthorized
from relay.state import SharedState
from relay.store.api_keys import ApiKeys
from relay.store.database import Database
from relay.store.kiosks import Approved, Kiosks
from relay.store.users import User, Users
from tests.support.ports import free_port

SIGNING_KEY = "a-key-for-tests-that-signs-tickets-and-cookies"
SIGNER = Signer([SIGNING_KEY])

HOST = "relay.example.org"
OWN = f"https://{HOST}"
APP = "https://app.example.org"
EVIL = "https://evil.example"

PROXIED = Caller(ip_address("192.0.2.1"), "https", is_forwarded=True, claims_forwarding=False)

NOBODY = Arrival(caller=PROXIED, scheme="https", host=HOST, origin=None, headers={}, cookies={})


@dataclass
class Relay:
    """A gate, and what it asks."""

    database: Database
    state: SharedState
    others: Sequence[Authenticator] = ()

    def __post_init__(self) -> None:
        self.users = Users(self.database)
        self.keys = ApiKeys(self.database)
        self.kiosks = Kiosks(self.database)
        self.tickets = Tickets(self.state, SIGNER)
        self.session_cookie = SessionCookie(self.users, SIGNER)
        self.gate = Gate(
            database=self.database,
            api_keys=self.keys,
            tickets=self.tickets,
            session_cookie=self.session_cookie,
            others=self.others,
            allowed_origins=(APP,),
        )

    async def signed_in(self, name: str = "anna", *, is_operator: bool = False) -> Identity:
        user = await self.users.add(name, None, is_operator=is_operator)
        sign_in = await self.users.sign_in(user.id, SIGN_IN_LIFETIME, datetime.now(UTC))
        assert sign_in is not None
        return identity_of(user, sign_in=sign_in.id)

    def cookies(self, identity: Identity) -> dict[str, str]:
        assert identity.sign_in is not None
        value = self.session_cookie.value(identity.sign_in)
        return {cookie_name(SESSION_COOKIE, "https"): value}

    async def kiosk(self, name: str = "lobby") -> tuple[Identity, str]:
        now = datetime.now(UTC)
        asked = await self.kiosks.begin("192.0.2.1", now)
        options = (("language_code", "ru"),)
        made = await self.kiosks.approve(asked.code, name, options, "olga", now)
        approved = await self.kiosks.poll(asked.device_secret, now)
        assert made is not None
        assert isinstance(approved, Approved)
        identity = Identity(
            kind=Kind.KIOSK, id=made.id, name=name, role=Role.KIOSK, options=options
        )
        return identity, approved.secret


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    made = Database("sqlite+aiosqlite://")
    await made.start()
    yield made
    await made.aclose()


@pytest.fixture
def relay(database: Database, state: SharedState) -> Relay:
    return Relay(database, state)


@dataclass
class Badge:
    """An authenticator such as OpenID Connect could be."""

    is_ambient: ClassVar[bool] = True
    asked: int = field(default=0)

    async def identify(self, arrival: Arrival) -> Identity | None:
        self.asked += 1
        name = arrival.headers.get("badge")
        return None if name is None else replace(BADGE, name=name)


BADGE = Identity(kind=Kind.USER, id="5" * 32, name="", role=Role.USER)


# The order


async def test_nobody_is_nobody(relay: Relay) -> None:
    assert await relay.gate.identify(NOBODY) is None
    with pytest.raises(Unauthorized, match="Sign in"):
        await relay.gate.admit(NOBODY)


async def test_the_first_authenticator_that_knows_its_credential_decides(
    database: Database, state: SharedState
) -> None:
    relay = Relay(database, state, others=[Badge(), KioskCookie(Kiosks(database))])
    anna = await relay.signed_in()
    kiosk, secret = await relay.kiosk()
    kiosk_cookie = {cookie_name(KIOSK_COOKIE, "https"): secret}
    arrival = replace(
        NOBODY,
        origin=OWN,
        headers={"badge": "bob"},
        cookies={**relay.cookies(anna), **kiosk_cookie},
    )
    found = []
    for _ in range(3):
        found.append((await relay.gate.admit(arrival)).identity)
        assert await relay.gate.identify(arrival) == found[-1]
        if found[-1] == anna:
            # One that has ended counts as none.
            assert anna.sign_in is not None
            await relay.users.sign_out(anna.sign_in)
        else:
            arrival = replace(arrival, headers={})
    assert found == [anna, replace(BADGE, name="bob"), kiosk]


async def test_what_a_browser_sends_by_itself_is_not_looked_at_without_an_origin(
    database: Database, state: SharedState
) -> None:
    badge = Badge()
    relay = Relay(database, state, others=[badge])
    anna = await relay.signed_in()
    arrival = replace(NOBODY, headers={"badge": "bob"}, cookies=relay.cookies(anna))
    with pytest.raises(Unauthorized):
        await relay.gate.admit(arrival)
    assert badge.asked == 0
    assert (await relay.gate.admit(replace(arrival, origin=OWN))).identity == anna
    # Over HTTP, safe requests have no origin, and unsafe ones are looked at before.
    assert await relay.gate.identify(arrival) == anna


@pytest.mark.parametrize(
    ("origin", "scheme", "is_ours"),
    [
        (OWN, "https", True),
        (f"http://{HOST}", "http", True),
        (APP, "https", True),
        (f"http://{HOST}", "https", False),
        (OWN, "http", False),
        (EVIL, "https", False),
        ("null", "https", False),
    ],
)
async def test_pages_have_to_be_ours_or_named(
    relay: Relay, origin: str, scheme: str, is_ours: bool
) -> None:
    anna = await relay.signed_in()
    assert anna.sign_in is not None
    cookies = {cookie_name(SESSION_COOKIE, scheme): relay.session_cookie.value(anna.sign_in)}
    arrival = replace(NOBODY, origin=origin, cookies=cookies)
    arrival = replace(arrival, scheme="https" if scheme == "https" else "http")
    if is_ours:
        assert (await relay.gate.admit(arrival)).identity == anna
    else:
        with pytest.raises(OriginNotAllowed):
            await relay.gate.admit(arrival)


async def test_a_key_decides_before_cookies_and_wherever_it_comes_from(relay: Relay) -> None:
    anna = await relay.signed_in()
    key, text = await relay.keys.create("server", {"sessions": 5})
    arrival = replace(
        NOBODY, origin=EVIL, cookies=relay.cookies(anna), headers={"xi-api-key": text}
    )
    expected = Identity(
        kind=Kind.KEY, id=key.id, name="server", role=Role.KEY, limits={"sessions": 5}
    )
    assert (await relay.gate.admit(arrival)).identity == expected
    assert await relay.gate.identify(arrival) == expected
    for wrong in ("", text[:-1], f"{text}, {text}"):
        bad = replace(arrival, origin=OWN, headers={"xi-api-key": wrong})
        with pytest.raises(Unauthorized, match="key"):
            await relay.gate.admit(bad)
        with pytest.raises(Unauthorized, match="key"):
            await relay.gate.identify(bad)


async def test_a_ticket_decides_before_all(relay: Relay) -> None:
    anna, bob = await relay.signed_in("anna"), await relay.signed_in("bob")
    _, key = await relay.keys.create("server")
    text = await relay.tickets.issue(Ticket.of(anna, max_seconds=60.0))
    arrival = replace(
        NOBODY,
        origin=EVIL,
        cookies=relay.cookies(bob),
        headers={"xi-api-key": key},
        subprotocols=("scribe-relay.v1", f"ticket.{text}"),
    )
    admission = await relay.gate.admit(arrival)
    assert (admission.identity, admission.max_seconds) == (anna, 60.0)
    with pytest.raises(Unauthorized, match="ticket"):
        await relay.gate.admit(replace(arrival, origin=OWN))


async def test_a_ticket_means_nothing_to_an_http_request(relay: Relay) -> None:
    anna = await relay.signed_in()
    text = await relay.tickets.issue(Ticket.of(anna))
    arrival = replace(NOBODY, subprotocols=(f"ticket.{text}",))
    assert await relay.gate.identify(arrival) is None
    assert (await relay.gate.admit(arrival)).identity == anna


async def test_two_tickets_are_refused_and_neither_is_spent(relay: Relay) -> None:
    anna = await relay.signed_in()
    first, second = [await relay.tickets.issue(Ticket.of(anna)) for _ in range(2)]
    with pytest.raises(Unauthorized, match="one ticket"):
        await relay.gate.admit(
            replace(NOBODY, subprotocols=(f"ticket.{first}", f"ticket.{second}"))
        )
    for text in (first, second):
        await relay.gate.admit(replace(NOBODY, subprotocols=(f"ticket.{text}",)))


async def test_a_resume_token_admits_alone_or_with_its_bearers_credential(relay: Relay) -> None:
    anna = await relay.signed_in()
    ticket = Ticket.of(anna)
    await relay.gate.check_resumption(replace(NOBODY, origin=OWN), ticket, OWN)
    arrival = replace(NOBODY, origin=OWN, cookies=relay.cookies(anna))
    await relay.gate.check_resumption(arrival, ticket, OWN)


async def test_a_resume_token_beside_somebody_elses_credential_is_refused(relay: Relay) -> None:
    anna, bert = await relay.signed_in(), await relay.signed_in("bert")
    arrival = replace(NOBODY, origin=OWN, cookies=relay.cookies(bert))
    with pytest.raises(Unauthorized, match="somebody else"):
        await relay.gate.check_resumption(arrival, Ticket.of(anna), OWN)


async def test_a_resume_token_on_another_page_is_refused(relay: Relay) -> None:
    anna = await relay.signed_in()
    with pytest.raises(Unauthorized, match="another page"):
        await relay.gate.check_resumption(replace(NOBODY, origin=EVIL), Ticket.of(anna), OWN)


async def test_a_resume_token_beside_a_ticket_is_refused_and_costs_no_ticket(relay: Relay) -> None:
    anna = await relay.signed_in()
    text = await relay.tickets.issue(Ticket.of(anna))
    both = replace(NOBODY, subprotocols=(f"ticket.{text}", "resume.abc"))
    with pytest.raises(Unauthorized, match="not both"):
        await relay.gate.check_resumption(both, Ticket.of(anna), None)
    await relay.gate.admit(replace(NOBODY, subprotocols=(f"ticket.{text}",)))


async def test_a_resume_token_of_somebody_who_has_signed_out_is_refused(relay: Relay) -> None:
    anna = await relay.signed_in()
    assert anna.sign_in is not None
    await relay.users.sign_out(anna.sign_in)
    with pytest.raises(Unauthorized, match="has ended"):
        await relay.gate.check_resumption(NOBODY, Ticket.of(anna), None)


async def test_a_place_is_no_credential_that_could_differ(relay: Relay) -> None:
    hall = replace(await relay.signed_in("hall"), is_place=True)

    @dataclass
    class Hall:
        is_ambient: ClassVar[bool] = False

        async def identify(self, arrival: Arrival) -> Identity | None:
            return hall

    anna = await relay.signed_in()
    inside = Relay(relay.database, relay.state, (Hall(),))
    await inside.gate.check_resumption(NOBODY, Ticket.of(anna), None)


async def test_a_cookie_admits_for_as_long_as_the_limits_say(relay: Relay) -> None:
    anna = await relay.signed_in()
    arrival = replace(NOBODY, origin=OWN, cookies=relay.cookies(anna))
    assert (await relay.gate.admit(arrival)).max_seconds is None


# Each credential


async def test_a_session_cookie_needs_the_name_that_its_scheme_allows(relay: Relay) -> None:
    anna = await relay.signed_in()
    (value,) = relay.cookies(anna).values()
    names = {"http": SESSION_COOKIE, "https": f"__Host-{SESSION_COOKIE}"}
    plain = replace(NOBODY, scheme="http")
    for arrival in (NOBODY, plain):
        for scheme, name in names.items():
            found = relay.session_cookie.sign_in_id(replace(arrival, cookies={name: value}))
            assert found == (anna.sign_in if scheme == arrival.scheme else None)


async def test_a_session_cookie_lasts_a_month(relay: Relay) -> None:
    anna = await relay.signed_in()
    arrival = replace(NOBODY, cookies=relay.cookies(anna))
    for days, expected in ((29, anna.sign_in), (31, None)):
        then = datetime.now(UTC).timestamp() + days * 86_400
        later = Signer([SIGNING_KEY], clock=partial(float, then))
        assert SessionCookie(relay.users, later).sign_in_id(arrival) == expected


async def test_an_operator_is_one_as_long_as_the_database_says_so(relay: Relay) -> None:
    olga = await relay.signed_in("olga", is_operator=True)
    assert olga.role is Role.OPERATOR
    assert await relay.gate.identify(replace(NOBODY, cookies=relay.cookies(olga))) == olga


async def test_a_kiosks_cookie_brings_its_options(relay: Relay) -> None:
    kiosk, secret = await relay.kiosk()
    authenticator = KioskCookie(relay.kiosks)
    cookies = {cookie_name(KIOSK_COOKIE, "https"): secret}
    assert await authenticator.identify(replace(NOBODY, cookies=cookies)) == kiosk
    assert await authenticator.identify(NOBODY) is None
    wrong = {cookie_name(KIOSK_COOKIE, "https"): secret[:-1]}
    assert await authenticator.identify(replace(NOBODY, cookies=wrong)) is None


@pytest.fixture
def forward_auth(relay: Relay) -> ForwardAuth:
    return ForwardAuth(relay.users, "x-forwarded-user", {"olga", "Jörg"})


@pytest.mark.parametrize(
    ("header", "name", "role"),
    [
        ("anna", "anna", Role.USER),
        (" anna ", "anna", Role.USER),
        ("olga", "olga", Role.OPERATOR),
        # A name is compared as the proxy writes it: less is given, never more.
        ("OLGA", "OLGA", Role.USER),
        # Headers come as Latin-1, whatever their bytes mean.
        ("Jörg".encode().decode("latin-1"), "Jörg", Role.OPERATOR),
        ("Zoë Ćwik".encode().decode("latin-1"), "Zoë Ćwik", Role.USER),
        ("J\xf6rg", "Jörg", Role.OPERATOR),
    ],
)
async def test_a_forwarded_name_is_a_person(
    forward_auth: ForwardAuth, header: str, name: str, role: Role
) -> None:
    arrival = replace(NOBODY, headers={"x-forwarded-user": header})
    identity = await forward_auth.identify(arrival)
    assert identity is not None
    assert (identity.kind, identity.name, identity.role) == (Kind.USER, name, role)
    assert identity.sign_in is None
    again = await forward_auth.identify(arrival)
    assert again == identity


async def test_a_forwarded_name_is_believed_from_a_trusted_proxy_alone(
    forward_auth: ForwardAuth, relay: Relay
) -> None:
    arrival = replace(NOBODY, headers={"x-forwarded-user": "olga"})
    for caller in (
        replace(PROXIED, is_forwarded=False),
        replace(PROXIED, is_forwarded=False, claims_forwarding=True),
    ):
        assert await forward_auth.identify(replace(arrival, caller=caller)) is None
    for headers in ({}, {"x-forwarded-user": ""}, {"x-forwarded-user": "  "}):
        assert await forward_auth.identify(replace(NOBODY, headers=headers)) is None
    assert await relay.users.count() == 0


async def test_a_forwarded_name_that_cannot_be_is_refused(forward_auth: ForwardAuth) -> None:
    with pytest.raises(Unauthorized, match="can't be used: a name has 1 to 64"):
        await forward_auth.identify(replace(NOBODY, headers={"x-forwarded-user": "x" * 65}))


PLACES = Places(
    (NetworkRule("lobby", ip_network("192.0.2.0/24")),),
    {"kiosk-1.example.org": "hall"},
    {"lobby": (("language_code", "ru"),)},
)


async def test_a_place_is_known_without_any_origin_and_by_nothing_else(
    database: Database, state: SharedState
) -> None:
    relay = Relay(database, state, others=[Place(PLACES, None)])
    lobby = Identity(
        kind=Kind.KIOSK,
        id="lobby",
        name="lobby",
        role=Role.KIOSK,
        options=(("language_code", "ru"),),
        is_place=True,
    )
    assert (await relay.gate.admit(NOBODY)).identity == lobby
    assert (await relay.gate.admit(replace(NOBODY, origin=OWN))).identity == lobby
    with pytest.raises(OriginNotAllowed):
        await relay.gate.admit(replace(NOBODY, origin=EVIL))
    elsewhere = replace(PROXIED, address=ip_address("198.51.100.1"))
    with pytest.raises(Unauthorized):
        await relay.gate.admit(replace(NOBODY, caller=elsewhere))


async def test_a_certificates_name_is_believed_from_a_trusted_proxy_alone() -> None:
    elsewhere = replace(PROXIED, address=ip_address("198.51.100.1"))
    arrival = replace(NOBODY, caller=elsewhere, headers={"x-client-name": "kiosk-1.example.org"})
    place = Place(PLACES, "x-client-name")
    identity = await place.identify(arrival)
    assert identity is not None
    assert (identity.account, identity.options) == ("kiosk:hall", ())
    direct = replace(elsewhere, is_forwarded=False)
    assert await place.identify(replace(arrival, caller=direct)) is None
    assert await place.identify(replace(arrival, headers={})) is None
    assert await Place(PLACES, None).identify(arrival) is None


# Who may go on


async def test_who_was_removed_revoked_or_signed_out_is_not_known_any_more(
    relay: Relay, database: Database
) -> None:
    anna, bob, carol = [await relay.signed_in(name) for name in ("anna", "bob", "carol")]
    kiosk, _ = await relay.kiosk("lobby")
    other_kiosk, _ = await relay.kiosk("hall")
    key, other_key = [(await relay.keys.create(name))[0] for name in ("one", "two")]
    of_key, of_other_key = (
        Identity(kind=Kind.KEY, id=each.id, name=each.name, role=Role.KEY)
        for each in (key, other_key)
    )
    forwarded = replace(carol, sign_in=None)
    place = Identity(kind=Kind.KIOSK, id="lobby", name="lobby", role=Role.KIOSK, is_place=True)
    everybody = {anna, bob, carol, forwarded, kiosk, other_kiosk, of_key, of_other_key, place}
    everybody |= {replace(of_key, subject="x"), replace(of_other_key, subject="x")}
    assert await still_known(database, everybody) == everybody

    await relay.users.remove("anna")
    assert carol.sign_in is not None
    await relay.users.sign_out(carol.sign_in)
    await relay.kiosks.revoke("lobby")
    await relay.keys.revoke("one")
    gone = {anna, carol, kiosk, of_key, replace(of_key, subject="x")}
    assert await still_known(database, everybody) == everybody - gone


async def test_nobody_is_mistaken_for_another_kind_with_the_same_id(
    relay: Relay, database: Database
) -> None:
    anna = await relay.signed_in()
    for kind, role in ((Kind.KIOSK, Role.KIOSK), (Kind.KEY, Role.KEY)):
        impostor = Identity(kind=kind, id=anna.id, name="anna", role=role)
        assert await still_known(database, [anna, impostor]) == {anna}


async def test_a_ticket_of_somebody_who_is_gone_is_refused(relay: Relay) -> None:
    kiosk, _ = await relay.kiosk()
    text = await relay.tickets.issue(Ticket.of(kiosk))
    await relay.kiosks.revoke(kiosk.id)
    with pytest.raises(Unauthorized, match="issued to"):
        await relay.gate.admit(replace(NOBODY, subprotocols=(f"ticket.{text}",)))


# What is away


async def test_without_redis_tickets_cannot_be_checked_and_cookies_can(
    database: Database,
) -> None:
    state = SharedState.connect(f"redis://127.0.0.1:{free_port()}/0")
    relay = Relay(database, state)
    anna = await relay.signed_in()
    shown = (f"ticket.{SIGNER.dumps('ticket', 'name')}",)
    arrival = replace(NOBODY, origin=OWN, cookies=relay.cookies(anna))
    with pytest.raises(StateUnavailable):
        await relay.gate.admit(replace(arrival, subprotocols=shown))
    assert (await relay.gate.admit(arrival)).identity == anna
    await state.aclose()


async def test_without_the_database_nobody_is_known(relay: Relay, database: Database) -> None:
    anna = await relay.signed_in()
    text = await relay.tickets.issue(Ticket.of(anna))
    _, key = await relay.keys.create("server")
    async with database.writing() as connection:
        for table in ("users", "api_keys"):
            await connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_away")
    for arrival in (
        replace(NOBODY, origin=OWN, cookies=relay.cookies(anna)),
        replace(NOBODY, headers={"xi-api-key": key}),
        replace(NOBODY, subprotocols=(f"ticket.{text}",)),
    ):
        with pytest.raises(StoreUnavailable):
            await relay.gate.admit(arrival)


# Names


@pytest.mark.parametrize(("is_operator", "role"), [(False, Role.USER), (True, Role.OPERATOR)])
def test_an_account_says_its_role(is_operator: bool, role: Role) -> None:
    user = User("1" * 32, "anna", None, is_operator, datetime.now(UTC))
    assert identity_of(user) == Identity(kind=Kind.USER, id=user.id, name="anna", role=role)


def test_cookies_over_tls_belong_to_this_host_alone() -> None:
    assert cookie_name("name", "http") == "name"
    assert cookie_name("name", "https") == "__Host-name"
