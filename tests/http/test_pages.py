"""The pages over HTTP, as a browser without scripts uses them."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from relay import app
from relay.auth.gate import KIOSK_COOKIE, SESSION_COOKIE
from relay.errors import StateUnavailable, StoreUnavailable
from relay.http.access import HEADERS
from relay.http.assets import Assets
from relay.http.forms import local_path
from relay.http.kiosks import ENROLMENT_COOKIE
from relay.http.rendering import TEMPLATES
from relay.simulator.server import Simulator
from relay.store.kiosks import Kiosks
from relay.store.usage import UsageRow
from relay.store.users import User
from tests.http.conftest import NOWHERE
from tests.support.people import NOBODY, Answer, ask, device, operator, person
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import PROOF, PROXY
from tests.support.waiting import until

PASSWORD = "correct horse"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
RUSSIAN = {"Accept-Language": "ru,en;q=0.5"}
XSS = "<script>alert('\"1&')</script>"

LEADS_AWAY = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/" + "a" * 5000,
]


class Seen(HTMLParser):
    """What of a page matters to browsers."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def field(self, name: str) -> dict[str, str | None]:
        fields = [*self.all("input"), *self.all("textarea"), *self.all("button")]
        return next(field for field in fields if field.get("name") == name)

    def with_data(self, name: str) -> dict[str, str | None]:
        """The attributes of the one element that has such data."""
        (found,) = [each for _, each in self.elements if f"data-{name}" in each]
        return found

    @property
    def config(self) -> Any:
        """What the script of a page is told."""
        app = self.with_data("config")
        assert app["id"] == "app"
        return json.loads(app["data-config"] or "")


async def look(relay: Relay, path: str, headers: dict[str, str] = NOBODY) -> Answer:
    return await ask(relay, "GET", path, {**HTML, **headers})


async def send(
    relay: Relay, path: str, headers: dict[str, str] | None = None, **fields: str
) -> Answer:
    """Send a form of one of our own pages."""
    headers = {"Origin": relay.url} if headers is None else headers
    return await ask(relay, "POST", path, {**HTML, **headers}, data=fields)


async def add(relay: Relay, name: str = "anna", *, is_operator: bool = False) -> User:
    # Any parameters verify, and these take no time.
    password_hash = PasswordHasher.from_parameters(CHEAPEST).hash(PASSWORD)
    return await relay.services.users.add(name, password_hash, is_operator=is_operator)


async def link_for(relay: Relay, user: User) -> str:
    token = await relay.services.users.create_link(user.id, datetime.now(UTC))
    assert token is not None
    return token


def kept(relay: Relay, answer: Answer) -> dict[str, str]:
    """The headers of a browser that keeps the cookies of an answer."""
    pairs = [f"{cookie.key}={cookie.value}" for cookie in answer.cookies.values() if cookie.value]
    return {"Cookie": "; ".join(pairs), "Origin": relay.url}


async def who_records(relay: Relay, headers: dict[str, str]) -> str:
    """In whose name the recorder of this browser would speak."""
    found = re.search("<bdi>(.+?)</bdi>", (await look(relay, "/", headers)).text)
    assert found is not None
    return found[1]


def went_to(answer: Answer) -> str:
    assert answer.status == 303, answer.text
    return answer.headers["Location"]


