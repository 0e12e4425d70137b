"""Signing in and out over HTTP."""

from datetime import UTC, datetime, timedelta
from http.cookies import Morsel

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from relay.auth.gate import SESSION_COOKIE
from relay.auth.throttle import Backoff
from relay.store.users import User
from tests.http.conftest import NOWHERE
from tests.support.people import NOBODY, Answer, ask, operator, person
from tests.support.relay import Relay, relay_to

PASSWORD = "correct horse"

FORM = "application/x-www-form-urlencoded"

PROXY = {"trusted_proxies": "127.0.0.1"}


async def add(relay: Relay, name: str = "anna", password: str | None = PASSWORD) -> User:
    # Any parameters verify, and these take no time.
    hasher = PasswordHasher.from_parameters(CHEAPEST)
    return await relay.services.users.add(name, hasher.hash(password) if password else None)


async def log_in(
    relay: Relay, name: str = "anna", password: str = PASSWORD, headers: dict[str, str] = NOBODY
) -> Answer:
    body = {"name": name, "password": password}
    return await ask(relay, "POST", "/api/login", headers, json=body)


def session_cookie(answer: Answer, name: str = SESSION_COOKIE) -> "Morsel[str]":
    return answer.cookies[name]


def shows(cookie: "Morsel[str]", origin: str) -> dict[str, str]:
    return {"Cookie": f"{cookie.key}={cookie.value}", "Origin": origin}


async def who(relay: Relay, headers: dict[str, str]) -> str | None:
    """The name of whoever `/api/me` takes this for; None for nobody."""
    answer = await ask(relay, "GET", "/api/me", headers)
    if answer.status == 401:
        return None
    assert answer.status == 200
    name: str = answer.body["name"]
    return name


# Passwords


async def test_a_person_signs_in_by_name_and_password(relay: Relay) -> None:
    user = await add(relay)
    answer = await log_in(relay)
    assert answer.status == 200
    assert answer.body == {"kind": "user", "name": "anna", "role": "user"}
    headers = shows(session_cookie(answer), relay.url)
    me = await ask(relay, "GET", "/api/me", headers)
    assert me.body == {"kind": "user", "id": user.id, "name": "anna", "role": "user"}


async def test_a_page_without_scripts_signs_in_by_a_form_and_goes_on(relay: Relay) -> None:
    await add(relay)
    fields = {"name": "Anna", "password": PASSWORD, "next": "/history?day=1"}
    answer = await ask(relay, "POST", "/api/login", {"Origin": relay.url}, data=fields)
    assert (answer.status, answer.headers["Location"]) == (303, "/history?day=1")
    assert await who(relay, shows(session_cookie(answer), relay.url)) == "anna"


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
async def test_a_form_never_leads_to_another_host(relay: Relay, target: str) -> None:
    await add(relay)
    fields = {"name": "anna", "password": PASSWORD, "next": target}
    answer = await ask(relay, "POST", "/api/login", {"Origin": relay.url}, data=fields)
    assert answer.headers["Location"] == "/"


async def test_the_cookie_is_for_this_host_and_for_requests_alone(relay: Relay) -> None:
    await add(relay)
    cookie = session_cookie(await log_in(relay))
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "lax"
    assert cookie["path"] == "/"
    assert cookie["domain"] == ""
    assert cookie["secure"] == ""
    assert int(cookie["max-age"]) == 30 * 86_400


async def test_behind_tls_the_cookie_goes_over_tls_alone_and_belongs_to_this_host() -> None:
    async with relay_to(NOWHERE, **PROXY) as relay:
        await add(relay)
        secure = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
        answer = await log_in(relay, headers=secure)
        cookie = session_cookie(answer, f"__Host-{SESSION_COOKIE}")
        assert cookie["secure"] is True
        assert cookie["path"] == "/"
        assert cookie["domain"] == ""
        origin = relay.url.replace("http:", "https:")
        assert await who(relay, {**secure, **shows(cookie, origin)}) == "anna"
        gone = await ask(relay, "POST", "/api/logout", {**secure, **shows(cookie, origin)})
        assert session_cookie(gone, f"__Host-{SESSION_COOKIE}")["max-age"] == "0"


async def test_nobody_but_a_trusted_proxy_says_that_there_is_tls(relay: Relay) -> None:
    await add(relay)
    answer = await log_in(relay, headers={"X-Forwarded-Proto": "https"})
    assert list(answer.cookies) == [SESSION_COOKIE]


