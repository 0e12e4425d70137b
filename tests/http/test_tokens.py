"""Tickets in the vendor's form, and the provider's own tokens where they are given out."""

import asyncio
from typing import Any

import aiohttp
import pytest

from relay import app
from relay.simulator.server import REALTIME_PATH, Simulator
from relay.upstream.tokens import mint_token
from tests.http.conftest import NOWHERE
from tests.support.peers import talking
from tests.support.people import NOBODY, Answer, ask, device, operator, person
from tests.support.relay import Relay, relay_to

PATH = "/v1/single-use-token/realtime_scribe"
UPSTREAM = "/api/upstream-token"


async def wanted(relay: Relay, body: bytes) -> Answer:
    return await ask(relay, "POST", PATH, {"xi-api-key": relay.key}, data=body)


# Tickets


async def test_a_ticket_comes_in_the_vendors_form(relay: Relay) -> None:
    anna = await person(relay)
    for headers in (anna.headers, {"xi-api-key": relay.key}):
        answer = await ask(relay, "POST", PATH, headers)
        assert answer.status == 200
        assert list(answer.body) == ["token"]
        # It fits a subprotocol and a URL as it is.
        assert answer.body["token"].replace("-", "").replace("_", "").replace(".", "").isalnum()


async def test_no_two_tickets_are_the_same(relay: Relay) -> None:
    texts = {(await wanted(relay, b"")).body["token"] for _ in range(5)}
    assert len(texts) == 5


async def test_nobody_gets_a_ticket(relay: Relay) -> None:
    for headers in (NOBODY, {"xi-api-key": relay.key[:-1]}, {"Origin": relay.url}):
        assert (await ask(relay, "POST", PATH, headers)).status == 401


async def test_a_kiosk_gets_no_ticket_that_could_be_carried_away() -> None:
    async with relay_to(NOWHERE, kiosk_networks="lobby=127.0.0.0/8") as relay:
        lobby = await device(relay, "hall")
        for headers in (NOBODY, lobby.headers):
            answer = await ask(relay, "POST", PATH, headers)
            assert answer.status == 403
            assert answer.body["error"] == "This is for users and operators and keys alone."


async def test_a_person_cannot_speak_for_a_subject(relay: Relay) -> None:
    anna, olga = await person(relay), await operator(relay)
    for one in (anna, olga):
        answer = await ask(relay, "POST", PATH, one.headers, json={"subject": "bob"})
        assert answer.status == 403


async def test_other_kinds_of_tokens_are_not_issued(relay: Relay) -> None:
    headers = {"xi-api-key": relay.key}
    for path in ("/v1/single-use-token/tts_websocket", "/v1/single-use-token/x"):
        assert (await ask(relay, "POST", path, headers)).status == 422
    assert (await ask(relay, "GET", PATH, headers)).status == 405


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"subject": None, "options": {}, "max_seconds": None, "origin": None},
        {"subject": "x" * 128, "max_seconds": 86_400, "origin": "https://app.example.org"},
        {"subject": "Jörg Müller <joerg@example.org>", "max_seconds": 0.5},
        {"options": {"language_code": "en", "keyterms": ["relay", "scribe"]}},
        {"origin": "HTTPS://app.example.org:443"},
    ],
    ids=repr,
)
async def test_everything_in_the_body_is_optional(relay: Relay, body: dict[str, Any]) -> None:
    answer = await ask(relay, "POST", PATH, {"xi-api-key": relay.key}, json=body)
    assert answer.status == 200, answer.text


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "truncated"),
        (b"[]", "object"),
        (b'{"colour": "red"}', "colour"),
        (b'{"subject": ""}', "subject"),
        (b'{"subject": "' + b"x" * 129 + b'"}', "subject"),
        (b'{"subject": "a\\u0000b"}', "subject"),
        (b'{"subject": "a\\nb"}', "subject"),
        (b'{"subject": "a\\u202eb"}', "subject"),
        (b'{"subject": 7}', "subject"),
        (b'{"max_seconds": 0}', "max_seconds"),
        (b'{"max_seconds": -1}', "max_seconds"),
        (b'{"max_seconds": 86401}', "max_seconds"),
        (b'{"max_seconds": 1e999}', "range"),
        (b'{"max_seconds": true}', "max_seconds"),
        (b'{"max_seconds": "60"}', "max_seconds"),
        (b'{"origin": "app.example.org"}', "origin"),
        (b'{"origin": ""}', "origin"),
        (b'{"origin": "https://app.example.org/page"}', "origin"),
        (b'{"origin": "null"}', "origin"),
        (b'{"options": {"colour": "red"}}', "colour"),
        (b'{"options": {"token": "x"}}', "token"),
        (b'{"options": {"language_code": "nonsense"}}', "language_code"),
        (b'{"options": {"language_code": ["en", "de"]}}', "language_code"),
        (b'{"options": {"language_code": 7}}', "options"),
        (b'{"subject": "\xff"}', "UTF-8"),
        (b" " * (16 * 1024 + 1), "16384"),
    ],
    ids=lambda value: repr(value[:30]),
)
async def test_a_body_that_cannot_be_right_is_refused_in_one_sentence(
    relay: Relay, body: bytes, word: str
) -> None:
    answer = await wanted(relay, body)
    assert answer.status == 422, answer.text
    assert answer.body["type"] == "invalid_request"
    text = answer.body["error"]
    assert word in text
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 400


