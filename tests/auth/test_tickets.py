"""The same contract on a real Redis and on the embedded engine."""

import asyncio
import re
import time
from dataclasses import replace

import pytest

from relay.auth.identities import Identity, Kind, Role
from relay.auth.signing import Signer
from relay.auth.tickets import KEY, LIFETIME, PURPOSE, Ticket, Tickets
from relay.errors import StateUnavailable, Unauthorized
from relay.state import SharedState
from tests.support.ports import free_port

SIGNING_KEY = "a-key-for-tests-that-signs-tickets-and-cookies"

ANNA = Identity(kind=Kind.USER, id="1" * 32, name="anna", role=Role.USER, sign_in="2" * 32)
SERVER = Identity(
    kind=Kind.KEY, id="3" * 32, name="server", role=Role.KEY, limits={"minutes_per_day": 1.5}
)

APP = "https://app.example.org"


@pytest.fixture
def tickets(state: SharedState) -> Tickets:
    return Tickets(state, Signer([SIGNING_KEY]))


async def is_refused(tickets: Tickets, text: str, origin: str | None = None) -> bool:
    with pytest.raises(Unauthorized) as caught:
        await tickets.spend(text, origin=origin)
    return "ticket" in str(caught.value)


async def test_a_ticket_comes_back_as_it_was_issued(tickets: Tickets) -> None:
    issued = Ticket.of(
        SERVER,
        subject="Jörg",
        options=(("language_code", "de"), ("keyterms", "a"), ("keyterms", "b")),
        max_seconds=1.5,
        origin=APP,
    )
    assert await tickets.spend(await tickets.issue(issued), origin=APP) == issued


@pytest.mark.parametrize(
    "identity",
    [
        ANNA,
        SERVER,
        replace(SERVER, subject="bob"),
        replace(ANNA, role=Role.OPERATOR),
        Identity(
            kind=Kind.KIOSK,
            id="lobby",
            name="lobby",
            role=Role.KIOSK,
            options=(("language_code", "ru"),),
            is_place=True,
        ),
    ],
    ids=lambda identity: identity.account,
)
async def test_whoever_bears_it_is_who_it_was_issued_to(
    tickets: Tickets, identity: Identity
) -> None:
    spent = await tickets.spend(await tickets.issue(Ticket.of(identity)), origin=None)
    assert spent.identity == identity
    assert spent.identity.account == identity.account
    assert (spent.max_seconds, spent.origin) == (None, None)


def test_a_subject_is_whom_the_account_follows() -> None:
    assert Ticket.of(SERVER, subject="bob").identity.account == f"key:{SERVER.id}:bob"


def test_what_is_asked_for_comes_before_what_is_pinned() -> None:
    kiosk = replace(ANNA, options=(("language_code", "ru"),))
    options = Ticket.of(kiosk, options=(("no_verbatim", "true"),)).options
    assert options == (("no_verbatim", "true"), ("language_code", "ru"))


async def test_a_ticket_is_spent_once(tickets: Tickets) -> None:
    text = await tickets.issue(Ticket.of(ANNA))
    await tickets.spend(text, origin=None)
    assert await is_refused(tickets, text)


async def test_of_many_who_show_it_at_once_one_is_admitted(tickets: Tickets) -> None:
    text = await tickets.issue(Ticket.of(ANNA))
    results = await asyncio.gather(
        *(tickets.spend(text, origin=None) for _ in range(30)), return_exceptions=True
    )
    assert sum(isinstance(result, Ticket) for result in results) == 1
    # On a busy machine, Redis doesn't answer all of them in time.
    refusals = [result for result in results if not isinstance(result, Ticket)]
    assert {type(result) for result in refusals} <= {Unauthorized, StateUnavailable}