def words(answer: Answer) -> str:
    """What a page says, without its tags."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", answer.text)).split())


# Signing in


async def test_the_form_helps_browsers_and_readers(relay: Relay) -> None:
    answer = await look(relay, "/login")
    assert answer.status == 200
    page = Seen(answer.text)
    assert page.field("name")["autocomplete"] == "username"
    assert "autofocus" in page.field("name")
    assert page.field("password")["autocomplete"] == "current-password"
    assert page.field("password")["type"] == "password"
    labelled = {label["for"] for label in page.all("label")}
    assert {page.field("name")["id"], page.field("password")["id"]} <= labelled


async def test_a_person_signs_in_and_goes_on(relay: Relay) -> None:
    await add(relay)
    asked = await look(relay, "/login?next=/kiosk")
    next_path = Seen(asked.text).field("next")["value"]
    assert next_path == "/kiosk"
    answer = await send(relay, "/login", name="Anna", password=PASSWORD, next=next_path)
    assert went_to(answer) == "/kiosk"
    assert await who_records(relay, kept(relay, answer)) == "anna"


async def test_a_wrong_password_is_said_in_words_and_the_name_stays(relay: Relay) -> None:
    await add(relay)
    answer = await send(relay, "/login", name="anna", password="wrong horse", next="/ops")
    assert answer.status == 401
    assert "don’t go together" in words(answer)
    assert "wrong horse" not in answer.text
    page = Seen(answer.text)
    assert page.field("name")["value"] == "anna"
    assert page.field("next")["value"] == "/ops"
    assert "autofocus" in page.field("password")
    for name in ("name", "password"):
        field = page.field(name)
        assert field["aria-invalid"] == "true"
        described = field["aria-describedby"]
        assert any(each.get("id") == described for each in page.all("p"))
    assert SESSION_COOKIE not in answer.cookies


async def test_an_empty_form_says_what_is_missing(relay: Relay) -> None:
    incomplete: list[dict[str, str]] = [{}, {"name": "anna"}, {"name": "", "password": ""}]
    for fields in incomplete:
        answer = await send(relay, "/login", None, **fields)
        assert answer.status == 422
        assert "Enter your name and your password" in words(answer)


async def test_what_is_no_form_signs_nobody_in(relay: Relay) -> None:
    answer = await ask(relay, "POST", "/login", HTML, json={"name": "anna", "password": PASSWORD})
    assert answer.status == 422


async def test_who_is_signed_in_is_sent_on(relay: Relay) -> None:
    anna = await person(relay)
    assert went_to(await look(relay, "/login", anna.headers)) == "/"
    assert went_to(await look(relay, "/login?next=/kiosk", anna.headers)) == "/kiosk"


@pytest.mark.parametrize("target", LEADS_AWAY)
async def test_nothing_leads_to_another_host(relay: Relay, target: str) -> None:
    assert local_path(target) == "/"
    await add(relay)
    answer = await send(relay, "/login", name="anna", password=PASSWORD, next=target)
    assert went_to(answer) == "/"
    signed_in = kept(relay, answer)
    sent_on = await ask(relay, "GET", "/login", signed_in, params={"next": target})
    assert went_to(sent_on) == "/"
    form = await ask(relay, "GET", "/login", HTML, params={"next": target})
    assert Seen(form.text).field("next")["value"] == "/"


def test_paths_of_this_relay_are_gone_to() -> None:
    assert local_path("/ops?code=BCDF-GHJK") == "/ops?code=BCDF-GHJK"
    assert local_path(None) == "/"
    assert local_path(7, "/login") == "/login"


async def test_too_many_attempts_are_told_how_long_to_wait(relay: Relay) -> None:
    await add(relay)
    for _ in range(6):
        answer = await send(relay, "/login", name="anna", password="wrong horse")
    assert answer.status == 429
    wait = int(answer.headers["Retry-After"])
    assert f"Wait {wait} s" in words(answer)


async def test_too_many_links_are_told_how_long_to_wait(relay: Relay) -> None:
    for _ in range(11):
        answer = await send(relay, "/login", link="nonsense")
    assert answer.status == 429
    wait = int(answer.headers["Retry-After"])
    assert f"Wait {wait} s" in words(answer)


async def test_signing_out_ends_it_and_leads_to_the_form(relay: Relay) -> None:
    anna = await person(relay)
    answer = await send(relay, "/logout", anna.headers)
    assert went_to(answer) == "/login"
    assert went_to(await look(relay, "/", anna.headers)) == "/login?next=%2F"
    assert went_to(await send(relay, "/api/logout", (await person(relay, "ben")).headers)) == (
        "/login"
    )


async def test_signing_out_can_lead_back_to_a_page_of_ours(relay: Relay) -> None:
    anna = await person(relay)
    assert went_to(await send(relay, "/logout", anna.headers, next="/kiosk")) == "/kiosk"
    assert went_to(await send(relay, "/logout", anna.headers, next="//evil.example")) == "/login"


# Links


async def test_a_link_signs_in_once_and_by_its_button_alone(relay: Relay) -> None:
    token = await link_for(relay, await add(relay))
    for method in ("GET", "HEAD", "GET"):
        shown = await ask(relay, method, f"/login?link={token}&next=/kiosk", HTML)
        assert shown.status == 200
        assert not shown.cookies
    page = Seen((await look(relay, f"/login?link={token}&next=/kiosk")).text)
    assert page.field("link")["value"] == token
    assert len(page.all("button")) == 1

    answer = await send(relay, "/login", link=token, next="/kiosk")
    assert went_to(answer) == "/kiosk"
    assert await who_records(relay, kept(relay, answer)) == "anna"

    again = await send(relay, "/login", link=token)
    assert again.status == 401
    assert "Ask an operator for a new link" in words(again)
    assert token not in again.text
    assert not again.cookies


async def test_a_link_that_has_expired_is_said_in_words(relay: Relay) -> None:
    user = await add(relay)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    token = await relay.services.users.create_link(user.id, long_ago)
    assert token is not None
    answer = await send(relay, "/login", link=token)
    assert answer.status == 401
    assert "can’t be used any more" in words(answer)


async def test_a_link_takes_the_place_of_who_is_signed_in(relay: Relay) -> None:
    anna = await person(relay, "anna")
    token = await link_for(relay, await add(relay, "ben"))
    shown = await look(relay, f"/login?link={token}", anna.headers)
    assert "You are signed in as anna" in words(shown)
    answer = await send(relay, "/login", anna.headers, link=token)
    assert await who_records(relay, kept(relay, answer)) == "ben"
    assert went_to(await look(relay, "/", anna.headers)) == "/login?next=%2F"


# The recorder


async def test_nobody_is_sent_to_sign_in(relay: Relay) -> None:
    assert went_to(await look(relay, "/")) == "/login?next=%2F"
    assert went_to(await look(relay, "/", {"xi-api-key": relay.key})) == "/login?next=%2F"


async def test_its_head_leads_to_usage_and_operators_to_operations(relay: Relay) -> None:
    for somebody, is_shown in ((await person(relay), False), (await operator(relay), True)):
        page = Seen((await look(relay, "/", somebody.headers)).text)
        links = {link.get("href") for link in page.all("a")}
        assert ("/ops" in links) is is_shown
        assert "/api/usage?format=csv" in links
        assert "/logout" in {form.get("action") for form in page.all("form")}


async def test_whoever_has_no_scripts_is_told_what_works_without(relay: Relay) -> None:
    answer = await look(relay, "/", (await person(relay)).headers)
    assert Seen(answer.text).all("noscript")
    assert f"scribe-relay transcribe talk.mp3 --url {relay.url}" in words(answer)


@pytest.mark.parametrize(
    ("path", "language", "sentence"),
    [
        ("/", {}, "run “make web” in the checkout"),
        ("/", RUSSIAN, "выполните «make web»"),
        ("/kiosk", {}, "run “make web” in the checkout"),
        ("/kiosk", RUSSIAN, "выполните «make web»"),
    ],
)
async def test_a_checkout_that_was_never_built_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    path: str,
    language: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.setattr(app, "Assets", lambda: Assets(built=tmp_path / "built"))
    async with relay_to(NOWHERE) as relay:
        somebody = await person(relay) if path == "/" else await device(relay)
        answer = await look(relay, path, {**somebody.headers, **language})
        assert answer.status == 200
        assert sentence in words(answer)
        page = Seen(answer.text)
        assert not page.all("script")
        # Without scripts, nothing but the browser asks again.
        assert page.all("noscript") == []
        assert bool(page.all("meta")[-1].get("http-equiv")) is (path == "/kiosk")
        assert "Sign in" in words(await look(relay, "/login"))


async def test_a_kiosks_start_is_its_own_page(relay: Relay) -> None:
    assert went_to(await look(relay, "/", (await device(relay)).headers)) == "/kiosk"


async def test_whom_a_proxy_signs_in_has_no_button_to_sign_out() -> None:
    values = {**PROXY, "forward_auth_header": "remote-user"}
    forwarded = {**PROOF, "remote-user": "paul", "x-forwarded-for": "192.0.2.1"}
    async with relay_to(NOWHERE, **values) as relay:
        answer = await look(relay, "/", forwarded)
        assert "paul" in words(answer)
        assert "/logout" not in answer.text
        kiosk = await look(relay, "/kiosk", forwarded)
        assert "Your proxy signs this browser in as paul" in words(kiosk)
        assert went_to(await send(relay, "/kiosk/enrol", forwarded)) == "/kiosk"
        assert await relay.services.kiosks.pending(datetime.now(UTC)) == []


# Kiosks


def kiosk_state(answer: Answer) -> str | None:
    """Which of a kiosk's screens it is, for its script."""
    page = Seen(answer.text)
    (body,) = page.all("body")
    assert [script["src"] for script in page.all("script")] == [app_script("kiosk")]
    return body["data-kiosk-state"]


