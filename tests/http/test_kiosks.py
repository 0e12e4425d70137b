"""How a device becomes a kiosk, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay.auth.gate import KIOSK_COOKIE, cookie_name
from relay.http.kiosks import ENROLMENT_COOKIE
from tests.http.conftest import NOWHERE
from tests.support.people import NOBODY, Answer, Person, ask, operator
from tests.support.relay import Relay, relay_to

PATH = "/api/kiosk/enrolment"
PROXY = {"trusted_proxies": "127.0.0.1"}


async def begin(relay: Relay, headers: dict[str, str] = NOBODY) -> Answer:
    answer = await ask(relay, "POST", PATH, headers)
    assert answer.status == 201, answer.text
    return answer


def shown(answer: Answer, name: str) -> dict[str, str]:
    """The headers of a device that sends back a cookie it got, on our own page."""
    return {"Cookie": f"{name}={answer.cookies[name].value}"}


async def approve(relay: Relay, olga: Person, code: str, **fields: Any) -> Answer:
    body = {"code": code, "name": "lobby", **fields}
    return await ask(relay, "POST", "/api/kiosks/approve", olga.headers, json=body)


async def test_a_device_shows_a_code_and_becomes_a_kiosk_once_it_is_approved(
    relay: Relay,
) -> None:
    olga = await operator(relay)
    asked = await begin(relay)
    waiting = shown(asked, ENROLMENT_COOKIE)
    polled = await ask(relay, "GET", PATH, waiting)
    assert polled.body["state"] == "waiting"
    assert polled.body["code"] == asked.body["code"]

    code = f" {asked.body['code'].lower().replace('-', ' ')} "
    approved = await approve(relay, olga, code, options={"language_code": "ru"})
    assert approved.status == 201
    assert approved.body.items() >= {"name": "lobby", "approved_by": "olga"}.items()
    assert approved.body["options"] == [["language_code", "ru"]]

    collected = await ask(relay, "GET", PATH, waiting)
    assert collected.body == {"state": "approved"}
    me = await ask(relay, "GET", "/api/me", shown(collected, KIOSK_COOKIE))
    assert me.body == {
        "kind": "kiosk",
        "id": approved.body["id"],
        "name": "lobby",
        "role": "kiosk",
    }


async def test_the_secret_is_handed_over_once(relay: Relay) -> None:
    olga = await operator(relay)
    asked = await begin(relay)
    waiting = shown(asked, ENROLMENT_COOKIE)
    await approve(relay, olga, asked.body["code"])
    first = await ask(relay, "GET", PATH, waiting)
    assert first.cookies[ENROLMENT_COOKIE]["max-age"] == "0"
    second = await ask(relay, "GET", PATH, waiting)
    assert second.body == {"state": "none"}
    assert not second.cookies


async def test_nobody_else_collects_it_though_they_see_the_code(relay: Relay) -> None:
    olga = await operator(relay)
    code = (await begin(relay)).body["code"]
    await approve(relay, olga, code)
    for headers in (NOBODY, {"Cookie": f"{ENROLMENT_COOKIE}={code}"}, olga.headers):
        answer = await ask(relay, "GET", PATH, headers)
        assert answer.body == {"state": "none"}
        assert not answer.cookies


async def test_what_the_answers_say_holds_no_secret(relay: Relay) -> None:
    olga = await operator(relay)
    asked = await begin(relay)
    secret = asked.cookies[ENROLMENT_COOKIE].value
    await approve(relay, olga, asked.body["code"])
    collected = await ask(relay, "GET", PATH, shown(asked, ENROLMENT_COOKIE))
    listed = await ask(relay, "GET", "/api/kiosks", olga.headers)
    for text in (asked.text, collected.text, listed.text):
        assert secret not in text
        assert collected.cookies[KIOSK_COOKIE].value.split(".")[1] not in text


async def test_its_cookies_are_for_this_host_and_its_own_pages_alone(relay: Relay) -> None:
    olga = await operator(relay)
    asked = await begin(relay)
    await approve(relay, olga, asked.body["code"])
    collected = await ask(relay, "GET", PATH, shown(asked, ENROLMENT_COOKIE))
    for cookie in (asked.cookies[ENROLMENT_COOKIE], collected.cookies[KIOSK_COOKIE]):
        assert cookie["httponly"] is True
        assert cookie["samesite"] == "strict"
        assert (cookie["path"], cookie["domain"], cookie["secure"]) == ("/", "", "")
    # A kiosk stays one until it is revoked.
    assert int(collected.cookies[KIOSK_COOKIE]["max-age"]) > 365 * 86_400
    # As long as the enrolment may last, which its approval lengthens.
    assert 1190 <= int(asked.cookies[ENROLMENT_COOKIE]["max-age"]) <= 1200


async def test_behind_tls_its_cookies_go_over_tls_alone() -> None:
    async with relay_to(NOWHERE, **PROXY) as relay:
        olga = await operator(relay)
        secure = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
        asked = await begin(relay, secure)
        await approve(relay, olga, asked.body["code"])
        name = cookie_name(ENROLMENT_COOKIE, "https")
        assert name.startswith("__Host-")
        assert asked.cookies[name]["secure"] is True
        collected = await ask(relay, "GET", PATH, {**secure, **shown(asked, name)})
        kiosk = cookie_name(KIOSK_COOKIE, "https")
        assert collected.cookies[kiosk]["secure"] is True
        assert collected.cookies[name]["secure"] is True
        me = await ask(relay, "GET", "/api/me", {**secure, **shown(collected, kiosk)})
        assert me.body["name"] == "lobby"


async def test_a_kiosk_that_was_revoked_is_nobody(relay: Relay) -> None:
    olga = await operator(relay)
    asked = await begin(relay)
    kiosk = (await approve(relay, olga, asked.body["code"])).body["id"]
    collected = await ask(relay, "GET", PATH, shown(asked, ENROLMENT_COOKIE))
    path = f"/api/kiosks/{kiosk}"
    assert (await ask(relay, "DELETE", path, olga.headers)).status == 204
    me = await ask(relay, "GET", "/api/me", shown(collected, KIOSK_COOKIE))
    assert me.status == 401
    assert (await ask(relay, "DELETE", path, olga.headers)).status == 404


async def test_operators_see_who_waits_and_who_is_a_kiosk(relay: Relay) -> None:
    olga = await operator(relay)
    first, second = [(await begin(relay)).body["code"] for _ in range(2)]
    await approve(relay, olga, first)
    listed = (await ask(relay, "GET", "/api/kiosks", olga.headers)).body
    assert [kiosk["name"] for kiosk in listed["kiosks"]] == ["lobby"]
    assert listed["kiosks"][0]["is_collected"] is False
    (waiting,) = listed["waiting"]
    assert (waiting["code"], waiting["address"]) == (second, "127.0.0.1")


async def test_a_device_that_waited_too_long_asks_anew(relay: Relay) -> None:
    olga = await operator(relay)
    long_ago = datetime.now(UTC) - timedelta(minutes=11)
    old = await relay.services.kiosks.begin("127.0.0.1", long_ago)
    headers = {"Cookie": f"{ENROLMENT_COOKIE}={old.device_secret}"}
    assert (await ask(relay, "GET", PATH, headers)).body == {"state": "none"}
    assert (await approve(relay, olga, old.code)).status == 404


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"code": "BBBB-BBBB"}, 404, "code"),
        ({"code": ""}, 404, "code"),
        ({"name": ""}, 422, "name"),
        ({"name": " lobby"}, 422, "space"),
        ({"name": "Taken"}, 422, "taken"),
        ({"options": {"colour": "red"}}, 422, "colour"),
        ({"options": {"language_code": "nonsense"}}, 422, "language_code"),
        ({"options": {"commit_strategy": "turn_prediction"}}, 422, "commit_strategy"),
        ({"options": []}, 422, "options"),
        ({"colour": "red"}, 422, "colour"),
    ],
)
async def test_an_approval_that_cannot_be_right_changes_nothing(
    relay: Relay, fields: dict[str, Any], status: int, word: str
) -> None:
    olga = await operator(relay)
    taken, asked = [await begin(relay) for _ in range(2)]
    await approve(relay, olga, taken.body["code"], name="taken")
    answer = await approve(relay, olga, **{"code": asked.body["code"], **fields})
    assert answer.status == status
    assert word in answer.body["error"]
    assert answer.body["error"].endswith(".")
    polled = await ask(relay, "GET", PATH, shown(asked, ENROLMENT_COOKIE))
    assert polled.body["state"] == "waiting"


async def test_few_devices_of_one_address_wait_at_once() -> None:
    async with relay_to(NOWHERE, **PROXY) as relay:
        for number in range(3):
            await begin(relay, {"X-Forwarded-For": f"2001:db8::{number + 1}"})
        refused = await ask(relay, "POST", PATH, {"X-Forwarded-For": "2001:db8::99"})
        assert (refused.status, refused.body["type"]) == (429, "rate_limited")
        assert 590 <= int(refused.headers["Retry-After"]) <= 600
        await begin(relay, {"X-Forwarded-For": "2001:db8:0:1::1"})


async def test_few_devices_wait_at_once_in_all() -> None:
    async with relay_to(NOWHERE, **PROXY) as relay:
        for number in range(20):
            await begin(relay, {"X-Forwarded-For": f"192.0.2.{number}"})
        refused = await ask(relay, "POST", PATH, {"X-Forwarded-For": "192.0.2.99"})
        assert refused.status == 429


async def test_no_other_page_lets_its_visitors_device_ask(relay: Relay) -> None:
    answer = await ask(relay, "POST", PATH, {"Origin": "https://evil.example"})
    assert answer.status == 403