async def test_redis_forgets_it_after_its_lifetime(tickets: Tickets, state: SharedState) -> None:
    await tickets.issue(Ticket.of(ANNA))
    async with state.asking() as redis:
        (key,) = await redis.keys(f"{KEY}*")
        left_ms = await redis.pttl(key)
    assert LIFETIME * 1000 - 5000 < left_ms <= LIFETIME * 1000 == 900_000


async def test_after_its_lifetime_the_signature_is_not_good_any_more(state: SharedState) -> None:
    long_ago = Signer([SIGNING_KEY], clock=lambda: time.time() - LIFETIME - 2)
    text = await Tickets(state, long_ago).issue(Ticket.of(ANNA))
    assert await is_refused(Tickets(state, Signer([SIGNING_KEY])), text)


async def test_what_the_relay_did_not_sign_for_this_is_refused(
    tickets: Tickets, state: SharedState
) -> None:
    text = await tickets.issue(Ticket.of(ANNA))
    name = Signer([SIGNING_KEY]).loads(PURPOSE, text, max_age=60.0)
    for forged in (
        name,
        "",
        "ticket",
        text + "A",
        text.swapcase(),
        Signer([SIGNING_KEY]).dumps("session", name),
        Signer(["another-key-that-nobody-here-has-known"]).dumps(PURPOSE, name),
        Signer([SIGNING_KEY]).dumps(PURPOSE, "unknown"),
        Signer([SIGNING_KEY]).dumps(PURPOSE, {"name": name}),
    ):
        assert await is_refused(tickets, forged)
    await tickets.spend(text, origin=None)


async def test_what_redis_holds_admits_nobody(tickets: Tickets, state: SharedState) -> None:
    text = await tickets.issue(Ticket.of(ANNA))
    async with state.asking() as redis:
        (key,) = map(str, await redis.keys(f"{KEY}*"))
        kept = str(await redis.get(key))
    assert text not in key + kept
    assert await is_refused(tickets, key.removeprefix(KEY))


async def test_it_fits_a_subprotocol_and_a_url_as_it_is(tickets: Tickets) -> None:
    text = await tickets.issue(Ticket.of(SERVER, subject="x" * 128))
    assert re.fullmatch(r"[A-Za-z0-9_.-]{60,120}", text)


async def test_keys_can_be_rotated_while_tickets_are_out(state: SharedState) -> None:
    text = await Tickets(state, Signer([SIGNING_KEY])).issue(Ticket.of(ANNA))
    rotated = Tickets(state, Signer(["a-newer-key-that-signs-from-now-on-here", SIGNING_KEY]))
    assert (await rotated.spend(text, origin=None)).identity == ANNA


@pytest.mark.parametrize("origin", [APP, f"{APP}:443", "HTTPS://app.example.org"])
async def test_pages_of_its_origin_may_use_it_however_that_is_written(
    tickets: Tickets, origin: str
) -> None:
    text = await tickets.issue(Ticket.of(ANNA, origin=APP))
    await tickets.spend(text, origin=origin)


@pytest.mark.parametrize(
    "origin", [None, "", "null", "http://app.example.org", f"{APP}:444", "https://evil.example"]
)
async def test_pages_of_other_origins_and_programs_may_not_and_it_is_spent(
    tickets: Tickets, origin: str | None
) -> None:
    text = await tickets.issue(Ticket.of(ANNA, origin=APP))
    assert await is_refused(tickets, text, origin)
    assert await is_refused(tickets, text, APP)


async def test_without_redis_there_are_none_and_forged_ones_are_refused_all_the_same() -> None:
    state = SharedState.connect(f"redis://127.0.0.1:{free_port()}/0")
    tickets = Tickets(state, Signer([SIGNING_KEY]))
    with pytest.raises(StateUnavailable):
        await tickets.issue(Ticket.of(ANNA))
    with pytest.raises(StateUnavailable):
        await tickets.spend(Signer([SIGNING_KEY]).dumps(PURPOSE, "name"), origin=None)
    assert await is_refused(tickets, "forged")
    await state.aclose()
