"""What stands before every route, and what every answer says."""

import asyncio
import json
from typing import Any
from unittest.mock import AsyncMock

import pytest
from multidict import CIMultiDict
from starlette.routing import Route

from relay.app import create_app
from relay.http import bodies
from relay.http.access import OPEN_PATHS
from relay.services import Services
from tests.http.conftest import NOWHERE
from tests.support.people import Answer, ask, device, operator, person
from tests.support.ports import free_port
from tests.support.relay import Relay, relay_to
from tests.support.settings import PROOF, PROXY, settings_for

APP = "https://app.example.org"
EVIL = "https://evil.example"

FORWARD = {"forward_auth_header": "X-Forwarded-User", "forward_auth_operators": "olga,Jörg"}

ROUTES = sorted(
    {
        (method, route.path)
        for route in create_app(settings_for(NOWHERE)).routes
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in route.methods or ()
    }
)
"""Every method and path under `/api`."""

CLOSED = [row for row in ROUTES if row[1] not in OPEN_PATHS]


def filled(path: str) -> str:
    """A path with something in the place of each parameter."""
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))


def error_of(answer: Answer) -> str:
    error_type: str = answer.body["type"]
    return error_type


# Nobody


def test_there_are_routes_to_look_at() -> None:
    assert len(CLOSED) > 15
    assert {path for _, path in ROUTES} >= OPEN_PATHS