async def test_a_cookie_from_before_signing_in_is_worth_nothing_after(relay: Relay) -> None:
    mallory = await person(relay, "mallory")
    await add(relay)
    answer = await log_in(relay, headers=mallory.headers)
    cookie = session_cookie(answer)
    assert cookie.value != mallory.cookie
    assert await who(relay, shows(cookie, relay.url)) == "anna"
    assert await who(relay, mallory.headers) is None


async def test_every_sign_in_gets_a_cookie_of_its_own(relay: Relay) -> None:
    await add(relay)
    first, second = [session_cookie(await log_in(relay)) for _ in range(2)]
    assert first.value != second.value
    await ask(relay, "POST", "/api/logout", shows(first, relay.url))
    assert await who(relay, shows(first, relay.url)) is None
    assert await who(relay, shows(second, relay.url)) == "anna"


async def test_unknown_names_and_wrong_passwords_get_the_same_answer(relay: Relay) -> None:
    await add(relay)
    await add(relay, "passwordless", None)
    names = ("anna", "nobody", "passwordless", "\x00", "x" * 2000)
    answers = [await log_in(relay, name, "wrong password") for name in names]
    assert {(answer.status, answer.text) for answer in answers} == {
        (401, answers[0].text),
    }
    assert answers[0].body["type"] == "unauthorized"
    assert not any(answer.cookies for answer in answers)


async def test_a_password_that_was_hashed_with_other_parameters_is_hashed_anew(
    relay: Relay,
) -> None:
    user = await add(relay)
    cookie = session_cookie(await log_in(relay))
    changed = await relay.services.users.get(user.id)
    assert changed is not None
    assert changed.password_hash is not None
    assert not relay.services.passwords.needs_rehash(changed.password_hash)
    # It is the same password, so whoever is signed in stays so.
    assert await who(relay, shows(cookie, relay.url)) == "anna"
    assert (await log_in(relay)).status == 200


# Throttling


async def test_attempts_from_one_address_are_limited() -> None:
    async with relay_to(NOWHERE, **PROXY) as relay:
        await add(relay)
        guesser, other = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
        # Different names, so that it isn't a name's limit that is met.
        tries = [await log_in(relay, f"user{n}", headers=guesser) for n in range(11)]
        assert [answer.status for answer in tries] == [401] * 10 + [429]
        assert 0 < int(tries[-1].headers["Retry-After"]) <= 60
        assert tries[-1].body["type"] == "rate_limited"
        assert (await log_in(relay, headers=guesser)).status == 429
        assert (await log_in(relay, headers=other)).status == 200


async def test_guesses_at_one_name_are_limited_wherever_they_come_from() -> None:
    async with relay_to(NOWHERE, **PROXY) as relay:
        user = await add(relay)
        names = ["anna", "Anna", "ANNA", user.id, "ａｎｎａ"]
        for index, name in enumerate(names):
            headers = {"X-Forwarded-For": f"192.0.2.{index}"}
            assert (await log_in(relay, name, "wrong password", headers)).status == 401
        assert len(names) == Backoff.FREE
        refused = await log_in(relay, headers={"X-Forwarded-For": "192.0.2.99"})
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")


async def test_guesses_at_a_name_that_nobody_has_are_limited_alike(relay: Relay) -> None:
    tries = [await log_in(relay, "nobody", "wrong password") for _ in range(6)]
    assert [answer.status for answer in tries] == [401] * 5 + [429]
    assert tries[-1].headers["Retry-After"] == "1"


async def test_who_knows_the_password_starts_afresh(relay: Relay) -> None:
    await add(relay)
    for _ in range(4):
        await log_in(relay, password="wrong password")
    assert (await log_in(relay)).status == 200
    for _ in range(4):
        assert (await log_in(relay, password="wrong password")).status == 401


async def test_links_are_tried_no_more_often_than_passwords(relay: Relay) -> None:
    for index in range(11):
        answer = await ask(relay, "POST", "/api/login/link", json={"link": f"guess{index}"})
        assert answer.status == (401 if index < 10 else 429)


# Links


async def link(relay: Relay, user: User) -> str:
    olga = await operator(relay)
    answer = await ask(relay, "POST", f"/api/users/{user.id}/link", olga.headers)
    assert answer.status == 201
    path: str = answer.body["path"]
    return path.removeprefix("/login?link=")