def app_script(name: str) -> str:
    entry = Assets().entry(name)
    assert entry is not None, "build the pages: make web"
    return entry.script


async def begin(relay: Relay) -> tuple[dict[str, str], str]:
    """Ask for a code; the headers of the device, and its code."""
    answer = await send(relay, "/kiosk/enrol")
    assert went_to(answer) == "/kiosk"
    (waiting,) = await relay.services.kiosks.pending(datetime.now(UTC))
    return kept(relay, answer), waiting.code


async def test_a_device_becomes_a_kiosk(relay: Relay) -> None:
    olga = await operator(relay)
    first = await look(relay, "/kiosk")
    assert "not a kiosk yet" in words(first)
    assert kiosk_state(first) == "new"
    assert "/kiosk/enrol" in {form["action"] for form in Seen(first.text).all("form")}

    mine, code = await begin(relay)
    waiting = await look(relay, "/kiosk", mine)
    assert code in words(waiting)
    assert "Valid for 9 min more" in words(waiting)
    assert f"{relay.url}/ops" in words(waiting)
    page = Seen(waiting.text)
    assert page.all("svg")
    assert kiosk_state(waiting) == "waiting"
    assert page.with_data("kiosk-code")["data-kiosk-code"] == code
    (refresh,) = [meta for meta in page.all("meta") if meta.get("http-equiv") == "refresh"]
    assert refresh["content"] == "4"

    form = await look(relay, f"/ops?code={code}", olga.headers)
    given = Seen(form.text).field("code")["value"]
    assert given == code
    approved = await send(
        relay, "/ops/kiosks/approve", olga.headers, code=code, name="lobby", language="ru"
    )
    assert went_to(approved) == "/ops?done=kiosk_approved"
    notice = await look(relay, "/ops?done=kiosk_approved", olga.headers)
    assert "The kiosk is approved" in words(notice)

    collected = await look(relay, "/kiosk", mine)
    assert went_to(collected) == "/kiosk"
    assert KIOSK_COOKIE in collected.cookies
    ready = await look(relay, "/kiosk", kept(relay, collected))
    assert "This kiosk is ready" in words(ready)
    assert kiosk_state(ready) == "ready"
    assert "lobby" in words(ready)
    assert "language_code=ru" in words(ready)
    assert collected.cookies[KIOSK_COOKIE].value not in ready.text
    assert went_to(await send(relay, "/kiosk/enrol", kept(relay, collected))) == "/kiosk"


