"""A kiosk's screen: how a device becomes one, then what is said at it.

Becoming one works without scripts. With them, the screen never leaves its page: while the relay is
away there would be nothing to come back from.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.auth.identities import Identity, Kind, Role
from relay.errors import LimitExceeded
from relay.http.access import Access, retry_after, status_of
from relay.http.kiosks import KioskEndpoint
from relay.http.rendering import Renderer, qr_code, texts_for
from relay.store.kiosks import Approved, Pending

WAITING_REFRESH: Final = 4
"""Seconds after which a device that waits asks again."""

READY_REFRESH: Final = 60
"""Seconds after which a kiosk asks whether it still is one, or whether the relay is back."""


class KioskConfig(msgspec.Struct, rename="camel"):
    """What the kiosk's script is told."""

    name: str
    always_on: bool
    """Whether it listens from the start, without a control."""
    clear_after_seconds: float
    """How long after the last words the screen forgets them."""


@dataclass(frozen=True)
class KioskPages:
    """`/kiosk`, and the form on it."""

    access: Access
    renderer: Renderer
    kiosks: KioskEndpoint
    always_on: bool
    clear_after: float
    """Seconds."""

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/kiosk", self.show),
            Route("/kiosk/enrol", self.enrol, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show what is said, or the device's code, or a button to get one."""
        identity = await self.access.identify(request)
        if identity is not None and identity.role is Role.KIOSK:
            return self._ready(request, identity)
        if identity is not None and identity.kind is Kind.USER:
            return self._page(request, "kiosk_person.html", "person", somebody=identity)
        match await self.kiosks.look(request):
            case Approved() as approved:
                # Another page, which the cookie goes to: this one must not be asked for again.
                response = RedirectResponse("/kiosk", 303)
                self.kiosks.collect(request, response, approved)
                return response
            case Pending() as pending:
                return self._waiting(request, pending)
            case None:
                return self._not_yet(request)

    async def enrol(self, request: Request) -> Response:
        """Ask for a code, unless the device has one or needs none."""
        identity = await self.access.identify(request)
        if identity is None and await self.kiosks.look(request) is None:
            try:
                enrolment = await self.kiosks.enrol(request)
            except LimitExceeded as error:
                return self._not_yet(request, error)
            response = RedirectResponse("/kiosk", 303)
            self.kiosks.remember(request, response, enrolment)
            return response
        return RedirectResponse("/kiosk", 303)

    def _ready(self, request: Request, kiosk: Identity) -> Response:
        config = KioskConfig(
            name=kiosk.name,
            always_on=self.always_on,
            clear_after_seconds=self.clear_after,
        )
        return self._page(
            request,
            "kiosk_app.html",
            "ready",
            refresh=READY_REFRESH,
            kiosk=kiosk,
            config=config,
        )

    def _waiting(self, request: Request, pending: Pending) -> Response:
        left = (pending.expires_at - datetime.now(UTC)).total_seconds()
        address = f"{self.access.origin(request)}/ops"
        return self._page(
            request,
            "kiosk_waiting.html",
            "waiting",
            refresh=WAITING_REFRESH,
            code=pending.code,
            qr=qr_code(f"{address}?code={pending.code}"),
            address=address,
            minutes_left=int(left // 60),
        )

    def _not_yet(self, request: Request, error: LimitExceeded | None = None) -> Response:
        state = "new"
        if self.kiosks.was_approved(request):
            state = "revoked"
        elif self.kiosks.has_asked(request):
            state = "expired"
        problem = None
        if error is not None:
            minutes = max(1, ceil(error.retry_after / 60))
            problem = texts_for(request)("kiosk.full", minutes=minutes)
        return self._page(
            request,
            "kiosk_new.html",
            state,
            status=200 if error is None else status_of(error),
            headers={} if error is None else retry_after(error),
            problem=problem,
        )

    def _page(
        self,
        request: Request,
        template: str,
        state: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        refresh: int | None = None,
        **values: Any,
    ) -> Response:
        return self.renderer.page(
            request,
            template,
            status=status,
            headers=headers,
            script="kiosk",
            refresh=refresh,
            kiosk_state=state,
            **values,
        )


def is_kiosk_screen(request: Request) -> bool:
    """Whether what is answered is shown on a kiosk's screen, before which maybe nobody stands."""
    return request.method == "GET" and request.url.path == "/kiosk"