async def test_a_link_signs_in_once(relay: Relay) -> None:
    token = await link(relay, await add(relay, password=None))
    first = await ask(relay, "POST", "/api/login/link", json={"link": token})
    assert first.status == 200
    assert await who(relay, shows(session_cookie(first), relay.url)) == "anna"
    second = await ask(relay, "POST", "/api/login/link", json={"link": token})
    assert second.status == 401
    assert not second.cookies


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/login", "/api/login/link"])
async def test_whoever_only_looks_at_a_link_does_not_use_it_up(
    relay: Relay, method: str, path: str
) -> None:
    token = await link(relay, await add(relay, password=None))
    seen = await ask(relay, method, f"{path}?link={token}")
    assert not seen.cookies
    used = await ask(relay, "POST", "/api/login/link", json={"link": token})
    assert used.status == 200


async def test_a_link_is_good_for_a_form_too(relay: Relay) -> None:
    token = await link(relay, await add(relay, password=None))
    headers = {"Origin": relay.url}
    answer = await ask(relay, "POST", "/api/login/link", headers, data={"link": token})
    assert (answer.status, answer.headers["Location"]) == (303, "/")


async def test_a_link_that_has_expired_signs_nobody_in(relay: Relay) -> None:
    user = await add(relay)
    long_ago = datetime.now(UTC) - timedelta(minutes=11)
    token = await relay.services.users.create_link(user.id, long_ago)
    answer = await ask(relay, "POST", "/api/login/link", json={"link": token})
    assert answer.status == 401


# Signing out


async def test_signing_out_ends_the_sign_in_at_once_and_takes_the_cookie_away(
    relay: Relay,
) -> None:
    anna = await person(relay)
    answer = await ask(relay, "POST", "/api/logout", anna.headers)
    assert answer.status == 200
    cookie = session_cookie(answer)
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/")
    assert await who(relay, anna.headers) is None


async def test_signing_out_by_a_form_leads_to_the_page_to_sign_in(relay: Relay) -> None:
    anna = await person(relay)
    headers = {**anna.headers, "Content-Type": FORM}
    answer = await ask(relay, "POST", "/api/logout", headers)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")


async def test_no_other_page_signs_anybody_in_or_out(relay: Relay) -> None:
    anna = await person(relay)
    await add(relay, "mallory")
    evil = {"Origin": "https://evil.example"}
    assert (await log_in(relay, "mallory", headers=evil)).status == 403
    assert (await ask(relay, "POST", "/api/logout", {**anna.headers, **evil})).status == 403
    assert await who(relay, anna.headers) == "anna"


# What can't be read


@pytest.mark.parametrize("path", ["/api/login", "/api/login/link"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"name": "anna", "password": 7, "link": 7}',
        b'{"name": "", "password": "", "link": ""}',
        b'{"name": "anna", "password": null, "link": null}',
        b'{"name": "\\ud800", "password": "x", "link": 1}',
        b'{"name": "\xff"}',
        b"[" * 10_000,
        b'{"name":' + b"[" * 10_000,
        b'{"name": "' + b"x" * 3000 + b'", "password": "x", "link": "' + b"x" * 3000 + b'"}',
        b" " * (16 * 1024 + 1),
        b" " * 900_000,
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_a_body_that_cannot_be_used_is_refused_in_one_sentence(
    relay: Relay, path: str, body: bytes
) -> None:
    answer = await ask(relay, "POST", path, data=body)
    check_refusal(answer)


@pytest.mark.parametrize(
    "body",
    [b"", b"name=anna", b"&".join([b"name=anna"] * 11), b"name=%FF&password=x&link=", b"\xff=1"],
    ids=repr,
)
@pytest.mark.parametrize("path", ["/api/login", "/api/login/link"])
async def test_a_form_that_cannot_be_used_is_refused_in_one_sentence(
    relay: Relay, path: str, body: bytes
) -> None:
    headers = {"Origin": relay.url, "Content-Type": FORM}
    answer = await ask(relay, "POST", path, headers, data=body)
    if b"password" in body and path == "/api/login":
        assert answer.status == 401  # it is somebody's odd name, as far as anybody knows
    else:
        check_refusal(answer)


def check_refusal(answer: Answer) -> None:
    assert answer.status == 422, answer.text
    assert answer.body["type"] == "invalid_request"
    text = answer.body["error"]
    assert text.endswith(".")
    assert len(text) < 300
    assert "\n" not in text