async def test_a_device_that_has_a_code_gets_no_other(relay: Relay) -> None:
    mine, code = await begin(relay)
    assert went_to(await send(relay, "/kiosk/enrol", mine)) == "/kiosk"
    assert [each.code for each in await relay.services.kiosks.pending(datetime.now(UTC))] == [code]


async def test_a_code_that_expired_gives_way_to_the_button(relay: Relay) -> None:
    shown = {"Cookie": f"{ENROLMENT_COOKIE}=long-ago", "Origin": relay.url}
    answer = await look(relay, "/kiosk", shown)
    assert "The code has expired" in words(answer)
    assert kiosk_state(answer) == "expired"
    assert went_to(await send(relay, "/kiosk/enrol", shown)) == "/kiosk"


async def test_the_last_minute_is_said_as_such(relay: Relay) -> None:
    mine, _ = await begin(relay)
    kiosks = relay.services.kiosks
    secret = mine["Cookie"].partition("=")[2]
    pending = await kiosks.poll(secret, datetime.now(UTC))
    assert pending is not None
    soon = datetime.now(UTC) + timedelta(seconds=30)
    late = type(pending)(getattr(pending, "code", ""), soon)  # type: ignore[arg-type]  # it is pending
    kiosks.poll = AsyncMock(return_value=late)  # type: ignore[method-assign]  # ten minutes later
    assert "Valid for less than a minute" in words(await look(relay, "/kiosk", mine))


async def test_a_kiosk_that_was_revoked_may_ask_anew(relay: Relay) -> None:
    lobby = await device(relay)
    await relay.services.kiosks.revoke(lobby.kiosk.id)
    answer = await look(relay, "/kiosk", lobby.headers)
    assert "no longer a kiosk" in words(answer)
    assert kiosk_state(answer) == "revoked"
    assert went_to(await send(relay, "/kiosk/enrol", lobby.headers)) == "/kiosk"


async def test_a_device_known_by_its_place_is_ready_at_once() -> None:
    values = {
        "kiosk_networks": "lobby=127.0.0.0/8",
        "kiosk_options": "lobby?language_code=de",
    }
    async with relay_to(NOWHERE, **values) as relay:
        answer = await look(relay, "/kiosk")
        assert "Known by its place" in words(answer)
        assert "language_code=de" in words(answer)
        # Whoever stands there may still sign in.
        assert (await look(relay, "/login")).status == 200
        assert went_to(await look(relay, "/ops")) == "/login?next=%2Fops"


async def test_a_kiosks_script_is_told_what_holds_for_it() -> None:
    async with relay_to(NOWHERE) as relay:
        lobby = await device(relay, "lobby")
        page = Seen((await look(relay, "/kiosk", lobby.headers)).text)
        assert page.config == {
            "name": "lobby",
            "alwaysOn": False,
            "clearAfterSeconds": 20.0,
        }
    values = {
        "kiosk_networks": "hall=127.0.0.0/8",
        "kiosk_always_on": True,
        "kiosk_clear_after": 5,
    }
    async with relay_to(NOWHERE, **values) as relay:
        assert Seen((await look(relay, "/kiosk")).text).config == {
            "name": "hall",
            "alwaysOn": True,
            "clearAfterSeconds": 5.0,
        }


async def test_only_without_scripts_does_a_kiosks_page_ask_again_by_itself(relay: Relay) -> None:
    mine, _ = await begin(relay)
    lobby = await device(relay)
    for headers, seconds in ((mine, 4), (lobby.headers, 60)):
        answer = await look(relay, "/kiosk", headers)
        refresh = f'<meta http-equiv="refresh" content="{seconds}">'
        assert answer.text.count(refresh) == 1
        assert f"<noscript>{refresh}</noscript>" in answer.text


async def test_too_many_that_wait_are_told_how_long(relay: Relay) -> None:
    for _ in range(3):
        assert went_to(await send(relay, "/kiosk/enrol")) == "/kiosk"
    answer = await send(relay, "/kiosk/enrol")
    assert answer.status == 429
    assert "Wait 10 min" in words(answer)
    assert int(answer.headers["Retry-After"]) > 500