async def test_nobody_learns_anything_under_api(relay: Relay) -> None:
    paths = [(method, filled(path)) for method, path in CLOSED]
    paths += [(method, "/api/me") for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")]
    missing = (
        "/api/",
        "/api/nothing",
        "/api/login/",
        "/api/login/nothing",
        "/api/kiosk",
        "/api//me",
    )
    paths += [(method, path) for method in ("GET", "POST") for path in missing]
    for method, path in paths:
        answer = await ask(relay, method, path)
        assert (method, path, answer.status) == (method, path, 401)
        if method != "HEAD":
            assert answer.body == {"type": "unauthorized", "error": "Sign in first."}


async def test_what_is_open_is_not_refused_to_nobody(relay: Relay) -> None:
    for path, method in (
        ("/api/login", "POST"),
        ("/api/login/link", "POST"),
        ("/api/kiosk/enrolment", "POST"),
        ("/api/kiosk/enrolment", "GET"),
        ("/healthz", "GET"),
    ):
        assert (await ask(relay, method, path)).status in (200, 201, 422)


async def test_whoever_is_signed_in_learns_what_is_there(relay: Relay) -> None:
    anna = await person(relay)
    assert (await ask(relay, "GET", "/api/nothing", anna.headers)).status == 404
    assert (await ask(relay, "PUT", "/api/me", anna.headers)).status == 405


async def test_a_key_that_is_not_good_is_nobodys_whatever_else_is_shown(relay: Relay) -> None:
    olga = await operator(relay)
    wrong = {**olga.headers, "xi-api-key": relay.key[:-4] + "AAAA"}
    assert (await ask(relay, "GET", "/api/users", wrong)).status == 401
    twice = CIMultiDict([*olga.headers.items(), *[("xi-api-key", relay.key)] * 2])
    assert (await ask(relay, "GET", "/api/me", twice)).status == 401


# Pages of others


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("origin", [None, EVIL, "null", "", APP, "https://127.0.0.1"])
async def test_only_our_own_pages_act_on_behalf_of_their_visitors(
    method: str, origin: str | None
) -> None:
    async with relay_to(NOWHERE, allowed_origins=(APP,)) as relay:
        olga = await operator(relay)
        headers = {"Cookie": olga.headers["Cookie"]}
        if origin is not None:
            headers["Origin"] = origin
        anna = await relay.services.users.add("anna", None)
        answer = await ask(relay, method, f"/api/users/{anna.id}", headers)
        assert (answer.status, error_of(answer)) == (403, "origin_not_allowed")
        assert "Only this relay's own pages" in answer.body["error"]
        assert await relay.services.users.get(anna.id) is not None


async def test_two_origins_are_none_of_ours(relay: Relay) -> None:
    olga = await operator(relay)
    headers = CIMultiDict([*olga.headers.items(), ("Origin", EVIL)])
    answer = await ask(relay, "POST", "/api/logout", headers)
    assert (answer.status, error_of(answer)) == (403, "origin_not_allowed")


async def test_our_own_pages_act_on_behalf_of_their_visitors(relay: Relay) -> None:
    olga = await operator(relay)
    anna = await relay.services.users.add("anna", None)
    answer = await ask(relay, "DELETE", f"/api/users/{anna.id}", olga.headers)
    assert answer.status == 204


async def test_servers_have_no_origin_and_need_none(relay: Relay) -> None:
    headers = {"xi-api-key": relay.key, "Cookie": "of=no-matter-what"}
    path = "/v1/single-use-token/realtime_scribe"
    assert (await ask(relay, "POST", path, headers)).status == 200
    # One that a page makes is another matter.
    assert (await ask(relay, "POST", path, {**headers, "Origin": EVIL})).status == 403


async def test_what_changes_nothing_needs_no_origin(relay: Relay) -> None:
    anna = await person(relay)
    headers = {"Cookie": anna.headers["Cookie"]}
    assert (await ask(relay, "GET", "/api/me", headers)).status == 200
    assert (await ask(relay, "GET", "/api/me", {**headers, "Origin": EVIL})).status == 200


async def test_nobody_else_may_read_an_answer(relay: Relay) -> None:
    anna = await person(relay)
    for method in ("GET", "OPTIONS"):
        answer = await ask(relay, method, "/api/me", {**anna.headers, "Origin": EVIL})
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


# Roles

OPERATORS_ONLY = [
    row
    for row in CLOSED
    if row[1].split("/")[2] in ("sessions", "users", "kiosks", "keys", "ops", "workers")
]


async def test_what_is_for_operators_is_refused_to_all_others(relay: Relay) -> None:
    assert len(OPERATORS_ONLY) > 12
    anna, lobby = await person(relay), await device(relay)
    for headers in (anna.headers, lobby.headers, {"xi-api-key": relay.key}):
        for method, path in OPERATORS_ONLY:
            answer = await ask(relay, method, filled(path), headers)
            assert (method, path, answer.status) == (method, path, 403)
            if method != "HEAD":
                assert answer.body == {
                    "type": "unauthorized",
                    "error": "This is for operators alone.",
                }


async def test_operators_may_ask_for_all_of_it(relay: Relay) -> None:
    olga = await operator(relay)
    for method, path in OPERATORS_ONLY:
        answer = await ask(relay, method, filled(path), olga.headers)
        assert answer.status in (200, 404, 422), (method, path)


# Forward authentication


async def me(relay: Relay, headers: Any) -> Any:
    answer = await ask(relay, "GET", "/api/me", headers)
    return answer.body if answer.status == 200 else answer.status


async def test_a_trusted_proxy_says_who_it_is_and_the_settings_who_is_operator() -> None:
    async with relay_to(NOWHERE, **FORWARD, **PROXY) as relay:
        for name, role in (("anna", "user"), ("olga", "operator"), ("Jörg", "operator")):
            forwarded = {**PROOF, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-User": name}
            assert (await me(relay, forwarded)).items() >= {"name": name, "role": role}.items()
        assert await me(relay, {**PROOF, "X-Forwarded-For": "192.0.2.1"}) == 401


async def test_whom_a_proxy_names_is_one_person_whatever_they_are_in_our_database() -> None:
    async with relay_to(NOWHERE, **FORWARD, **PROXY) as relay:
        boss = await relay.services.users.add("boss", None, is_operator=True)
        forwarded = {**PROOF, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-User": "Boss"}
        assert (await me(relay, forwarded)).items() >= {"id": boss.id, "role": "operator"}.items()
        await me(relay, forwarded)
        assert await relay.services.users.count() == 1


async def test_from_anybody_else_the_header_is_worth_nothing() -> None:
    async with relay_to(NOWHERE, **FORWARD) as relay:
        assert await me(relay, {"X-Forwarded-User": "olga"}) == 401
    async with relay_to(NOWHERE, **FORWARD, **PROXY) as relay:
        name = ("X-Forwarded-User", "olga")
        assert await me(relay, CIMultiDict([*PROOF.items(), name, name])) == 401
        assert await me(relay, {**PROOF, "X-Forwarded-User": " "}) == 401
    async with relay_to(NOWHERE, **PROXY) as relay:
        assert await me(relay, {**PROOF, "X-Forwarded-User": "olga"}) == 401


async def test_a_name_in_other_bytes_than_utf_8_is_taken_as_it_is() -> None:
    async with relay_to(NOWHERE, **FORWARD, **PROXY) as relay:
        reader, writer = await asyncio.open_connection(*address(relay))
        writer.write(
            "GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            f"X-Relay-Proxy-Secret: {PROOF['X-Relay-Proxy-Secret']}\r\n"
            "X-Forwarded-User: J\xf6rg\r\n\r\n".encode("latin-1")
        )
        answer = await reader.read()
        writer.close()
    assert json.loads(answer.split(b"\r\n\r\n")[1])["name"] == "Jörg"


async def test_a_name_that_nobody_can_have_is_refused_in_one_sentence() -> None:
    async with relay_to(NOWHERE, **FORWARD, **PROXY) as relay:
        answer = await ask(relay, "GET", "/api/me", {**PROOF, "X-Forwarded-User": "x" * 65})
        assert answer.status == 401
        assert answer.body["error"].startswith("The proxy's name for you can't be used: a name has")


# Every answer


async def test_every_answer_tells_browsers_to_be_careful(relay: Relay) -> None:
    anna = await person(relay)
    answers = {
        200: await ask(relay, "GET", "/api/me", anna.headers),
        401: await ask(relay, "GET", "/api/me"),
        403: await ask(relay, "GET", "/api/users", anna.headers),
        404: await ask(relay, "GET", "/nothing"),
        405: await ask(relay, "DELETE", "/healthz"),
        421: await ask(relay, "GET", "/healthz", {"Host": "evil.example"}),
        422: await ask(relay, "POST", "/api/login"),
    }
    for status, answer in answers.items():
        assert answer.status == status
        check_headers(answer)


def check_headers(answer: Answer) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # The strictest with which a page's own forms still say where they come from.
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Permissions-Policy"] == "microphone=(self)"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers


async def test_a_fault_of_ours_is_answered_without_its_details(relay: Relay) -> None:
    olga = await operator(relay)
    relay.services.users.list = AsyncMock(side_effect=ZeroDivisionError("of a secret"))  # type: ignore[method-assign]  # a bug, for once
    answer = await ask(relay, "GET", "/api/users", olga.headers)
    assert (answer.status, error_of(answer)) == (500, "internal_error")
    assert "secret" not in answer.text
    check_headers(answer)


# What is away


async def test_without_the_database_nobody_is_known_and_a_retry_is_advised(relay: Relay) -> None:
    anna = await person(relay)
    await break_database(relay.services)
    for method, path, headers in (
        ("GET", "/api/me", anna.headers),
        ("GET", "/api/me", {"xi-api-key": relay.key}),
        ("POST", "/api/login", {}),
        ("POST", "/api/kiosk/enrolment", {}),
    ):
        body = {"name": "anna", "password": "correct horse"}
        answer = await ask(relay, method, path, headers, json=body)
        check_away(answer)


async def test_without_redis_there_are_no_tickets_and_a_retry_is_advised() -> None:
    async with relay_to(NOWHERE, redis_url=f"redis://127.0.0.1:{free_port()}/0") as relay:
        headers = {"xi-api-key": relay.key}
        check_away(await ask(relay, "POST", "/v1/single-use-token/realtime_scribe", headers))
        olga = await operator(relay)
        check_away(await ask(relay, "GET", "/api/sessions", olga.headers))
        assert (await ask(relay, "GET", "/api/users", olga.headers)).status == 200


def check_away(answer: Answer) -> None:
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.body == {
        "type": "internal_error",
        "error": "The relay can't tell at the moment who may speak; try again in a few seconds.",
    }


async def break_database(services: Services) -> None:
    """Take the tables away, as far as anybody who asks can tell."""
    async with services.database.writing() as connection:
        for table in ("sign_ins", "users", "api_keys", "enrolments"):
            await connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_away")


# Bodies


async def test_a_body_without_end_is_refused_before_its_end(relay: Relay) -> None:
    reader, writer = await asyncio.open_connection(*address(relay))
    head = "POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n"
    writer.write(head.encode() + bytes(20_000))
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"422"
    writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT", 0.2)
    reader, writer = await asyncio.open_connection(*address(relay))
    head = "POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode() + b"{")
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"422"
    writer.close()


async def test_whoever_leaves_in_the_middle_of_a_body_is_no_fault_of_ours(
    relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection(*address(relay))
    head = "POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    writer.write(head.encode() + bytes(10))
    await writer.drain()
    # What is sent later on another line is answered later, so the first was seen by then.
    await ask(relay, "GET", "/healthz")
    writer.transport.abort()
    await ask(relay, "GET", "/healthz")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def address(relay: Relay) -> tuple[str, int]:
    host, _, port = relay.url.removeprefix("http://").rpartition(":")
    return host, int(port)
