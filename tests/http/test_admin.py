"""What operators see and do over HTTP."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.server import Simulator
from relay.store.usage import UsageRow
from tests.http.conftest import NOWHERE
from tests.support.people import Answer, ask, operator, person, ticket
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY
from tests.support.waiting import until

DAY = date(2026, 11, 24)
HOUR_MS = 3_600_000

SECOND = np.zeros(48_000, np.float32)
NOISE = np.random.default_rng(1).uniform(-0.3, 0.3, 48_000).astype(np.float32)


def check_refusal(answer: Answer, status: int, word: str) -> None:
    assert answer.status == status, answer.text
    text = answer.body["error"]
    assert word in text
    assert text.endswith(".")
    assert "\n" not in text


# Users


async def test_operators_add_and_remove_users(relay: Relay) -> None:
    olga = await operator(relay)
    body = {"name": "anna", "password": "correct horse"}
    added = await ask(relay, "POST", "/api/users", olga.headers, json=body)
    assert added.status == 201
    assert (
        added.body.items() >= {"name": "anna", "is_operator": False, "has_password": True}.items()
    )
    assert (await ask(relay, "POST", "/api/login", json=body)).status == 200
    listed = await ask(relay, "GET", "/api/users", olga.headers)
    assert [user["name"] for user in listed.body["users"]] == ["anna", "olga"]
    assert "argon2" not in listed.text + added.text

    path = f"/api/users/{added.body['id']}"
    assert (await ask(relay, "DELETE", path, olga.headers)).status == 204
    assert (await ask(relay, "POST", "/api/login", json=body)).status == 401
    check_refusal(await ask(relay, "DELETE", path, olga.headers), 404, "no such user")


async def test_a_user_may_be_an_operator_and_have_no_password(relay: Relay) -> None:
    olga = await operator(relay)
    body = {"name": "bob", "is_operator": True}
    added = await ask(relay, "POST", "/api/users", olga.headers, json=body)
    assert added.body.items() >= {"is_operator": True, "has_password": False}.items()


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "Olga"}, "taken"),
        ({"name": "an\u202ena"}, "U+202E"),
        ({"name": "x" * 65}, "64"),
        ({"name": "anna", "password": "short"}, "8 characters"),
        ({"name": "anna", "password": "x" * 1025}, "1024"),
        ({"name": "anna", "is_operator": "yes"}, "is_operator"),
        ({"name": "anna", "is_admin": True}, "is_admin"),
        ([], "object"),
    ],
)
async def test_a_user_that_cannot_be_is_not_added(relay: Relay, body: Any, word: str) -> None:
    olga = await operator(relay)
    answer = await ask(relay, "POST", "/api/users", olga.headers, json=body)
    check_refusal(answer, 422, word)
    assert await relay.services.users.count() == 1


async def test_nobody_gets_a_link_for_a_user_who_is_not_there(relay: Relay) -> None:
    olga = await operator(relay)
    answer = await ask(relay, "POST", "/api/users/nobody/link", olga.headers)
    check_refusal(answer, 404, "no such user")


# Keys


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(relay: Relay) -> None:
    olga = await operator(relay)
    body = {"name": "server", "limits": {"sessions": 5, "minutes_per_day": 1.5}}
    made = await ask(relay, "POST", "/api/keys", olga.headers, json=body)
    assert made.status == 201
    assert made.body.items() >= body.items()
    text = made.body["key"]
    me = await ask(relay, "GET", "/api/me", {"xi-api-key": text})
    assert me.body == {"kind": "key", "id": made.body["id"], "name": "server", "role": "key"}

    listed = await ask(relay, "GET", "/api/keys", olga.headers)
    assert [key["name"] for key in listed.body["keys"]] == ["server", "test"]
    assert text.split("_", 2)[2] not in listed.text

    path = f"/api/keys/{made.body['id']}"
    assert (await ask(relay, "DELETE", path, olga.headers)).status == 204
    assert (await ask(relay, "GET", "/api/me", {"xi-api-key": text})).status == 401
    check_refusal(await ask(relay, "DELETE", path, olga.headers), 404, "no such key")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"name": "test"}, "taken"),
        ({"name": ""}, "name"),
        ({"name": "server", "limits": {"colour": 1}}, "colour"),
        ({"name": "server", "limits": {"sessions": 1.5}}, "Sessions can't be 1.5"),
        ({"name": "server", "limits": {"minutes_per_day": -1}}, "minutes_per_day can't be -1"),
        ({"name": "server", "limits": {"sessions": "5"}}, "limits"),
    ],
)
async def test_a_key_that_cannot_be_is_not_made(
    relay: Relay, body: dict[str, Any], word: str
) -> None:
    olga = await operator(relay)
    answer = await ask(relay, "POST", "/api/keys", olga.headers, json=body)
    check_refusal(answer, 422, word)
    assert len(await relay.services.api_keys.list()) == 1


async def test_a_keys_own_limits_are_its_sessions_limits(simulator: Simulator) -> None:
    async with relay_to(simulator.url) as relay:
        olga = await operator(relay)
        body = {"name": "server", "limits": {"sessions": 1, "minutes_per_day": 90}}
        made = await ask(relay, "POST", "/api/keys", olga.headers, json=body)
        headers = {"xi-api-key": made.body["key"]}
        async with Client(relay, headers=headers) as first:
            started = await first.event("session_started")
            assert started["limits"]["minutes_left"] == 90
            async with Client(relay, headers=headers) as second:
                assert await second.closed() == 4429
            await first.stop()
        # What the key gives to others has its limits as well.
        shown = ("scribe-relay.v1", f"ticket.{await ticket(relay, headers, subject='anna')}")
        async with Client(relay, headers={}, subprotocols=shown) as third:
            assert (await third.event("session_started"))["limits"]["minutes_left"] == 90
            await third.stop()


# Sessions


async def test_operators_see_how_often_a_live_session_was_flagged() -> None:
    engine = ScriptedEngine(["I will kill you."])
    async with (
        Simulator(api_keys=(KEY,), engine=engine) as simulator,
        relay_to(simulator.url) as relay,
        Client(relay) as client,
    ):
        olga = await operator(relay)
        await client.send(NOISE)
        await relay.services.sessions.renew()

        async def flags() -> int:
            (listed,) = (await ask(relay, "GET", "/api/sessions", olga.headers)).body["sessions"]
            assert "kill" not in str(listed)
            return int(listed["flags"])

        assert await flags() == 0
        await client.say("commit")

        async def is_flagged() -> bool:
            return await flags() == 1

        await until(is_flagged, "a flag in the list")
        await client.stop()


async def test_operators_see_live_sessions_and_end_them(simulator: Simulator) -> None:
    async with relay_to(simulator.url) as relay:
        olga = await operator(relay)
        anna = await person(relay)
        async with Client(relay, headers=anna.headers, language_code="en") as client:
            await client.send(SECOND)
            started = await client.event("session_started")
            session_id = started["session_id"]
            await relay.services.sessions.renew()

            (listed,) = (await ask(relay, "GET", "/api/sessions", olga.headers)).body["sessions"]
            path = f"/api/sessions/{session_id}"
            one = await ask(relay, "GET", path, olga.headers)
            assert one.body.keys() == listed.keys()
            expected = {
                "session_id": session_id,
                "account": f"user:{anna.user.id}",
                "name": "anna",
                "kind": "user",
                "address": "127.0.0.1",
                "language_code": "en",
            }
            assert one.body.items() >= expected.items()

            assert (await ask(relay, "DELETE", path, olga.headers)).status == 202
            assert await client.closed() == 1000
        assert (
            client.events[-1].items()
            >= {
                "message_type": "session_ended",
                "reason": "ended_by_operator",
            }.items()
        )
        assert client.of("committed_transcript")[0]["end_sample"] == len(SECOND)
        for method in ("GET", "DELETE"):
            check_refusal(await ask(relay, method, path, olga.headers), 404, "no such live session")


# Usage


def row(account: str, name: str, *, day: date = DAY, session: str = "s1", **ms: int) -> UsageRow:
    kind = account.partition(":")[0]
    return UsageRow(
        session_id=f"{account}-{session}", day=day, account=account, kind=kind, name=name, **ms
    )


async def usage(relay: Relay, headers: dict[str, str], **query: str) -> Answer:
    wanted = {"since": str(DAY), "until": str(DAY), **query}
    return await ask(relay, "GET", "/api/usage", headers, params=wanted)


async def test_operators_see_what_all_have_used_and_what_it_may_have_cost() -> None:
    async with relay_to(NOWHERE, price_per_hour=0.4) as relay:
        olga = await operator(relay)
        await relay.services.usage.record(
            [
                row("user:1", "anna", session="a", received_ms=HOUR_MS, sent_ms=HOUR_MS),
                row("user:1", "anna", session="b", sent_ms=HOUR_MS // 2, silence_ms=7),
                row("kiosk:2", "lobby", connected_ms=5),
                row("user:1", "anna", session="c", day=DAY - timedelta(days=1)),
            ]
        )
        rows = (await usage(relay, olga.headers)).body["usage"]
    assert [(each["account"], each["sessions"]) for each in rows] == [("kiosk:2", 1), ("user:1", 2)]
    assert rows[1] == {
        "day": "2026-11-24",
        "account": "user:1",
        "kind": "user",
        "name": "anna",
        "sessions": 2,
        "received_ms": HOUR_MS,
        "sent_ms": HOUR_MS * 3 // 2,
        "replayed_ms": 0,
        "silence_ms": 7,
        "connected_ms": 0,
        "estimated_price_usd": 0.6,
    }


async def test_others_see_what_is_theirs(relay: Relay) -> None:
    anna, bob = await person(relay, "anna"), await person(relay, "bob")
    key, secret = await relay.services.api_keys.create("server")
    accounts = [f"user:{anna.user.id}", f"user:{bob.user.id}", f"key:{key.id}", f"key:{key.id}:x"]
    await relay.services.usage.record([row(account, "name") for account in accounts])
    for headers, account in (
        (anna.headers, accounts[0]),
        (bob.headers, accounts[1]),
        ({"xi-api-key": secret}, accounts[2]),
    ):
        # Whatever else they ask for.
        answer = await usage(relay, headers, account=accounts[1], format="json")
        assert [each["account"] for each in answer.body["usage"]] == [account]
        listed = await usage(relay, headers, format="csv")
        assert [each["account"] for each in csv.DictReader(io.StringIO(listed.text))] == [account]


async def test_usage_comes_as_a_table_too(relay: Relay) -> None:
    olga = await operator(relay)
    await relay.services.usage.record([row("user:1", 'Anna "A", B', sent_ms=HOUR_MS)])
    answer = await usage(relay, olga.headers, format="csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="usage.csv"'
    (one,) = csv.DictReader(io.StringIO(answer.text))
    assert one["name"] == 'Anna "A", B'
    assert (one["day"], one["sent_ms"]) == ("2026-11-24", str(HOUR_MS))
    assert float(one["estimated_price_usd"]) == 0.39


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
async def test_no_name_becomes_a_formula_in_a_spreadsheet(relay: Relay, first: str) -> None:
    olga = await operator(relay)
    name = f'{first}HYPERLINK("https://evil.example")'
    await relay.services.usage.record([row("user:1", name)])
    answer = await usage(relay, olga.headers, format="csv")
    (one,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert one["name"] == f"'{name}"


async def test_usage_of_thirty_days_is_told_unless_others_are_asked_for(relay: Relay) -> None:
    olga = await operator(relay)
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in (0, 30, 31)]
    await relay.services.usage.record(
        [row("user:1", "anna", day=day, session=str(day)) for day in days]
    )
    answer = await ask(relay, "GET", "/api/usage", olga.headers)
    assert [each["day"] for each in answer.body["usage"]] == [str(days[1]), str(days[0])]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"until": "2026-02-30"},
        {"since": "2026-11-25"},
        {"since": "2024-11-24"},
        {"since": "0001-01-01", "until": "0001-01-01x"},
        {"until": "0001-01-01", "since": ""},
    ],
)
async def test_days_that_cannot_be_are_refused(relay: Relay, query: dict[str, str]) -> None:
    olga = await operator(relay)
    answer = await usage(relay, olga.headers, **query)
    check_refusal(answer, 422, "since")


async def test_the_first_day_of_all_has_no_thirty_before_it(relay: Relay) -> None:
    olga = await operator(relay)
    answer = await ask(relay, "GET", "/api/usage?until=0001-01-01", olga.headers)
    check_refusal(answer, 422, "since")
