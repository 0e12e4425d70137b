"""Signing in and out: by name and password, or by a link that works once."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from relay.auth.addresses import bucket
from relay.auth.gate import (
    SESSION_COOKIE,
    SIGN_IN_LIFETIME,
    SessionCookie,
    cookie_name,
    identity_of,
)
from relay.auth.identities import Kind
from relay.auth.passwords import Passwords
from relay.auth.throttle import Backoff, Throttle
from relay.errors import LimitExceeded, Unauthorized
from relay.folding import fold_name
from relay.http.access import Access
from relay.http.bodies import read_form, read_json
from relay.http.forms import is_form, local_path, required
from relay.meter import Meter
from relay.store.secret_texts import digest
from relay.store.users import User, Users

_log = structlog.get_logger("relay.sign_in")


@dataclass(frozen=True)
class SignInEndpoint:
    """`/api/login`, `/api/login/link`, `/api/logout`, `/api/me`."""

    access: Access
    users: Users
    passwords: Passwords
    session_cookie: SessionCookie
    per_address: Throttle
    per_name: Backoff
    meter: Meter

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/api/login", self.login, methods=["POST"]),
            Route("/api/login/link", self.login_by_link, methods=["POST"]),
            Route("/api/logout", self.logout, methods=["POST"]),
            Route("/api/me", self.me),
        ]

    async def login(self, request: Request) -> Response:
        """Sign in by name and password."""
        given = await _given(request)
        name, password = required(given, "name", "password")
        user = await self.by_password(request, name, password)
        return await self._signed_in(request, user, given.get("next"))

    async def login_by_link(self, request: Request) -> Response:
        """Sign in by the token of a link, and use it up."""
        given = await _given(request)
        (token,) = required(given, "link")
        user = await self.by_link(request, token)
        return await self._signed_in(request, user, given.get("next"))

    async def by_password(self, request: Request, name: str, password: str) -> User:
        """Find whose name and password these are; count the attempt.

        Raises:
            Unauthorized: If they don't go together.
            LimitExceeded: If that was tried too often.
        """
        with self._counting("password"):
            return await self._by_password(request, name, password)

    async def _by_password(self, request: Request, name: str, password: str) -> User:
        now = time.monotonic()
        self._slow_down(request, now)
        user = await self.users.find(name)
        # However a name is written, and by the id as well, it is one person's.
        tried = digest(fold_name(name)) if user is None else user.id
        if (wait := self.per_name.attempt(tried, now)) > 0:
            raise LimitExceeded("rate_limited", "Too many wrong passwords; wait a moment.", wait)
        password_hash = None if user is None else user.password_hash
        is_right = await self.passwords.verify(password_hash, password)
        if user is None or not is_right:
            _log.info("sign-in refused", address=str(self._arrival_address(request)))
            raise Unauthorized("Name and password don't go together.")
        self.per_name.succeeded(tried)
        if password_hash is not None and self.passwords.needs_rehash(password_hash):
            return await self._hash_anew(user, password_hash, password)
        return user

    async def by_link(self, request: Request, token: str) -> User:
        """Find whom a link signs in, and use it up.

        Raises:
            Unauthorized: If it was used or has expired.
            LimitExceeded: If that was tried too often.
        """
        with self._counting("link"):
            self._slow_down(request, time.monotonic())
            user = await self.users.consume_link(token, datetime.now(UTC))
            if user is None:
                raise Unauthorized("This link was used or has expired; ask for a new one.")
            return user

    @contextmanager
    def _counting(self, shown: str) -> Iterator[None]:
        try:
            yield
        except Unauthorized:
            self.meter.credential_refused(shown)
            raise
        except LimitExceeded as error:
            self.meter.limit_hit(error.limit, "http")
            raise

    async def logout(self, request: Request) -> Response:
        """End the sign-in, here and in every live session that it opened."""
        arrival = self.access.arrival(request)
        sign_in_id = self.session_cookie.sign_in_id(arrival)
        if sign_in_id is not None:
            await self.users.sign_out(sign_in_id)
            _log.info("signed out")
        response: Response = JSONResponse({})
        if is_form(request):
            given = await read_form(request)
            response = RedirectResponse(local_path(given.get("next"), "/login"), 303)
        self.forget(request, response)
        return response

    def forget(self, request: Request, response: Response) -> None:
        """Have the browser forget its sign-in."""
        scheme = self.access.arrival(request).scheme
        response.delete_cookie(
            cookie_name(SESSION_COOKIE, scheme),
            secure=scheme == "https",
            httponly=True,
            samesite="lax",
        )

    async def me(self, request: Request) -> Response:
        """Say who is signed in."""
        identity = await self.access.require(request)
        return JSONResponse(
            {
                "kind": identity.kind,
                "id": identity.id,
                "name": identity.name,
                "role": identity.role,
            }
        )

    async def _hash_anew(self, user: User, old: str, password: str) -> User:
        try:
            fresh = await self.passwords.hash(password)
        except (LimitExceeded, ValueError):
            return user  # the next sign-in does it
        if await self.users.set_password_hash(user.id, fresh, instead_of=old):
            return replace(user, password_hash=fresh)
        return user

    async def _signed_in(self, request: Request, user: User, next_path: object) -> Response:
        role = identity_of(user).role
        body = {"kind": Kind.USER, "name": user.name, "role": role}
        response: Response = JSONResponse(body)
        if is_form(request):
            response = RedirectResponse(local_path(next_path), 303)
        await self.sign_in(request, response, user)
        return response

    async def sign_in(self, request: Request, response: Response, user: User) -> None:
        """Sign a user in, by a cookie of this response.

        Raises:
            Unauthorized: If the user was removed meanwhile, or has another password now.
        """
        arrival = self.access.arrival(request)
        # A cookie from before signing in must not live on in the name of whoever signed in.
        if (old := self.session_cookie.sign_in_id(arrival)) is not None:
            await self.users.sign_out(old)
        now = datetime.now(UTC)
        sign_in = await self.users.sign_in(user.id, SIGN_IN_LIFETIME, now, known=user)
        if sign_in is None:
            raise Unauthorized("This account was removed or has another password now.")
        _log.info("signed in", user=user.id)
        response.set_cookie(
            cookie_name(SESSION_COOKIE, arrival.scheme),
            self.session_cookie.value(sign_in.id),
            max_age=round(SIGN_IN_LIFETIME),
            path="/",
            secure=arrival.scheme == "https",
            httponly=True,
            samesite="lax",
        )

    def _slow_down(self, request: Request, now: float) -> None:
        wait = self.per_address.allow(bucket(self._arrival_address(request)), now)
        if wait > 0:
            raise LimitExceeded("rate_limited", "Too many attempts from this address.", wait)

    def _arrival_address(self, request: Request) -> Any:
        return self.access.arrival(request).caller.address


async def _given(request: Request) -> Mapping[str, object]:
    if is_form(request):
        return await read_form(request)
    return await read_json(request, dict[str, object])


def login_url(path: str) -> str:
    """Where to sign in, and come back from."""
    return f"/login?{urlencode({'next': path})}"