async def test_a_browser_in_which_somebody_is_signed_in_becomes_no_kiosk(relay: Relay) -> None:
    anna = await person(relay)
    answer = await look(relay, "/kiosk", anna.headers)
    assert "This browser acts for anna" in words(answer)
    assert kiosk_state(answer) == "person"
    assert Seen(answer.text).field("next")["value"] == "/kiosk"
    assert went_to(await send(relay, "/kiosk/enrol", anna.headers)) == "/kiosk"
    assert await relay.services.kiosks.pending(datetime.now(UTC)) == []


# Operations

FORMS = [
    "/ops/kiosks/approve",
    "/ops/kiosks/revoke",
    "/ops/sessions/end",
    "/ops/workers/drain",
    "/ops/workers/serve",
    "/ops/users/add",
    "/ops/users/remove",
    "/ops/users/link",
]


async def test_operations_are_for_operators_alone(relay: Relay) -> None:
    anna, lobby = await person(relay), await device(relay)
    code = "/ops?code=BCDF-GHJK"
    assert went_to(await look(relay, code)) == "/login?next=%2Fops%3Fcode%3DBCDF-GHJK"
    assert went_to(await look(relay, code, lobby.headers)).startswith("/login?next=")
    refused = await look(relay, "/ops", anna.headers)
    assert refused.status == 403
    assert "You are signed in as anna, who is not one" in words(refused)
    assert (await look(relay, "/ops", {"xi-api-key": relay.key})).status == 403
    assert (await look(relay, "/ops", (await operator(relay)).headers)).status == 200


@pytest.mark.parametrize("path", FORMS)
async def test_forms_of_operations_are_for_operators_alone(relay: Relay, path: str) -> None:
    anna, lobby = await person(relay), await device(relay)
    fields = {"user": anna.user.id, "kiosk": lobby.kiosk.id, "name": "new", "session": "s"}
    assert went_to(await send(relay, path, None, **fields)) == "/login?next=%2Fops"
    assert went_to(await send(relay, path, lobby.headers, **fields)) == "/login?next=%2Fops"
    assert (await send(relay, path, anna.headers, **fields)).status == 403
    assert [user.name for user in await relay.services.users.list()] == ["anna"]
    assert [kiosk.name for kiosk in await relay.services.kiosks.list()] == ["lobby"]


@pytest.mark.parametrize("path", ["/login", "/logout", "/kiosk/enrol", *FORMS])
async def test_no_other_page_acts_on_behalf_of_its_visitors(relay: Relay, path: str) -> None:
    olga = await operator(relay)
    fields = {"name": "new", "user": olga.user.id, "password": PASSWORD}
    cookie = {"Cookie": olga.headers["Cookie"]}
    for headers in (cookie, {**cookie, "Origin": "https://evil.example"}):
        answer = await send(relay, path, headers, **fields)
        assert answer.status == 403
        assert "nothing was changed" in words(answer)
    assert (await send(relay, path, {"Origin": "null"}, **fields)).status == 403
    assert [user.name for user in await relay.services.users.list()] == ["olga"]
    assert (await look(relay, "/", olga.headers)).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"code": "BCDF-GHJK"}, 404, "No device waits with this code"),
        ({"name": ""}, 422, "A name has 1 to 64"),
        ({"name": "taken"}, 422, "Another kiosk has this name"),
        ({"options": "language_code"}, 422, "“language_code” is not of the form"),
        ({"options": "colour=red"}, 422, "No session could run with these options"),
        ({"language": "xx-yy"}, 422, "No session could run with these options"),
    ],
)
async def test_an_approval_that_cannot_be_right_is_said_at_its_field(
    relay: Relay, fields: dict[str, str], status: int, sentence: str
) -> None:
    olga = await operator(relay)
    await device(relay, "taken")
    _, code = await begin(relay)
    given = {"code": code, "name": "lobby", "language": "", "options": "", **fields}
    answer = await send(relay, "/ops/kiosks/approve", olga.headers, **given)
    assert answer.status == status
    assert sentence in words(answer)
    page = Seen(answer.text)
    assert page.field("code")["value"] == given["code"]
    wrong = [
        attributes
        for _, attributes in page.elements
        if attributes.get("aria-invalid") == "true" and "autofocus" in attributes
    ]
    (described,) = [each["aria-describedby"] for each in wrong]
    assert described is not None
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert set(described.split()) <= ids
    assert [kiosk.name for kiosk in await relay.services.kiosks.list()] == ["taken"]


async def test_a_kiosk_gets_every_option_that_is_written(relay: Relay) -> None:
    olga = await operator(relay)
    _, code = await begin(relay)
    options = "keyterms=Kyiv\r\n\r\n keyterms = Lviv \r\nno_verbatim=true"
    answer = await send(
        relay, "/ops/kiosks/approve", olga.headers, code=code, name=" lobby ", options=options
    )
    assert went_to(answer) == "/ops?done=kiosk_approved"
    (kiosk,) = await relay.services.kiosks.list()
    assert kiosk.name == "lobby"
    assert kiosk.options == (
        ("keyterms", "Kyiv"),
        ("keyterms", "Lviv"),
        ("no_verbatim", "true"),
    )