async def test_one_account_asks_for_so_many_tickets_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "TICKETS_PER_MINUTE", 2)
    async with relay_to(NOWHERE) as relay:
        statuses = [(await wanted(relay, b"")).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = await wanted(relay, b"")
        assert 0 < int(refused.headers["Retry-After"]) <= 30
        anna = await person(relay)
        assert (await ask(relay, "POST", PATH, anna.headers)).status == 200


# The provider's own


async def opens(simulator: Simulator, token: str) -> str:
    """Open a session at the provider with a token: the type of its first message."""
    url = f"{simulator.url}{REALTIME_PATH}"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url, params={"token": token}) as socket,
    ):
        message_type: str = (await socket.receive_json())["message_type"]
        return message_type


async def test_the_providers_tokens_are_not_given_out_unless_the_settings_say_so(
    relay: Relay,
) -> None:
    olga = await operator(relay)
    answer = await ask(relay, "POST", UPSTREAM, olga.headers)
    assert answer.status == 403
    assert "RELAY_ALLOW_UPSTREAM_TOKENS" in answer.body["error"]


async def test_a_token_of_the_providers_opens_one_session_there(simulator: Simulator) -> None:
    async with relay_to(simulator.url, allow_upstream_tokens=True) as relay:
        anna = await person(relay)
        for headers in (anna.headers, {"xi-api-key": relay.key}):
            answer = await ask(relay, "POST", UPSTREAM, headers)
            assert answer.status == 200
            assert list(answer.body) == ["token"]
            assert await opens(simulator, answer.body["token"]) == "session_started"
            assert await opens(simulator, answer.body["token"]) == "auth_error"


async def test_no_token_of_the_providers_for_nobody_or_a_kiosk(simulator: Simulator) -> None:
    async with relay_to(simulator.url, allow_upstream_tokens=True) as relay:
        assert (await ask(relay, "POST", UPSTREAM)).status == 401
        lobby = await device(relay)
        assert (await ask(relay, "POST", UPSTREAM, lobby.headers)).status == 403


async def test_a_provider_that_refuses_our_key_is_not_the_callers_fault(
    simulator: Simulator,
) -> None:
    wrong = "xi-wrong-key-9876543210"
    async with relay_to(simulator.url, key=wrong, allow_upstream_tokens=True) as relay:
        answer = await ask(relay, "POST", UPSTREAM, {"xi-api-key": relay.key})
    assert (answer.status, answer.body["type"]) == (502, "auth_error")
    assert wrong not in answer.text


async def test_a_provider_that_is_away_is_said_to_be() -> None:
    async with relay_to(NOWHERE, allow_upstream_tokens=True) as relay:
        answer = await ask(relay, "POST", UPSTREAM, {"xi-api-key": relay.key})
    assert (answer.status, answer.body["type"]) == (502, "upstream_unavailable")


async def test_an_answer_of_the_providers_may_come_in_pieces() -> None:
    async def in_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"token":"sutkn_0123"}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:9])
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(body[9:])
        await writer.drain()

    async with talking(in_pieces) as port:
        token = await mint_token(f"ws://127.0.0.1:{port}", "a-key", None)
    assert token == "sutkn_0123"
