"""The HTTP routes as written for programs, docs/reference/openapi.yaml, against the relay."""

import json
import re
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
import yaml
from starlette.routing import Route

from relay.http.bodies import MAX_BODY_BYTES
from relay.simulator.server import Simulator
from tests.support.people import NOBODY, Answer, Person, ask, operator
from tests.support.relay import Client, Relay, relay_to

FILE = Path(__file__).parents[2] / "docs" / "reference" / "openapi.yaml"

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or the one that it refers to."""
    found: Any = part
    while "$ref" in found:
        steps = found["$ref"].removeprefix("#/").split("/")
        found = document()
        for step in steps:
            found = found[step]
    result: dict[str, Any] = found
    return result


def operation(method: str, path: str) -> dict[str, Any]:
    """What is written of a request; the path may hold values in place of its parameters."""
    bare = path.partition("?")[0]
    # A path without parameters goes before one that has some.
    for written in sorted(document()["paths"], key=lambda path: path.count("{")):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(written))
        if re.fullmatch(pattern, bare) and method.lower() in document()["paths"][written]:
            found: dict[str, Any] = document()["paths"][written][method.lower()]
            return found
    raise AssertionError(f"{method} {path} is not written down")


def check(method: str, path: str, answer: Answer) -> None:
    """Hold an answer against what is written.

    Raises:
        jsonschema.ValidationError: If it isn't what is written.
    """
    written = resolved(operation(method, path)["responses"][str(answer.status)])
    content = written.get("content", {})
    media_type = answer.headers.get("Content-Type", "").partition(";")[0]
    if not content:
        assert not answer.text
        return
    assert media_type in content, (media_type, answer.text)
    value = json.loads(answer.text) if media_type == "application/json" else answer.text
    schema = {**content[media_type]["schema"], "components": document()["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)
    for name in written.get("headers", {}).keys() & {"Retry-After", "Location"}:
        assert name in answer.headers


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Simulator() as simulator, relay_to(simulator.url) as running:
        yield running


@pytest.fixture
async def olga(relay: Relay) -> Person:
    return await operator(relay)


def test_the_document_is_sound() -> None:
    openapi_spec_validator.validate(document())


async def test_it_has_every_route_and_no_other(relay: Relay) -> None:
    written = {
        (method.upper(), path)
        for path, item in document()["paths"].items()
        for method in METHODS
        if method in item
    }
    there = {
        (method, route.path)
        for route in relay.app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert written == there


async def test_every_route_of_the_api_asks_who_it_is_unless_it_is_written_otherwise(
    relay: Relay,
) -> None:
    for path, item in document()["paths"].items():
        for method in METHODS:
            if not path.startswith("/api/") or method not in item:
                continue
            named = re.sub(r"\{\w+\}", "somebody", path)
            status = (await ask(relay, method, named)).status
            is_open = item[method].get("security") in ([], [{"enrolment": []}])
            assert (status == 401) != is_open, (method, path, status)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/healthz", None, 200),
        ("GET", "/readyz", None, 200),
        ("GET", "/metrics", None, 200),
        ("GET", "/api/me", None, 200),
        ("POST", "/api/login", {"name": "olga", "password": "not hers"}, 401),
        ("POST", "/api/login", {"name": "olga"}, 422),
        ("POST", "/api/login/link", {"link": "of nobody"}, 401),
        ("POST", "/api/logout", None, 200),
        ("POST", "/v1/single-use-token/realtime_scribe", None, 200),
        ("POST", "/v1/single-use-token/realtime_scribe", {"options": {"language_code": "en"}}, 200),
        ("POST", "/v1/single-use-token/realtime_scribe", {"max_seconds": -1}, 422),
        ("POST", "/v1/single-use-token/realtime_scribe", {"subject": "somebody"}, 403),
        ("POST", "/v1/single-use-token/other", None, 422),
        ("POST", "/api/upstream-token", None, 403),
        ("POST", "/api/kiosk/enrolment", None, 201),
        ("GET", "/api/kiosk/enrolment", None, 200),
        ("GET", "/api/sessions", None, 200),
        ("GET", "/api/sessions/none", None, 404),
        ("DELETE", "/api/sessions/none", None, 404),
        ("GET", "/api/sessions/none/timeline", None, 404),
        ("GET", "/api/ops", None, 200),
        ("GET", "/api/ops/history", None, 200),
        ("GET", "/api/ops/history?since=1764000000", None, 200),
        ("GET", "/api/ops/history?since=yesterday", None, 422),
        ("POST", "/api/workers/none/drain", None, 404),
        ("DELETE", "/api/workers/none/drain", None, 404),
        ("GET", "/api/usage", None, 200),
        ("GET", "/api/usage?format=csv", None, 200),
        ("GET", "/api/usage?since=yesterday", None, 422),
        ("GET", "/api/transcripts", None, 200),
        ("GET", "/api/transcripts?q=word&since=2026-11-24&until=2026-11-24&limit=1", None, 200),
        ("GET", "/api/transcripts?q=?", None, 422),
        ("GET", "/api/transcripts?cursor=nowhere", None, 422),
        ("GET", "/api/transcripts/none", None, 404),
        ("PATCH", "/api/transcripts/none", {"title": "Monday"}, 404),
        ("PATCH", "/api/transcripts/none", {"name": "Monday"}, 422),
        ("DELETE", "/api/transcripts/none", None, 404),
        ("GET", "/api/transcripts/none/export", None, 404),
        ("GET", "/api/transcripts/none/export?format=doc", None, 422),
        ("GET", "/api/transcripts/export?format=doc", None, 422),
        ("GET", "/api/users", None, 200),
        ("POST", "/api/users", {"name": "ben"}, 201),
        ("POST", "/api/users", {"name": "ben", "password": "a long one", "is_operator": True}, 201),
        ("POST", "/api/users", {"name": "ben", "password": "short"}, 422),
        ("DELETE", "/api/users/olga", None, 204),
        ("DELETE", "/api/users/nobody", None, 404),
        ("POST", "/api/users/olga/link", None, 201),
        ("POST", "/api/users/nobody/link", None, 404),
        ("GET", "/api/kiosks", None, 200),
        ("POST", "/api/kiosks/approve", {"code": "BCDF-GHJK", "name": "lobby"}, 404),
        ("POST", "/api/kiosks/approve", {"code": "BCDF-GHJK"}, 422),
        ("DELETE", "/api/kiosks/nobody", None, 404),
        ("GET", "/api/keys", None, 200),
        ("POST", "/api/keys", {"name": "web", "limits": {"sessions": 5}}, 201),
        ("POST", "/api/keys", {"name": "web", "limits": {"kilos": 5}}, 422),
        ("DELETE", "/api/keys/test", None, 204),
        ("DELETE", "/api/keys/nobody", None, 404),
    ],
)
async def test_an_answer_is_as_it_is_written_down(
    relay: Relay, olga: Person, method: str, path: str, body: Any, status: int
) -> None:
    answer = await ask(relay, method, path, olga.headers, json=body)
    assert answer.status == status, answer.text
    check(method, path, answer)


async def test_a_kiosk_is_enrolled_as_it_is_written_down(relay: Relay, olga: Person) -> None:
    begun = await ask(relay, "POST", "/api/kiosk/enrolment")
    cookies = {"Cookie": "; ".join(f"{name}={it.value}" for name, it in begun.cookies.items())}
    waiting = await ask(relay, "GET", "/api/kiosk/enrolment", cookies)
    check("GET", "/api/kiosk/enrolment", waiting)
    assert waiting.body["state"] == "waiting"
    check("GET", "/api/kiosks", await ask(relay, "GET", "/api/kiosks", olga.headers))

    wanted = {"code": begun.body["code"], "name": "lobby", "options": {"language_code": "en"}}
    approved = await ask(relay, "POST", "/api/kiosks/approve", olga.headers, json=wanted)
    check("POST", "/api/kiosks/approve", approved)

    collected = await ask(relay, "GET", "/api/kiosk/enrolment", cookies)
    check("GET", "/api/kiosk/enrolment", collected)
    assert collected.body["state"] == "approved"
    check("GET", "/api/kiosks", await ask(relay, "GET", "/api/kiosks", olga.headers))


async def test_sessions_and_their_usage_are_as_they_are_written_down(
    relay: Relay, olga: Person
) -> None:
    async with Client(relay) as client:
        session_id = (await client.event("session_started"))["session_id"]
        await relay.services.sessions.renew()
        await relay.services.sessions.write_usage()
        listed = await ask(relay, "GET", "/api/sessions", olga.headers)
        check("GET", "/api/sessions", listed)
        assert [each["session_id"] for each in listed.body["sessions"]] == [session_id]
        one = await ask(relay, "GET", f"/api/sessions/{session_id}", olga.headers)
        check("GET", f"/api/sessions/{session_id}", one)
        await relay.services.presence.beat()
        timeline = await ask(relay, "GET", f"/api/sessions/{session_id}/timeline", olga.headers)
        check("GET", f"/api/sessions/{session_id}/timeline", timeline)
        assert timeline.body["entries"][0]["kind"] == "began"
        used = await ask(relay, "GET", "/api/usage", olga.headers)
        check("GET", "/api/usage", used)
        assert used.body["usage"]
        ended = await ask(relay, "DELETE", f"/api/sessions/{session_id}", olga.headers)
        check("DELETE", f"/api/sessions/{session_id}", ended)


async def test_a_form_is_answered_by_a_redirection(relay: Relay, olga: Person) -> None:
    link = await relay.services.users.create_link(olga.user.id, olga.user.created_at)
    answer = await ask(relay, "POST", "/api/login/link", NOBODY, data={"link": link})
    assert answer.status == 303
    check("POST", "/api/login/link", answer)


async def test_a_relay_that_is_not_ready_says_so_as_it_is_written_down() -> None:
    async with relay_to("ws://127.0.0.1:9", key=None) as relay:
        answer = await ask(relay, "GET", "/readyz")
    assert answer.status == 503
    check("GET", "/readyz", answer)


async def test_too_much_is_answered_as_it_is_written_down(relay: Relay) -> None:
    wanted = {"name": "olga", "password": "not hers"}
    for _ in range(5):
        await ask(relay, "POST", "/api/login", json=wanted)
    answer = await ask(relay, "POST", "/api/login", json=wanted)
    assert answer.status == 429
    check("POST", "/api/login", answer)


async def test_a_body_may_have_as_many_bytes_as_are_written_down(
    relay: Relay, olga: Person
) -> None:
    assert f"{MAX_BODY_BYTES // 1024} KiB" in document()["info"]["description"]
    long = {"name": "x" * MAX_BODY_BYTES}
    answer = await ask(relay, "POST", "/api/users", olga.headers, json=long)
    assert answer.status == 422
    check("POST", "/api/users", answer)


async def test_metrics_are_refused_as_it_is_written_down() -> None:
    async with relay_to("ws://127.0.0.1:9", metrics_token="a-token-for-metrics") as relay:
        refused = await ask(relay, "GET", "/metrics", {"via": "1.1 proxy"})
    async with relay_to("ws://127.0.0.1:9") as relay:
        hidden = await ask(relay, "GET", "/metrics", {"via": "1.1 proxy"})
    assert (refused.status, hidden.status) == (401, 404)
    for answer in (refused, hidden):
        check("GET", "/metrics", answer)