async def test_a_kiosk_is_revoked_and_gone(relay: Relay) -> None:
    olga, lobby = await operator(relay), await device(relay)
    answer = await send(relay, "/ops/kiosks/revoke", olga.headers, kiosk=lobby.kiosk.id)
    assert went_to(answer) == "/ops?done=kiosk_revoked"
    again = await send(relay, "/ops/kiosks/revoke", olga.headers, kiosk=lobby.kiosk.id)
    assert again.status == 404
    assert "That isn’t there any more" in words(again)


async def test_a_session_is_shown_without_what_is_said_and_ended(simulator: Simulator) -> None:
    async with relay_to(simulator.url) as relay:
        olga = await operator(relay)
        async with Client(relay, language_code="en") as client:
            started = await client.event("session_started")
            session_id = started["session_id"]

            async def is_shown() -> bool:
                return session_id[:8] in words(await look(relay, "/ops", olga.headers))

            await until(is_shown, "the session on the page")
            answer = await send(relay, "/ops/sessions/end", olga.headers, session=session_id)
            assert went_to(answer) == "/ops?done=session_ended"
            await client.closed()
    assert client.events[-1]["reason"] == "ended_by_operator"


async def test_a_session_that_is_not_there_cannot_be_ended(relay: Relay) -> None:
    olga = await operator(relay)
    answer = await send(relay, "/ops/sessions/end", olga.headers, session="none")
    assert answer.status == 404


async def test_a_worker_is_drained_and_serves_again(relay: Relay) -> None:
    olga, worker = await operator(relay), relay.services.sessions.worker

    async def is_shown() -> bool:
        return worker in words(await look(relay, "/ops", olga.headers))

    async def is_drained() -> bool:
        return "drained" in words(await look(relay, "/ops", olga.headers))

    await until(is_shown, "the worker on the page")
    assert "No other worker takes sessions" in words(await look(relay, "/ops", olga.headers))
    drained = await send(relay, "/ops/workers/drain", olga.headers, worker=worker)
    assert went_to(drained) == "/ops?done=worker_drains"
    await until(is_drained, "it to be drained")
    again = await send(relay, "/ops/workers/serve", olga.headers, worker=worker)
    assert went_to(again) == "/ops?done=worker_serves"
    assert (await send(relay, "/ops/workers/drain", olga.headers, worker="other")).status == 404


async def test_somebody_is_added_gets_a_link_and_is_removed(relay: Relay) -> None:
    olga = await operator(relay)
    added = await send(relay, "/ops/users/add", olga.headers, name=" Bénédicte ", operator="1")
    assert went_to(added) == "/ops?done=user_added"
    user = await relay.services.users.find("bénédicte")
    assert user is not None
    assert user.is_operator

    shown = await send(relay, "/ops/users/link", olga.headers, user=user.id)
    assert shown.status == 200
    (url,) = re.findall(r"http://[^<\s]+/login\?link=[\w-]+", unescape(shown.text))
    token = url.partition("link=")[2]
    assert url.startswith(relay.url)
    signed_in = await send(relay, "/login", link=token)
    assert await who_records(relay, kept(relay, signed_in)) == "Bénédicte"
    assert token not in (await look(relay, "/ops", olga.headers)).text

    removed = await send(relay, "/ops/users/remove", olga.headers, user=user.id)
    assert went_to(removed) == "/ops?done=user_removed"
    assert await relay.services.users.find("bénédicte") is None
    for path in ("/ops/users/remove", "/ops/users/link"):
        assert (await send(relay, path, olga.headers, user=user.id)).status == 404


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("OLGA", "has this name already"), ("", "1 to 64"), ("\u202e", "1 to 64")],
)
async def test_a_name_that_cannot_be_is_said_at_its_field(
    relay: Relay, name: str, sentence: str
) -> None:
    olga = await operator(relay)
    answer = await send(relay, "/ops/users/add", olga.headers, name=name)
    assert answer.status == 422
    assert sentence in words(answer)


async def test_operators_do_not_remove_themselves(relay: Relay) -> None:
    olga = await operator(relay)
    for user in (olga.user.id, "olga"):
        answer = await send(relay, "/ops/users/remove", olga.headers, user=user)
        assert answer.status == 422
        assert "Ask another operator" in words(answer)
    assert await relay.services.users.find("olga") is not None


@pytest.mark.parametrize(
    "path",
    [
        "/ops/kiosks/revoke",
        "/ops/sessions/end",
        "/ops/workers/drain",
        "/ops/workers/serve",
        "/ops/users/remove",
        "/ops/users/link",
    ],
)
async def test_an_incomplete_form_changes_nothing_and_says_so(relay: Relay, path: str) -> None:
    answer = await send(relay, path, (await operator(relay)).headers)
    assert answer.status == 422
    assert "nothing was changed" in words(answer)


