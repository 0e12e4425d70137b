"""Whoever is removed, revoked or signed out stops speaking within seconds, and nobody else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.support.people import NOBODY, Person, ask, device, operator, person, ticket
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import PROOF, PROXY

PROMISED = 5.0
"""Seconds."""

SECOND = np.full(48_000, 0.1, np.float32)


@asynccontextmanager
async def going_on(relay: Relay, *headers: dict[str, str]) -> AsyncIterator[None]:
    """Sessions that must not notice anything."""
    clients = [Client(relay, headers=each) for each in headers]
    for client in clients:
        await client.__aenter__()
        await client.event("session_started")
        await client.send(SECOND)
    yield
    for client in clients:
        await client.send(SECOND)
        ended = await client.stop()
        assert ended["audio_ms"] == 2000
        await client.__aexit__(None, None, None)


async def is_expelled(client: Client, act: Callable[[], Awaitable[object]]) -> None:
    """Speak, then act: the session must end in time, with what was said before."""
    clock = asyncio.get_running_loop().time
    await client.event("session_started")
    await client.send(SECOND)
    await client.event("audio_acknowledged")
    await act()
    begin = clock()
    assert await client.closed() == 4401
    assert clock() - begin < PROMISED
    types = [event["message_type"] for event in client.events]
    assert types.count("unauthorized") == 1
    assert client.of("unauthorized")[0]["retryable"] is False
    final = client.of("committed_transcript")[-1]
    assert final["end_sample"] == len(SECOND)
    assert client.of("audio_gap") == []


async def test_a_removed_user(relay: Relay) -> None:
    olga, anna, bob = await operator(relay), await person(relay), await person(relay, "bob")

    async def remove() -> None:
        answer = await ask(relay, "DELETE", f"/api/users/{anna.user.id}", olga.headers)
        assert answer.status == 204

    async with (
        going_on(relay, bob.headers, olga.headers),
        Client(relay, headers=anna.headers) as client,
    ):
        await is_expelled(client, remove)


async def test_a_revoked_kiosk(relay: Relay) -> None:
    olga, lobby, hall = await operator(relay), await device(relay), await device(relay, "hall")

    async def revoke() -> None:
        answer = await ask(relay, "DELETE", f"/api/kiosks/{lobby.kiosk.id}", olga.headers)
        assert answer.status == 204

    async with going_on(relay, hall.headers), Client(relay, headers=lobby.headers) as client:
        await is_expelled(client, revoke)


async def test_a_revoked_key_and_whoever_it_gave_a_ticket_to(relay: Relay) -> None:
    olga = await operator(relay)
    key, secret = await relay.services.api_keys.create("server")
    headers = {"xi-api-key": secret}
    shown = ("scribe-relay.v1", f"ticket.{await ticket(relay, headers, subject='anna')}")

    async def revoke() -> None:
        answer = await ask(relay, "DELETE", f"/api/keys/{key.id}", olga.headers)
        assert answer.status == 204

    async with (
        going_on(relay, {"xi-api-key": relay.key}),
        Client(relay, headers=NOBODY, subprotocols=shown) as other,
        Client(relay, headers=headers) as client,
    ):
        await is_expelled(client, revoke)
        assert await other.closed() == 4401


async def test_whoever_signs_out_in_this_browser_and_not_in_another(relay: Relay) -> None:
    anna = await person(relay)
    elsewhere = await signed_in_again(relay, anna)
    shown = ("scribe-relay.v1", f"ticket.{await ticket(relay, anna.headers)}")

    async def sign_out() -> None:
        assert (await ask(relay, "POST", "/api/logout", anna.headers)).status == 200

    async with (
        going_on(relay, elsewhere),
        Client(relay, headers=NOBODY, subprotocols=shown) as other,
        Client(relay, headers=anna.headers) as client,
    ):
        await is_expelled(client, sign_out)
        assert await other.closed() == 4401


async def test_a_new_password_ends_what_the_old_one_opened(relay: Relay) -> None:
    anna = await person(relay)

    async def change() -> None:
        await relay.services.users.set_password_hash(anna.user.id, "$argon2id$new")

    async with Client(relay, headers=anna.headers) as client:
        await is_expelled(client, change)


async def test_places_and_forwarded_people_go_on(simulator: Simulator) -> None:
    values = {
        "kiosk_networks": "lobby=10.0.0.0/8",
        **PROXY,
        "forward_auth_header": "X-Forwarded-User",
    }
    async with relay_to(simulator.url, **values) as relay:
        place = {**PROOF, "X-Forwarded-For": "10.1.2.3"}
        forwarded = {
            **PROOF,
            "X-Forwarded-For": "192.0.2.1",
            "X-Forwarded-User": "bob",
            "Origin": relay.url,
        }
        anna = await person(relay)
        async with (
            going_on(relay, place, forwarded),
            Client(relay, headers=anna.headers) as client,
        ):
            await is_expelled(client, lambda: relay.services.users.remove("anna"))


async def test_what_is_said_after_the_revocation_is_not_taken(
    simulator: Simulator, relay: Relay
) -> None:
    anna = await person(relay)
    async with Client(relay, headers=anna.headers) as client:
        await client.event("session_started")
        await client.send(SECOND)
        await client.event("audio_acknowledged")
        await relay.services.users.remove("anna")
        await relay.services.sessions.expel()
        await client.send(SECOND)
        assert await client.closed() == 4401
    (connection,) = simulator.connections
    assert len(connection.audio) <= 16_000 + 1_600


@pytest.mark.parametrize("is_leaving", [False, True])
async def test_a_provider_that_does_not_answer_keeps_nobody_in(
    simulator: Simulator, relay: Relay, is_leaving: bool
) -> None:
    simulator.faults.add(Fault(FaultKind.OMIT_FINALS))
    anna = await person(relay)
    clock = asyncio.get_running_loop().time
    async with Client(relay, headers=anna.headers) as client:
        await client.event("session_started")
        await client.send(SECOND)
        await client.event("audio_acknowledged")
        if is_leaving:
            await client.say("stop")
        await relay.services.users.remove("anna")
        begin = clock()
        assert await client.closed() == 4401
        assert clock() - begin < PROMISED
    assert len(client.of("unauthorized")) == 1
    (gap,) = client.of("audio_gap")
    assert (gap["from_sample"], gap["to_sample"], gap["reason"]) == (
        0,
        len(SECOND),
        "unauthorized",
    )


async def test_a_database_that_is_away_revokes_nobody(relay: Relay) -> None:
    anna = await person(relay)
    async with Client(relay, headers=anna.headers) as client:
        await client.event("session_started")
        async with relay.services.database.writing() as connection:
            await connection.exec_driver_sql("ALTER TABLE users RENAME TO users_away")
        await relay.services.sessions.expel()
        await client.send(SECOND)
        ended = await client.stop()
    assert ended["audio_ms"] == 1000


async def signed_in_again(relay: Relay, anna: Person) -> dict[str, str]:
    """The headers of a second browser of theirs."""
    now = anna.user.created_at
    second = await relay.services.users.sign_in(anna.user.id, 3600.0, now)
    assert second is not None
    cookie = relay.services.session_cookie.value(second.id)
    return Person(anna.user, second.id, cookie, relay.url).headers
