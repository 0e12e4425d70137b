"""What operators see and do: sessions, usage, users, kiosks, keys."""

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from relay.auth.identities import Identity, Role
from relay.auth.passwords import Passwords, check_password
from relay.downstream.options import check_options
from relay.errors import InvalidRequest, NotFound, StoreUnavailable
from relay.exports import escape_formula
from relay.http.access import Access
from relay.http.bodies import read_json
from relay.limits.policy import Limits
from relay.registry import ControlChannel, EndSession, Registry, SessionRecord
from relay.store.api_keys import ApiKey, ApiKeys
from relay.store.kiosks import Kiosk, Kiosks
from relay.store.names import NameTaken
from relay.store.transcripts import Transcripts
from relay.store.usage import DayUsage, Usage
from relay.store.users import User, Users

MAX_DAYS: Final = 366


class NewUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user to add; without a password they sign in by link."""

    name: str
    password: str | None = None
    is_operator: bool = False


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device to approve as a kiosk."""

    code: str
    name: str
    options: dict[str, str | list[str]] = {}  # msgspec copies it


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server key to create."""

    name: str
    limits: dict[str, float] = {}  # msgspec copies it


FLAGS_TIMEOUT: Final = 1.0
"""Seconds that a list of sessions waits for the database, which it can do without."""

ENDED_BY_OPERATOR: Final = "ended_by_operator"


@dataclass(frozen=True)
class AdminEndpoint:
    """`/api/sessions`, `/api/usage`, `/api/users`, `/api/kiosks`, `/api/keys`."""

    access: Access
    registry: Registry
    control: ControlChannel
    usage: Usage
    users: Users
    kiosks: Kiosks
    api_keys: ApiKeys
    passwords: Passwords
    key_limits: Limits
    """What keys may do unless they have limits of their own."""
    transcripts: Transcripts
    price_per_hour: float
    """Dollars for an hour of audio sent to the provider."""

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/api/sessions", self.list_sessions),
            Route("/api/sessions/{session_id}", self.get_session),
            Route("/api/sessions/{session_id}", self.end_session, methods=["DELETE"]),
            Route("/api/usage", self.list_usage),
            Route("/api/users", self.list_users),
            Route("/api/users", self.add_user, methods=["POST"]),
            Route("/api/users/{user}", self.remove_user, methods=["DELETE"]),
            Route("/api/users/{user}/link", self.link_user, methods=["POST"]),
            Route("/api/kiosks", self.list_kiosks),
            Route("/api/kiosks/approve", self.approve_kiosk, methods=["POST"]),
            Route("/api/kiosks/{kiosk}", self.revoke_kiosk, methods=["DELETE"]),
            Route("/api/keys", self.list_keys),
            Route("/api/keys", self.create_key, methods=["POST"]),
            Route("/api/keys/{key}", self.revoke_key, methods=["DELETE"]),
        ]

    async def list_sessions(self, request: Request) -> Response:
        """All live sessions, of all workers."""
        await self._operator(request)
        return JSONResponse({"sessions": await self._described(await self.registry.list())})

    async def get_session(self, request: Request) -> Response:
        """One live session."""
        await self._operator(request)
        record = await self.registry.find(request.path_params["session_id"])
        if record is None:
            raise NotFound("There is no such live session.")
        (described,) = await self._described([record])
        return JSONResponse(described)

    async def _described(self, records: Sequence[SessionRecord]) -> list[dict[str, Any]]:
        """Records with how often analysers flagged what was said; null if nobody can tell now."""
        flags: Mapping[str, int] | None = None
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(FLAGS_TIMEOUT):
                flags = await self.transcripts.flag_counts([each.session_id for each in records])
        return [
            {
                **msgspec.to_builtins(record),
                "flags": None if flags is None else flags.get(record.session_id, 0),
            }
            for record in records
        ]

    async def end_session(self, request: Request) -> Response:
        """End a session in order, whichever worker has it."""
        await self._operator(request)
        await self.end(request.path_params["session_id"])
        return Response(status_code=202)

    async def end(self, session_id: str) -> None:
        """Tell the worker of a live session to end it.

        Raises:
            NotFound: If there is no such session.
        """
        if await self.registry.find(session_id) is None:
            raise NotFound("There is no such live session.")
        await self.registry.ask_to_end(session_id, ENDED_BY_OPERATOR)
        # The channel is only the faster way: who isn't listening just now misses it.
        await self.control.send(EndSession(session_id, ENDED_BY_OPERATOR))

    async def list_usage(self, request: Request) -> Response:
        """What was used, by account and day: operators see all, others what is theirs."""
        identity = await self.access.require(request)
        since, until = _days(request)
        account = None if identity.role is Role.OPERATOR else identity.account
        rows = [self._priced(row) for row in await self.usage.per_day(since, until, account)]
        if request.query_params.get("format", "json") == "csv":
            return Response(
                _csv(rows),
                media_type="text/csv",
                headers={"content-disposition": 'attachment; filename="usage.csv"'},
            )
        return JSONResponse({"usage": rows})

    async def list_users(self, request: Request) -> Response:
        """All users."""
        await self._operator(request)
        return JSONResponse({"users": [_user(user) for user in await self.users.list()]})

    async def add_user(self, request: Request) -> Response:
        """Add a user."""
        await self._operator(request)
        wanted = await read_json(request, NewUser)
        try:
            user = await self.add(wanted)
        except (ValueError, NameTaken) as error:
            raise InvalidRequest(_sentence(error)) from None
        return JSONResponse(_user(user), 201)

    async def add(self, wanted: NewUser) -> User:
        """Add a user.

        Raises:
            ValueError: If nobody can have that name, or that password.
            NameTaken: If somebody has the name.
        """
        password_hash = None
        if wanted.password is not None:
            check_password(wanted.password)
            password_hash = await self.passwords.hash(wanted.password)
        return await self.users.add(wanted.name, password_hash, is_operator=wanted.is_operator)

    async def remove_user(self, request: Request) -> Response:
        """Remove a user; their live sessions end within seconds."""
        await self._operator(request)
        await self.remove(request.path_params["user"])
        return Response(status_code=204)

    async def remove(self, user: str) -> None:
        """Remove a user by id or name.

        Raises:
            NotFound: If there is no such user.
        """
        if not await self.users.remove(user):
            raise NotFound("There is no such user.")

    async def link_user(self, request: Request) -> Response:
        """Make a link that signs a user in once."""
        await self._operator(request)
        _, path = await self.link(request.path_params["user"])
        return JSONResponse({"path": path}, 201)

    async def link(self, name: str) -> tuple[User, str]:
        """Make a link that signs a user in once, as a path of this relay.

        Raises:
            NotFound: If there is no such user.
        """
        user = await self.users.find(name)
        token = None if user is None else await self.users.create_link(user.id, datetime.now(UTC))
        if user is None or token is None:
            raise NotFound("There is no such user.")
        return user, f"/login?link={token}"

    async def list_kiosks(self, request: Request) -> Response:
        """Kiosks, and the devices that wait for approval."""
        await self._operator(request)
        waiting = await self.kiosks.pending(datetime.now(UTC))
        return JSONResponse(
            {
                "kiosks": [_kiosk(kiosk) for kiosk in await self.kiosks.list()],
                "waiting": [
                    {
                        "code": each.code,
                        "address": each.address,
                        "created_at": each.created_at.isoformat(),
                        "expires_at": each.expires_at.isoformat(),
                    }
                    for each in waiting
                ],
            }
        )

    async def approve_kiosk(self, request: Request) -> Response:
        """Make the device that shows a code a kiosk."""
        identity = await self._operator(request)
        wanted = await read_json(request, Approval)
        try:
            kiosk = await self.approve(wanted, identity)
        except (ValueError, NameTaken) as error:
            raise InvalidRequest(_sentence(error)) from None
        return JSONResponse(_kiosk(kiosk), 201)

    async def approve(self, wanted: Approval, by: Identity) -> Kiosk:
        """Make the device that shows a code a kiosk.

        Raises:
            InvalidRequest: If the options can't be right.
            ValueError: If no kiosk can have that name.
            NameTaken: If one has it.
            NotFound: If no device shows the code.
        """
        options = tuple(
            (name, value)
            for name, given in wanted.options.items()
            for value in ([given] if isinstance(given, str) else given)
        )
        check_options(options)
        kiosk = await self.kiosks.approve(
            wanted.code, wanted.name, options, by.name, datetime.now(UTC)
        )
        if kiosk is None:
            raise NotFound("No device waits with this code; it may have expired.")
        return kiosk

    async def revoke_kiosk(self, request: Request) -> Response:
        """Revoke a kiosk; its live sessions end within seconds."""
        await self._operator(request)
        await self.revoke(request.path_params["kiosk"])
        return Response(status_code=204)

    async def revoke(self, kiosk: str) -> None:
        """Revoke a kiosk by id or name.

        Raises:
            NotFound: If there is no such kiosk.
        """
        if not await self.kiosks.revoke(kiosk):
            raise NotFound("There is no such kiosk.")

    async def list_keys(self, request: Request) -> Response:
        """Server keys, without their secrets."""
        await self._operator(request)
        return JSONResponse({"keys": [_key(key) for key in await self.api_keys.list()]})

    async def create_key(self, request: Request) -> Response:
        """Create a server key; this answer is the only one that holds it."""
        await self._operator(request)
        wanted = await read_json(request, NewKey)
        try:
            self.key_limits.replaced(wanted.limits)
            key, secret = await self.api_keys.create(wanted.name, wanted.limits)
        except (ValueError, NameTaken) as error:
            raise InvalidRequest(_sentence(error)) from None
        return JSONResponse({**_key(key), "key": secret}, 201)

    async def revoke_key(self, request: Request) -> Response:
        """Revoke a server key; its live sessions end within seconds."""
        await self._operator(request)
        if not await self.api_keys.revoke(request.path_params["key"]):
            raise NotFound("There is no such key.")
        return Response(status_code=204)

    async def _operator(self, request: Request) -> Identity:
        return await self.access.require(request, Role.OPERATOR)

    def _priced(self, row: DayUsage) -> dict[str, Any]:
        price = round(self.price(row.sent_ms), 4)
        return {**asdict(row), "day": row.day.isoformat(), "estimated_price_usd": price}

    def price(self, sent_ms: int) -> float:
        """Estimate what audio cost that went to the provider, in dollars."""
        return sent_ms / 3_600_000 * self.price_per_hour


def _days(request: Request) -> tuple[date, date]:
    today = datetime.now(UTC).date()
    try:
        until = date.fromisoformat(request.query_params.get("until", today.isoformat()))
        default = until - timedelta(days=30)
        since = date.fromisoformat(request.query_params.get("since", default.isoformat()))
    except (ValueError, OverflowError):
        raise InvalidRequest("since and until are days, such as 2026-11-24.") from None
    if not timedelta(0) <= until - since <= timedelta(days=MAX_DAYS):
        raise InvalidRequest(
            f"since must not be after until, nor more than {MAX_DAYS} days before."
        )
    return since, until


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    names = (*DayUsage.__dataclass_fields__, "estimated_price_usd")
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: escape_formula(value) for name, value in row.items()})
    return text.getvalue()


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "is_operator": user.is_operator,
        "has_password": user.password_hash is not None,
        "created_at": user.created_at.isoformat(),
    }


def _kiosk(kiosk: Kiosk) -> dict[str, Any]:
    return {
        "id": kiosk.id,
        "name": kiosk.name,
        "options": [list(pair) for pair in kiosk.options],
        "created_at": kiosk.created_at.isoformat(),
        "approved_by": kiosk.approved_by,
        "is_collected": kiosk.is_collected,
    }


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "limits": dict(key.limits),
        "created_at": key.created_at.isoformat(),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
    }


def _sentence(error: Exception) -> str:
    text = str(error).rstrip(".")
    is_field = "_" in text.partition(" ")[0]
    return f"{text}." if is_field else f"{text[:1].upper()}{text[1:]}."
