"""`/account`, `/api/me/export` and `DELETE /api/me`: all that is known of whoever asks."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from relay.auth.identities import Identity, Kind, Role
from relay.errors import InvalidRequest, StateUnavailable, Unauthorized
from relay.folding import fold_name
from relay.http.access import Access
from relay.http.bodies import read_form, read_json
from relay.http.rendering import Renderer
from relay.http.sign_in import SignInEndpoint, login_url
from relay.http.transcripts import streamed
from relay.personal import SESSIONS_END_WITHIN, Erased, PersonalData
from relay.registry import Ownership
from relay.store.users import User, Users

_log = structlog.get_logger("relay.account")

Refusal: TypeAlias = Literal["wrong", "last"]

_REFUSALS: Final[Mapping[Refusal, str]] = {
    "wrong": "name is not yours, so nothing was deleted.",
    "last": "You are the only operator, so nothing was deleted; make somebody else one first.",
}


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That somebody means it."""

    name: str
    """Their own."""


@dataclass(frozen=True)
class AccountPages:
    """What people do with all of their own, as a page and as an API; keys and kiosks have none."""

    access: Access
    renderer: Renderer
    sign_in: SignInEndpoint
    users: Users
    personal: PersonalData
    ownership: Ownership

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/account", self.show),
            Route("/account/erase", self.erase, methods=["POST"]),
            Route("/api/me/export", self.export),
            Route("/api/me", self.delete, methods=["DELETE"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show what there is, and what can be done with it."""
        identity = await self.access.identify(request)
        if identity is None or identity.kind is not Kind.USER:
            return RedirectResponse(login_url("/account"), 303)
        return await self._page(request, identity)

    async def export(self, request: Request) -> Response:
        """All of it, as a zip file."""
        user = await self._user(await self._person(request))
        return await streamed(
            self.personal.export(user), "scribe-relay-data.zip", "application/zip"
        )

    async def delete(self, request: Request) -> Response:
        """Delete all of it, if they confirm it by their name."""
        identity = await self._person(request)
        wanted = await read_json(request, Confirmation)
        user = await self._user(identity)
        if (refusal := await self._refusal(user, wanted.name)) is not None:
            raise InvalidRequest(_REFUSALS[refusal])
        response = JSONResponse(asdict(await self._erase(user)))
        self.sign_in.forget(request, response)
        return response

    async def erase(self, request: Request) -> Response:
        """The same by a form; then say what was deleted."""
        identity = await self.access.identify(request)
        if identity is None or identity.kind is not Kind.USER:
            return RedirectResponse(login_url("/account"), 303)
        given = await read_form(request)
        user = await self._user(identity)
        if (refusal := await self._refusal(user, given.get("name", ""))) is not None:
            return await self._page(request, identity, refusal=refusal)
        erased = await self._erase(user)
        response = self.renderer.page(request, "account_erased.html", name=user.name, erased=erased)
        self.sign_in.forget(request, response)
        return response

    async def _page(
        self, request: Request, identity: Identity, *, refusal: Refusal | None = None
    ) -> Response:
        user = await self._user(identity)
        return self.renderer.page(
            request,
            "account.html",
            status=200 if refusal is None else 422,
            person=identity,
            user=user,
            transcripts=await self.personal.count(user.id),
            days=await self.personal.days_of_use(user.id),
            refusal=refusal,
        )

    async def _person(self, request: Request) -> Identity:
        return await self.access.require(request, Role.USER, Role.OPERATOR)

    async def _user(self, identity: Identity) -> User:
        user = await self.users.get(identity.id)
        if user is None:
            raise Unauthorized("This account was removed.")
        return user

    async def _refusal(self, user: User, name: str) -> Refusal | None:
        if fold_name(name.strip()) != fold_name(user.name):
            return "wrong"
        if user.is_operator:
            others = [each for each in await self.users.list() if each.id != user.id]
            if not any(each.is_operator for each in others):
                return "last"
        return None

    async def _erase(self, user: User) -> Erased:
        ids = list[str]()
        # Always: which sessions are live is known a few seconds after they have begun.
        erased = await self.personal.erase(user.id, wait=SESSIONS_END_WITHIN, on_deleted=ids.extend)
        with suppress(StateUnavailable):  # what Redis still has of them expires within minutes
            for each in ids:
                await self.ownership.forget(each)
        _log.info("everything of a user was erased", user=user.id, **asdict(erased))
        return erased
