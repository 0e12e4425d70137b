"""Whoever uses a relay in tests: what they show, and HTTP as they speak it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any

import aiohttp

from relay.auth.gate import KIOSK_COOKIE, SESSION_COOKIE, SIGN_IN_LIFETIME
from relay.store.kiosks import Approved, Kiosk, Pairs
from relay.store.users import User
from tests.support.relay import Relay

NOBODY: dict[str, str] = {}
"""The headers of a client that shows nothing."""


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: SimpleCookie

    @property
    def body(self) -> Any:
        return json.loads(self.text)


async def ask(
    relay: Relay, method: str, path: str, headers: Mapping[str, str] = NOBODY, **body: Any
) -> Answer:
    """Send one request, which keeps no cookies and follows no redirect; `body` as for aiohttp."""
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.request(
            method, f"{relay.url}{path}", headers=headers, allow_redirects=False, **body
        ) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.text(), answer.cookies)


@dataclass(frozen=True)
class Person:
    """A user who has signed in with a browser, on the relay's own page."""

    user: User
    sign_in_id: str
    cookie: str
    """The value of their cookie."""
    origin: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{SESSION_COOKIE}={self.cookie}", "Origin": self.origin}


async def person(relay: Relay, name: str = "anna", *, is_operator: bool = False) -> Person:
    """Add a user and sign them in, without the work that a password is."""
    users = relay.services.users
    user = await users.add(name, None, is_operator=is_operator)
    sign_in = await users.sign_in(user.id, SIGN_IN_LIFETIME, datetime.now(UTC))
    assert sign_in is not None
    return Person(user, sign_in.id, relay.services.session_cookie.value(sign_in.id), relay.url)


async def operator(relay: Relay, name: str = "olga") -> Person:
    """Add an operator, signed in."""
    return await person(relay, name, is_operator=True)


@dataclass(frozen=True)
class Device:
    """A kiosk that has been approved and has fetched its cookie."""

    kiosk: Kiosk
    cookie: str
    origin: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{KIOSK_COOKIE}={self.cookie}", "Origin": self.origin}


async def device(relay: Relay, name: str = "lobby", options: Pairs = ()) -> Device:
    """Enrol a kiosk."""
    kiosks, now = relay.services.kiosks, datetime.now(UTC)
    enrolment = await kiosks.begin(name, now)
    kiosk = await kiosks.approve(enrolment.code, name, options, "olga", now)
    approved = await kiosks.poll(enrolment.device_secret, now)
    assert kiosk is not None
    assert isinstance(approved, Approved)
    return Device(kiosk, approved.secret, relay.url)


async def ticket(relay: Relay, headers: Mapping[str, str], **wanted: Any) -> str:
    """Ask for a ticket; its text."""
    path = "/v1/single-use-token/realtime_scribe"
    answer = await ask(relay, "POST", path, headers, json=wanted)
    assert answer.status == 200, answer.text
    text: str = answer.body["token"]
    return text
