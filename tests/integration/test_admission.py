"""Who may open a session, as clients on real sockets see it."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from websockets.datastructures import HeadersLike
from websockets.exceptions import InvalidStatus

from relay.auth.gate import SESSION_COOKIE, SESSION_PURPOSE
from relay.auth.signing import Signer
from relay.auth.tickets import KEY, Ticket, Tickets
from relay.protocol.messages import SUBPROTOCOL
from relay.simulator.server import Simulator
from tests.support.people import NOBODY, Person, ask, device, person, ticket
from tests.support.relay import Client, Event, Relay, relay_to
from tests.support.settings import PROOF, PROXY, SIGNING_KEY
from tests.support.waiting import until

SECOND = np.full(48_000, 0.1, np.float32)

EVIL = "https://evil.example"
APP = "https://app.example.org"

MONTH = 31 * 86_400


async def admitted(
    relay: Relay,
    headers: HeadersLike = NOBODY,
    *,
    subprotocols: Sequence[str] = (SUBPROTOCOL,),
    **query: Any,
) -> Event:
    """Open a session and end it; its `session_started`."""
    async with Client(relay, headers=headers, subprotocols=subprotocols, **query) as client:
        await client.stop()
    return client.events[0]


async def refused(
    relay: Relay, headers: HeadersLike = NOBODY, *, subprotocols: Sequence[str] = (SUBPROTOCOL,)
) -> tuple[int, str]:
    """Try to open a session in vain; the close code, and the type of the one message before it."""
    async with Client(relay, headers=headers, subprotocols=subprotocols) as client:
        await client.wait_for(lambda: bool(client.events))
        assert client.of("session_started") == []
        code = await client.closed()
    (error,) = client.events
    assert error["retryable"] is False
    return code, error["message_type"]


UNKNOWN = (4401, "unauthorized")
FOREIGN = (4403, "origin_not_allowed")


def with_ticket(text: str) -> Sequence[str]:
    return (SUBPROTOCOL, f"ticket.{text}")


def cookie(value: str, origin: str) -> dict[str, str]:
    return {"Cookie": f"{SESSION_COOKIE}={value}", "Origin": origin}


def behind_proxy(address: str, **others: str) -> dict[str, str]:
    return {**PROOF, "X-Forwarded-For": address, **others}


def long_ago() -> Signer:
    """What a relay signed a month ago."""
    return Signer([SIGNING_KEY], clock=lambda: time.time() - MONTH)


async def accounts(relay: Relay) -> set[str]:
    """Whose sessions were written down, waited for."""
    today = datetime.now(UTC).date()
    usage = relay.services.usage

    async def is_written() -> bool:
        return bool(await usage.per_day(today, today))

    await until(is_written, "the ledger")
    return {row.account for row in await usage.per_day(today, today)}


# Nobody


async def test_who_shows_nothing_is_refused(simulator: Simulator, relay: Relay) -> None:
    assert await refused(relay) == UNKNOWN
    assert await refused(relay, {"Origin": relay.url}) == UNKNOWN
    assert simulator.connections == []


# Cookies


async def test_a_person_on_our_own_page_is_admitted(relay: Relay) -> None:
    anna = await person(relay)
    await admitted(relay, anna.headers)
    assert await accounts(relay) == {f"user:{anna.user.id}"}


async def test_a_cookie_without_an_origin_counts_for_nothing(relay: Relay) -> None:
    anna = await person(relay)
    del (headers := anna.headers)["Origin"]
    assert await refused(relay, headers) == UNKNOWN


@pytest.mark.parametrize("origin", [EVIL, "null", "", "http://127.0.0.1:1"])
async def test_no_other_page_can_use_its_visitors_cookie(relay: Relay, origin: str) -> None:
    anna = await person(relay)
    assert await refused(relay, {**anna.headers, "Origin": origin}) == FOREIGN


async def test_two_origins_are_none_of_ours(relay: Relay) -> None:
    anna = await person(relay)
    with pytest.raises(InvalidStatus, match="400"):
        await refused(relay, [*anna.headers.items(), ("Origin", EVIL)])


async def test_pages_that_an_operator_named_may_use_the_cookie(simulator: Simulator) -> None:
    async with relay_to(simulator.url, allowed_origins=(APP,)) as relay:
        anna = await person(relay)
        for origin in (relay.url, APP):
            await admitted(relay, {**anna.headers, "Origin": origin})
        assert await refused(relay, {**anna.headers, "Origin": EVIL}) == FOREIGN


async def test_a_cookie_that_was_changed_is_refused(relay: Relay) -> None:
    anna = await person(relay)
    head, _, signature = anna.cookie.rpartition(".")
    other = "B" if signature[0] == "A" else "A"
    for value in (f"{head}.{other}{signature[1:]}", head, f"x{anna.cookie}", "", anna.sign_in_id):
        assert await refused(relay, cookie(value, relay.url)) == UNKNOWN


async def test_a_cookie_signed_with_another_key_is_refused(relay: Relay) -> None:
    anna = await person(relay)
    forged = Signer(["a-key-that-only-the-attacker-has-made"]).dumps(
        SESSION_PURPOSE, anna.sign_in_id
    )
    assert await refused(relay, cookie(forged, relay.url)) == UNKNOWN


async def test_what_was_signed_for_another_purpose_is_no_cookie(relay: Relay) -> None:
    anna = await person(relay)
    other = Signer([SIGNING_KEY]).dumps("ticket", anna.sign_in_id)
    assert await refused(relay, cookie(other, relay.url)) == UNKNOWN


async def test_a_cookie_signed_too_long_ago_is_refused(relay: Relay) -> None:
    anna = await person(relay)
    old = long_ago().dumps(SESSION_PURPOSE, anna.sign_in_id)
    assert await refused(relay, cookie(old, relay.url)) == UNKNOWN


async def test_a_sign_in_that_has_expired_is_refused(relay: Relay) -> None:
    anna = await person(relay)
    now = datetime.now(UTC)
    old = await relay.services.users.sign_in(anna.user.id, 60.0, now - timedelta(seconds=61))
    assert old is not None
    value = relay.services.session_cookie.value(old.id)
    assert await refused(relay, cookie(value, relay.url)) == UNKNOWN


async def test_a_cookie_kept_from_before_the_logout_is_refused(relay: Relay) -> None:
    anna = await person(relay)
    await admitted(relay, anna.headers)
    assert (await ask(relay, "POST", "/api/logout", anna.headers)).status == 200
    assert await refused(relay, anna.headers) == UNKNOWN


async def test_behind_tls_the_cookie_has_the_name_that_no_other_host_can_set(
    simulator: Simulator,
) -> None:
    async with relay_to(simulator.url, **PROXY) as relay:
        anna = await person(relay)
        secure = {
            **behind_proxy("203.0.113.7", **{"X-Forwarded-Proto": "https"}),
            "Origin": relay.url.replace("http:", "https:"),
        }
        plain = f"{SESSION_COOKIE}={anna.cookie}"
        await admitted(relay, {**secure, "Cookie": f"__Host-{plain}"})
        assert await refused(relay, {**secure, "Cookie": plain}) == UNKNOWN
        assert await refused(relay, {**anna.headers, "Cookie": f"__Host-{plain}"}) == UNKNOWN


async def test_behind_tls_a_page_without_tls_is_another_one(simulator: Simulator) -> None:
    async with relay_to(simulator.url, **PROXY) as relay:
        anna = await person(relay)
        headers = {
            **behind_proxy("203.0.113.7", **{"X-Forwarded-Proto": "https"}),
            "Cookie": f"__Host-{SESSION_COOKIE}={anna.cookie}",
            "Origin": relay.url,
        }
        assert await refused(relay, headers) == FOREIGN


async def test_a_kiosk_is_admitted_by_its_cookie_on_our_own_page(relay: Relay) -> None:
    lobby = await device(relay)
    await admitted(relay, lobby.headers)
    assert await accounts(relay) == {f"kiosk:{lobby.kiosk.id}"}
    without_origin = {"Cookie": lobby.headers["Cookie"]}
    assert await refused(relay, without_origin) == UNKNOWN
    assert await refused(relay, {**lobby.headers, "Origin": EVIL}) == FOREIGN
    await relay.services.kiosks.revoke(lobby.kiosk.id)
    assert await refused(relay, lobby.headers) == UNKNOWN


async def test_a_kiosk_gets_the_options_that_it_was_approved_with(relay: Relay) -> None:
    lobby = await device(relay, options=(("language_code", "ru"),))
    started = await admitted(relay, lobby.headers, language_code="en")
    assert started["config"]["language_code"] == "ru"


# Keys


async def test_a_server_is_admitted_by_its_key(relay: Relay) -> None:
    key, text = await relay.services.api_keys.create("server")
    await admitted(relay, {"xi-api-key": text})
    assert await accounts(relay) == {f"key:{key.id}"}


async def test_a_key_that_is_not_good_is_refused_whatever_else_is_shown(relay: Relay) -> None:
    anna = await person(relay)
    key, revoked = await relay.services.api_keys.create("revoked")
    await relay.services.api_keys.revoke(key.id)
    wrong = relay.key[:-4] + "AAAA"
    for text in (wrong, revoked, "", relay.key[:-1], f"{relay.key}, {relay.key}"):
        assert await refused(relay, {**anna.headers, "xi-api-key": text}) == UNKNOWN


async def test_two_keys_are_refused_whatever_else_is_shown(relay: Relay) -> None:
    anna = await person(relay)
    headers = [*anna.headers.items(), ("xi-api-key", relay.key), ("xi-api-key", relay.key)]
    assert await refused(relay, headers) == UNKNOWN


# Tickets


async def test_a_ticket_admits_once(relay: Relay) -> None:
    anna = await person(relay)
    shown = with_ticket(await ticket(relay, anna.headers))
    await admitted(relay, subprotocols=shown)
    assert await accounts(relay) == {f"user:{anna.user.id}"}
    assert await refused(relay, subprotocols=shown) == UNKNOWN


async def test_a_ticket_admits_pages_of_any_origin_unless_it_names_one(relay: Relay) -> None:
    anna = await person(relay)
    shown = with_ticket(await ticket(relay, anna.headers))
    await admitted(relay, {"Origin": EVIL}, subprotocols=shown)


async def test_the_relay_does_not_say_the_ticket_again(relay: Relay) -> None:
    anna = await person(relay)
    shown = with_ticket(await ticket(relay, anna.headers))
    async with Client(relay, headers=NOBODY, subprotocols=shown) as client:
        await client.stop()
    assert client.connection.subprotocol == SUBPROTOCOL


async def test_of_a_hundred_sockets_that_show_one_ticket_one_is_admitted(relay: Relay) -> None:
    anna = await person(relay)
    shown = with_ticket(await ticket(relay, anna.headers))

    async def try_once() -> str:
        async with Client(relay, headers=NOBODY, subprotocols=shown) as client:
            await client.wait_for(lambda: bool(client.events))
            message_type: str = client.events[0]["message_type"]
            return message_type

    answers = await asyncio.gather(*(try_once() for _ in range(100)))
    assert sorted(answers) == ["session_started"] + ["unauthorized"] * 99


async def test_a_ticket_that_was_changed_is_refused_and_the_true_one_stays_good(
    relay: Relay,
) -> None:
    anna = await person(relay)
    text = await ticket(relay, anna.headers)
    name = str(Signer([SIGNING_KEY]).loads("ticket", text, max_age=60.0))
    other_purpose = Signer([SIGNING_KEY]).dumps(SESSION_PURPOSE, name)
    forged = Signer(["a-key-that-only-the-attacker-has-made"]).dumps("ticket", name)
    for changed in (text[:-1], f"{text}A", name, other_purpose, forged, "", "x" * 5_000):
        assert await refused(relay, subprotocols=with_ticket(changed)) == UNKNOWN
    await admitted(relay, subprotocols=with_ticket(text))


async def test_a_ticket_that_redis_has_forgotten_is_refused(relay: Relay) -> None:
    anna = await person(relay)
    state = relay.services.state
    text = await Tickets(state, Signer([SIGNING_KEY]), lifetime=0.05).issue(_ticket_of(anna))

    async def is_gone() -> bool:
        async with state.asking() as redis:
            return not await redis.keys(f"{KEY}*")

    await until(is_gone, "the ticket to expire")
    assert await refused(relay, subprotocols=with_ticket(text)) == UNKNOWN


async def test_a_ticket_signed_too_long_ago_is_refused_though_redis_has_it(relay: Relay) -> None:
    anna = await person(relay)
    text = await Tickets(relay.services.state, long_ago()).issue(_ticket_of(anna))
    assert await refused(relay, subprotocols=with_ticket(text)) == UNKNOWN


async def test_a_ticket_for_one_origin_admits_its_pages_alone(relay: Relay) -> None:
    for origin, is_good in ((APP, True), (EVIL, False), (None, False)):
        text = await ticket(relay, {"xi-api-key": relay.key}, origin=f"{APP.upper()}:443")
        headers = {} if origin is None else {"Origin": origin}
        if is_good:
            await admitted(relay, headers, subprotocols=with_ticket(text))
        else:
            assert await refused(relay, headers, subprotocols=with_ticket(text)) == UNKNOWN


async def test_a_ticket_shown_by_a_page_of_another_origin_is_spent(relay: Relay) -> None:
    text = await ticket(relay, {"xi-api-key": relay.key}, origin=APP)
    assert await refused(relay, {"Origin": EVIL}, subprotocols=with_ticket(text)) == UNKNOWN
    assert await refused(relay, {"Origin": APP}, subprotocols=with_ticket(text)) == UNKNOWN


async def test_whoever_bears_a_ticket_cannot_change_its_options(relay: Relay) -> None:
    options = {"language_code": "de", "commit_strategy": "vad"}
    text = await ticket(relay, {"xi-api-key": relay.key}, options=options)
    started = await admitted(
        relay, subprotocols=with_ticket(text), language_code="en", commit_strategy="manual"
    )
    assert options.items() <= started["config"].items()


async def test_a_tickets_options_do_not_overrule_the_operators(simulator: Simulator) -> None:
    async with relay_to(simulator.url, pinned_options="language_code=ru") as relay:
        options = {"language_code": "de", "include_language_detection": "true"}
        text = await ticket(relay, {"xi-api-key": relay.key}, options=options)
        started = await admitted(relay, subprotocols=with_ticket(text))
    assert started["config"]["language_code"] == "ru"
    assert started["config"]["include_language_detection"] is True


async def test_a_tickets_session_ends_when_its_seconds_are_over(relay: Relay) -> None:
    text = await ticket(relay, {"xi-api-key": relay.key}, max_seconds=1.5)
    async with Client(relay, headers=NOBODY, subprotocols=with_ticket(text)) as client:
        await client.send(SECOND)
        assert await client.closed() == 4429
    (error,) = client.of("session_time_limit_exceeded")
    assert error["retryable"] is True
    assert client.events[0]["limits"]["max_session_seconds"] == 1.5
    assert client.of("committed_transcript")[0]["end_sample"] == len(SECOND)


async def test_a_ticket_cannot_lengthen_a_session(simulator: Simulator) -> None:
    async with relay_to(simulator.url, limit_key_session_minutes=1) as relay:
        text = await ticket(relay, {"xi-api-key": relay.key}, max_seconds=3600)
        started = await admitted(relay, subprotocols=with_ticket(text))
    assert started["limits"]["max_session_seconds"] == 60


async def test_limits_and_history_follow_the_tickets_subject(simulator: Simulator) -> None:
    async with relay_to(simulator.url, limit_key_sessions=1) as relay:
        key, secret = await relay.services.api_keys.create("server")
        texts = [
            await ticket(relay, {"xi-api-key": secret}, subject=subject)
            for subject in ("anna", "anna", "bob")
        ]
        first, second, third = (
            Client(relay, headers=NOBODY, subprotocols=with_ticket(text)) for text in texts
        )
        async with first:
            await first.event("session_started")
            async with second:
                assert await second.closed() == 4429
            async with third:
                await third.stop()
            await first.stop()
        assert second.events[0]["message_type"] == "too_many_sessions"
        expected = {f"key:{key.id}:anna", f"key:{key.id}:bob"}

        async def both_are_written() -> bool:
            return await accounts(relay) == expected

        await until(both_are_written, "the ledger")


async def test_a_ticket_of_a_user_who_was_removed_meanwhile_is_refused(relay: Relay) -> None:
    anna = await person(relay)
    shown = with_ticket(await ticket(relay, anna.headers))
    await relay.services.users.remove(anna.user.id)
    assert await refused(relay, subprotocols=shown) == UNKNOWN


async def test_a_ticket_of_a_user_who_signed_out_meanwhile_is_refused(relay: Relay) -> None:
    anna = await person(relay)
    shown = with_ticket(await ticket(relay, anna.headers))
    await relay.services.users.sign_out(anna.sign_in_id)
    assert await refused(relay, subprotocols=shown) == UNKNOWN


async def test_a_ticket_of_a_key_that_was_revoked_meanwhile_is_refused(relay: Relay) -> None:
    key, secret = await relay.services.api_keys.create("server")
    shown = with_ticket(await ticket(relay, {"xi-api-key": secret}, subject="anna"))
    await relay.services.api_keys.revoke(key.id)
    assert await refused(relay, subprotocols=shown) == UNKNOWN


async def test_of_two_tickets_neither_is_taken(relay: Relay) -> None:
    anna = await person(relay)
    first, second = [await ticket(relay, anna.headers) for _ in range(2)]
    both = (SUBPROTOCOL, f"ticket.{first}", f"ticket.{second}")
    assert await refused(relay, anna.headers, subprotocols=both) == UNKNOWN


async def test_a_bad_ticket_is_refused_though_a_good_cookie_or_key_is_shown(relay: Relay) -> None:
    anna = await person(relay)
    shown = with_ticket("nonsense")
    assert await refused(relay, anna.headers, subprotocols=shown) == UNKNOWN
    assert await refused(relay, {"xi-api-key": relay.key}, subprotocols=shown) == UNKNOWN


async def test_a_good_ticket_says_who_it_is_whatever_the_cookie_says(relay: Relay) -> None:
    anna, bob = await person(relay, "anna"), await person(relay, "bob")
    shown = with_ticket(await ticket(relay, anna.headers))
    await admitted(relay, bob.headers, subprotocols=shown)
    assert await accounts(relay) == {f"user:{anna.user.id}"}


@pytest.mark.parametrize("value", ["resume.", "resume.abc", "resume.ticket.abc"])
async def test_a_session_that_nobody_knows_is_not_resumed(relay: Relay, value: str) -> None:
    anna = await person(relay)
    good = await ticket(relay, anna.headers)
    shown = (SUBPROTOCOL, value, f"ticket.{good}")
    for headers in (NOBODY, anna.headers, {"xi-api-key": relay.key}):
        assert await refused(relay, headers, subprotocols=shown) == UNKNOWN
    # A ticket that comes with it isn't spent.
    await admitted(relay, subprotocols=with_ticket(good))


# Kiosks by place

PLACE = {"kiosk_networks": "lobby=127.0.0.0/8"}


async def test_a_kiosk_in_its_place_needs_no_header_and_no_subprotocol(
    simulator: Simulator,
) -> None:
    async with relay_to(simulator.url, **PLACE) as relay:
        async with Client(relay.url, subprotocols=()) as client:
            await client.connection.send(SECOND.tobytes())
            await client.stop()
        assert client.connection.subprotocol is None
        assert client.of("committed_transcript")[0]["end_sample"] == len(SECOND)
        assert await accounts(relay) == {"kiosk:lobby"}


async def test_elsewhere_there_is_no_kiosk(simulator: Simulator) -> None:
    async with relay_to(simulator.url, kiosk_networks="lobby=10.0.0.0/8") as relay:
        assert await refused(relay) == UNKNOWN


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Proto"]
)
async def test_who_seems_to_speak_for_others_has_no_place(
    simulator: Simulator, header: str
) -> None:
    async with relay_to(simulator.url, **PLACE) as relay:
        assert await refused(relay, {header: "127.0.0.1"}) == UNKNOWN


async def test_nobody_takes_a_place_by_naming_its_address(simulator: Simulator) -> None:
    async with relay_to(simulator.url, kiosk_networks="lobby=10.0.0.0/8") as relay:
        assert await refused(relay, behind_proxy("10.1.2.3")) == UNKNOWN


async def test_a_trusted_proxy_says_where_the_kiosk_is(simulator: Simulator) -> None:
    async with relay_to(simulator.url, kiosk_networks="lobby=10.0.0.0/8", **PROXY) as relay:
        await admitted(relay, behind_proxy("10.1.2.3"))
        assert await refused(relay, behind_proxy("192.0.2.1")) == UNKNOWN
        assert await refused(relay, behind_proxy("10.1.2.3, 192.0.2.1")) == UNKNOWN
        assert await refused(relay, behind_proxy("192.0.2.1, 10.1.2.3")) == UNKNOWN
        assert await refused(relay, behind_proxy("nonsense")) == UNKNOWN


async def test_a_proxy_itself_is_no_kiosk(simulator: Simulator) -> None:
    async with relay_to(simulator.url, **PLACE, **PROXY) as relay:
        assert await refused(relay) == UNKNOWN


async def test_no_other_page_can_use_the_place_of_its_visitors(simulator: Simulator) -> None:
    async with relay_to(simulator.url, **PLACE) as relay:
        await admitted(relay, {"Origin": relay.url})
        for origin in (EVIL, "null"):
            assert await refused(relay, {"Origin": origin}) == FOREIGN


async def test_a_place_pins_its_options(simulator: Simulator) -> None:
    values = {**PLACE, "kiosk_options": "lobby?language_code=ru&no_verbatim=true"}
    async with relay_to(simulator.url, **values) as relay:
        async with Client(relay, headers=NOBODY, language_code="en") as client:
            await client.stop()
        config = client.events[0]["config"]
    assert (config["language_code"], config["no_verbatim"]) == ("ru", True)
    assert [event["code"] for event in client.of("warning")] == ["option_changed"]


CERTIFICATE = {
    "kiosk_certificates": "hall=kiosk-1.example.org",
    "client_certificate_header": "X-Client-Name",
}


async def test_a_trusted_proxy_passes_on_the_name_of_a_client_certificate(
    simulator: Simulator,
) -> None:
    async with relay_to(simulator.url, **CERTIFICATE, **PROXY) as relay:
        name = {"X-Client-Name": "Kiosk-1.example.org"}
        await admitted(relay, behind_proxy("192.0.2.1", **name))
        assert await accounts(relay) == {"kiosk:hall"}
        assert await refused(relay, behind_proxy("192.0.2.1")) == UNKNOWN
        other = {"X-Client-Name": "kiosk-2.example.org"}
        assert await refused(relay, behind_proxy("192.0.2.1", **other)) == UNKNOWN
        foreign = behind_proxy("192.0.2.1", **name, Origin=EVIL)
        assert await refused(relay, foreign) == FOREIGN


async def test_from_anybody_else_a_certificates_name_is_worth_nothing(
    simulator: Simulator,
) -> None:
    async with relay_to(simulator.url, **CERTIFICATE) as relay:
        assert await refused(relay, {"X-Client-Name": "kiosk-1.example.org"}) == UNKNOWN


async def test_a_certificates_name_that_is_there_twice_counts_as_none(
    simulator: Simulator,
) -> None:
    async with relay_to(simulator.url, **CERTIFICATE, **PROXY) as relay:
        name = ("X-Client-Name", "kiosk-1.example.org")
        assert (
            await refused(relay, [*PROOF.items(), ("X-Forwarded-For", "192.0.2.1"), name, name])
            == UNKNOWN
        )


# Forward authentication

FORWARD = {"forward_auth_header": "X-Forwarded-User", "forward_auth_operators": "olga"}


async def test_a_trusted_proxy_says_whom_it_has_signed_in(simulator: Simulator) -> None:
    async with relay_to(simulator.url, **FORWARD, **PROXY) as relay:
        name = "Jörg".encode().decode("latin-1")  # goes out as UTF-8
        headers = behind_proxy("192.0.2.1", **{"X-Forwarded-User": name})
        await admitted(relay, {**headers, "Origin": relay.url})
        user = await relay.services.users.find("jörg")
        assert user is not None
        assert await accounts(relay) == {f"user:{user.id}"}
        # The browser sends what the proxy knows it by, on any page's behalf.
        assert await refused(relay, headers) == UNKNOWN
        assert await refused(relay, {**headers, "Origin": EVIL}) == FOREIGN


async def test_from_anybody_else_a_users_name_is_worth_nothing(simulator: Simulator) -> None:
    async with relay_to(simulator.url, **FORWARD) as relay:
        for forwarded in ({}, behind_proxy("192.0.2.1")):
            headers = {**forwarded, "X-Forwarded-User": "olga", "Origin": relay.url}
            assert await refused(relay, headers) == UNKNOWN
        assert await relay.services.users.count() == 0


async def test_a_program_on_the_proxys_machine_is_not_the_proxy(simulator: Simulator) -> None:
    named = {"X-Forwarded-User": "olga", "X-Client-Name": "kiosk-1.example.org"}
    values = {**FORWARD, **CERTIFICATE, "kiosk_networks": "lobby=10.0.0.0/8", **PROXY}
    async with relay_to(simulator.url, **values) as relay:
        for proof in ({}, {"X-Relay-Proxy-Secret": "a-guess"}, {"X-Relay-Proxy-Secret": "\xe9"}):
            for address in ("10.1.2.3", "192.0.2.1"):
                headers = {"X-Forwarded-For": address, **named, "Origin": relay.url, **proof}
                assert await refused(relay, headers) == UNKNOWN
        ((header, secret),) = PROOF.items()
        twice = [*named.items(), ("Origin", relay.url), (header, secret), (header, secret)]
        assert await refused(relay, twice) == UNKNOWN
        await admitted(relay, {**named, "Origin": relay.url, **PROOF})


async def test_two_users_names_are_nobodys(simulator: Simulator) -> None:
    async with relay_to(simulator.url, **FORWARD, **PROXY) as relay:
        name = ("X-Forwarded-User", "olga")
        headers = [
            *PROOF.items(),
            ("X-Forwarded-For", "192.0.2.1"),
            ("Origin", relay.url),
            name,
            name,
        ]
        assert await refused(relay, headers) == UNKNOWN


async def test_a_users_name_that_nobody_can_have_is_refused(simulator: Simulator) -> None:
    async with relay_to(simulator.url, **FORWARD, **PROXY) as relay:
        named = {"X-Forwarded-User": "x" * 65, "Origin": relay.url}
        assert await refused(relay, behind_proxy("192.0.2.1", **named)) == UNKNOWN


# Handshakes


async def limited(relay: Relay, headers: dict[str, str] = NOBODY) -> bool:
    """Try one handshake: whether it was refused in HTTP, and rightly so."""
    try:
        async with Client(relay, headers=headers) as client:
            await client.closed()
            return False
    except InvalidStatus as error:
        response = error.response
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    return True


async def test_handshakes_of_one_address_are_limited(simulator: Simulator) -> None:
    async with relay_to(simulator.url, handshakes_per_minute=2, **PROXY) as relay:
        first, second = behind_proxy("192.0.2.1"), behind_proxy("192.0.2.2")
        tries = [await limited(relay, first) for _ in range(4)]
        assert tries == [False, False, True, True]
        assert await limited(relay, second) is False
        # It costs nothing but handshakes.
        assert (await ask(relay, "GET", "/healthz", first)).status == 200


async def test_an_ipv6_network_is_one_address(simulator: Simulator) -> None:
    async with relay_to(simulator.url, handshakes_per_minute=2, **PROXY) as relay:
        network = [f"2001:db8::{number}" for number in range(1, 5)]
        tries = [await limited(relay, behind_proxy(address)) for address in network]
        assert tries == [False, False, True, True]
        assert await limited(relay, behind_proxy("2001:db8:0:1::1")) is False


async def test_nobody_escapes_the_limit_by_naming_other_addresses(simulator: Simulator) -> None:
    async with relay_to(simulator.url, handshakes_per_minute=2) as relay:
        tries = [await limited(relay, behind_proxy(f"192.0.2.{number}")) for number in range(3)]
        assert tries == [False, False, True]


def _ticket_of(holder: Person) -> Ticket:
    fields: dict[str, Any] = {"kind": "user", "id": holder.user.id, "name": "anna", "role": "user"}
    return Ticket(**fields)