async def test_usage_is_added_up(relay: Relay) -> None:
    olga = await operator(relay)
    today = datetime.now(UTC).date()
    rows = [
        UsageRow(
            session_id=f"{day}",
            day=today - timedelta(days=day),
            account="user:1",
            kind="user",
            name="anna",
            received_ms=3_600_000,
            sent_ms=3_600_000,
        )
        for day in (0, 6, 7)
    ]
    await relay.services.usage.record(rows)
    said = words(await look(relay, "/ops", olga.headers))
    assert f"{today - timedelta(days=6)} 1 1:00" in said
    assert f"{today - timedelta(days=7)}" not in said
    assert "total 2 2:00" in said
    assert "anna 2 2:00" in said


async def test_without_redis_the_rest_is_shown(relay: Relay) -> None:
    olga = await operator(relay)
    away = AsyncMock(side_effect=StateUnavailable("it is away"))
    relay.services.registry.list = away  # type: ignore[method-assign]  # Redis is away
    answer = await look(relay, "/ops", olga.headers)
    assert answer.status == 200
    assert "Redis doesn’t answer" in words(answer)
    assert "olga" in words(answer)


async def test_what_is_wrong_with_the_relay_is_said(relay: Relay) -> None:
    answer = await look(relay, "/ops", (await operator(relay)).headers)
    assert "provider fails" in words(answer)
    assert "can't be reached" in words(answer)


async def test_a_notice_is_one_of_ours(relay: Relay) -> None:
    answer = await look(relay, f"/ops?done={XSS}", (await operator(relay)).headers)
    assert answer.status == 200
    assert "alert" not in answer.text


# What pages repeat is escaped


async def test_nothing_that_a_page_repeats_becomes_markup(relay: Relay) -> None:
    olga = await operator(relay)
    await person(relay, XSS)
    await device(relay, XSS, (("keyterms", XSS),))
    anna = await operator(relay, "<b>anna</b>")
    answers = [
        await look(relay, "/ops", olga.headers),
        await look(relay, "/", anna.headers),
        await ask(relay, "GET", "/ops", {**HTML, **olga.headers}, params={"code": XSS}),
        await ask(relay, "GET", "/login", HTML, params={"link": XSS, "next": f"/{XSS}"}),
        await send(relay, "/login", name=XSS, password="x", next=f'/"><b>{XSS}'),
        await send(
            relay,
            "/ops/kiosks/approve",
            olga.headers,
            code=XSS,
            name=XSS,
            language=XSS,
            options=f"{XSS}\n</textarea>{XSS}",
        ),
        await send(relay, "/ops/users/add", olga.headers, name=XSS),
        await look(relay, f"/{XSS}"),
        await look(relay, "/kiosk", (await device(relay, "<b>lobby</b>")).headers),
    ]
    ours = {app_script("recorder"), app_script("kiosk"), app_script("ops")}
    for answer in answers:
        page = Seen(answer.text)
        assert {script["src"] for script in page.all("script")} <= ours
        assert not page.all("b") or "provider" in answer.text
        assert "<b>anna" not in answer.text
        assert "<b>lobby" not in answer.text
        assert not [
            name for _, attributes in page.elements for name in attributes if name.startswith("on")
        ]


def test_no_template_holds_what_the_policy_forbids() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text()
        inline = r"<script(?! type=\"module\" src=)|<style|\sstyle=|\son\w+=|javascript:|https?://"
        assert not re.search(inline, text), path
        assert "safe" not in re.findall(r"\|\s*(\w+)", text), path


async def test_no_secret_is_in_any_page(relay: Relay) -> None:
    olga, lobby = await operator(relay), await device(relay)
    user = await add(relay, "ben")
    mine, _ = await begin(relay)
    token = await link_for(relay, user)
    secrets = [
        olga.cookie,
        olga.sign_in_id,
        lobby.cookie.partition(".")[2],
        mine["Cookie"].partition("=")[2],
        token,
        relay.key,
        user.password_hash or "",
    ]
    pages = [
        await look(relay, path, headers)
        for headers in (NOBODY, olga.headers, lobby.headers, mine)
        for path in ("/", "/login", "/kiosk", "/ops", "/nothing")
    ]
    for answer in pages:
        for secret in secrets:
            assert secret
            assert secret not in answer.text


# Every answer


async def test_every_answer_tells_browsers_to_be_careful(relay: Relay) -> None:
    olga, anna = await operator(relay), await person(relay)
    answers = [
        await look(relay, "/login"),
        await look(relay, "/"),
        await look(relay, "/", olga.headers),
        await look(relay, "/kiosk"),
        await look(relay, "/ops", olga.headers),
        await look(relay, "/ops", anna.headers),
        await look(relay, "/nothing"),
        await send(relay, "/login", name="x", password="y"),
        await send(relay, "/logout", {"Origin": "https://evil.example"}),
        await send(relay, "/ops/users/link", olga.headers, user=anna.user.id),
        await ask(relay, "DELETE", "/login", HTML),
    ]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value


async def test_pages_speak_russian(relay: Relay) -> None:
    olga = await operator(relay)
    login = await look(relay, "/login", RUSSIAN)
    assert login.headers["Content-Language"] == "ru"
    assert Seen(login.text).all("html") == [{"lang": "ru"}]
    assert "Войти" in words(login)
    assert "Управление" in words(await look(relay, "/ops", {**olga.headers, **RUSSIAN}))
    assert "Это устройство ещё не киоск" in words(await look(relay, "/kiosk", RUSSIAN))
    assert "Такой страницы нет" in words(await look(relay, "/nothing", RUSSIAN))
    wrong = await ask(
        relay,
        "POST",
        "/ops/kiosks/approve",
        {**HTML, **olga.headers, **RUSSIAN},
        data={"code": "x", "name": "lobby", "options": "colour=red"},
    )
    assert "Подробности (по-английски): The request can't be served" in words(wrong)


# Errors


async def test_unknown_paths_get_a_page_where_somebody_looks(relay: Relay) -> None:
    olga = await operator(relay)
    page = await look(relay, "/nothing", olga.headers)
    assert page.status == 404
    assert "There is no such page" in words(page)
    assert "/" in {link.get("href") for link in Seen(page.text).all("a")}
    assert (await ask(relay, "GET", "/nothing")).headers["Content-Type"].startswith("text/plain")
    for path in ("/api/nothing", "/v1/nothing"):
        answer = await look(relay, path, olga.headers)
        assert answer.status == 404
        assert answer.body["type"] == "invalid_request"
    assert (await look(relay, "/api/nothing")).status == 401


async def test_a_method_that_is_not_taken_is_said_in_words(relay: Relay) -> None:
    answer = await look(relay, "/logout")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert "only takes a form" in words(answer)
    olga = await operator(relay)
    assert (await ask(relay, "PUT", "/api/users", {**HTML, **olga.headers})).body["error"]


async def test_a_fault_of_ours_is_a_page_without_its_details(relay: Relay) -> None:
    olga = await operator(relay)
    broken = AsyncMock(side_effect=ZeroDivisionError("of a secret"))
    relay.services.users.list = broken  # type: ignore[method-assign]  # a bug, for once
    answer = await look(relay, "/ops", olga.headers)
    assert answer.status == 500
    assert "Something failed here" in words(answer)
    assert "secret" not in answer.text
    for name, value in HEADERS.items():
        assert answer.headers[name] == value


async def test_without_the_database_pages_say_so_and_kiosks_try_again(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    lobby = await device(relay)
    away = AsyncMock(side_effect=StoreUnavailable("it is away"))
    monkeypatch.setattr(Kiosks, "verify", away)
    monkeypatch.setattr(Kiosks, "begin", away)
    answer = await look(relay, "/kiosk", lobby.headers)
    assert answer.status == 503
    assert "can’t look things up" in words(answer)
    assert kiosk_state(answer) == "error"
    assert "away" not in words(answer).replace("right away", "")
    assert [each for each in Seen(answer.text).all("meta") if each.get("http-equiv") == "refresh"]
    enrol = await send(relay, "/kiosk/enrol")
    assert enrol.status == 503
    # The page whose form it was, since this path can't be looked at.
    assert "/kiosk" in {link.get("href") for link in Seen(enrol.text).all("a")}


async def test_a_key_that_is_not_good_is_said_in_words(relay: Relay) -> None:
    answer = await look(relay, "/", {"xi-api-key": "nonsense"})
    assert answer.status == 401
    assert "The relay can’t tell who you are" in words(answer)


async def test_a_body_that_is_too_long_is_refused_in_words(relay: Relay) -> None:
    answer = await send(relay, "/login", name="a" * 20_000)
    assert answer.status == 422
    assert "can’t use this request" in words(answer)


# Stylesheets and pictures


async def test_what_pages_need_is_kept_under_its_version(relay: Relay) -> None:
    page = Seen((await look(relay, "/login")).text)
    links = [link["href"] or "" for link in page.all("link")]
    assert len(links) == 3
    for path in links:
        answer = await ask(relay, "GET", path)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Type"].startswith(("text/css", "image/svg+xml"))
        bare = await ask(relay, "GET", path.partition("?")[0])
        assert bare.headers["Cache-Control"] == "no-cache"
        same = await ask(relay, "GET", path, {"If-None-Match": bare.headers["ETag"]})
        assert same.status == 304


@pytest.mark.parametrize("name", ["nothing.css", "..%2fpages.py", "%2e%2e%2fpages.py", "pages.py"])
async def test_nothing_else_is_served(relay: Relay, name: str) -> None:
    assert (await ask(relay, "GET", f"/static/{name}")).status == 404
