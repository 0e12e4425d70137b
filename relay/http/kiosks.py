"""How a device becomes a kiosk: it asks for a code, an operator approves it, it gets its cookie."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from relay.auth.addresses import bucket
from relay.auth.gate import KIOSK_COOKIE, cookie_name
from relay.errors import LimitExceeded
from relay.http.access import Access
from relay.store.kiosks import Approved, Enrolment, Kiosks, Pending, TooManyEnrolments

ENROLMENT_COOKIE: Final = "scribe_relay_enrolment"

KIOSK_LIFETIME: Final = 10 * 365 * 86_400
"""Seconds; a kiosk stays one until it is revoked, and browsers cut this to what they like."""


@dataclass(frozen=True)
class KioskEndpoint:
    """`/api/kiosk/enrolment`: POST asks for a code, GET asks whether it was approved."""

    access: Access
    kiosks: Kiosks

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/api/kiosk/enrolment", self.begin, methods=["POST"]),
            Route("/api/kiosk/enrolment", self.poll),
        ]

    async def begin(self, request: Request) -> Response:
        """Ask for a code to show."""
        enrolment = await self.enrol(request)
        body = {"code": enrolment.code, "expires_at": enrolment.expires_at.isoformat()}
        response = JSONResponse(body, 201)
        self.remember(request, response, enrolment)
        return response

    async def poll(self, request: Request) -> Response:
        """Ask whether the code was approved; the answer that says so brings the cookie."""
        match await self.look(request):
            case Approved() as approved:
                response = JSONResponse({"state": "approved"})
                self.collect(request, response, approved)
                return response
            case Pending(code, expires_at):
                return JSONResponse(
                    {"state": "waiting", "code": code, "expires_at": expires_at.isoformat()}
                )
            case _:
                return JSONResponse({"state": "none"})

    async def enrol(self, request: Request) -> Enrolment:
        """Ask for a code to show.

        Raises:
            LimitExceeded: If too many wait already.
        """
        address = self.access.arrival(request).caller.address
        try:
            return await self.kiosks.begin(bucket(address), datetime.now(UTC))
        except TooManyEnrolments as error:
            raise LimitExceeded("rate_limited", str(error), error.retry_after) from None

    async def look(self, request: Request) -> Pending | Approved | None:
        """Ask about the enrolment whose cookie the request shows."""
        arrival = self.access.arrival(request)
        secret = arrival.cookies.get(cookie_name(ENROLMENT_COOKIE, arrival.scheme))
        return None if secret is None else await self.kiosks.poll(secret, datetime.now(UTC))

    def has_asked(self, request: Request) -> bool:
        """Whether the device has asked for a code before, be it expired by now."""
        arrival = self.access.arrival(request)
        return cookie_name(ENROLMENT_COOKIE, arrival.scheme) in arrival.cookies

    def was_approved(self, request: Request) -> bool:
        """Whether the device has had a kiosk's cookie, be it revoked by now."""
        arrival = self.access.arrival(request)
        return cookie_name(KIOSK_COOKIE, arrival.scheme) in arrival.cookies

    def remember(self, request: Request, response: Response, enrolment: Enrolment) -> None:
        """Give the device what proves that the code is its own."""
        scheme = self.access.arrival(request).scheme
        lifetime = enrolment.expires_at - datetime.now(UTC)
        # Longer than the enrolment as it stands, because its approval gives it more time.
        seconds = round(2 * lifetime.total_seconds())
        _set(response, ENROLMENT_COOKIE, enrolment.device_secret, scheme, seconds)

    def collect(self, request: Request, response: Response, approved: Approved) -> None:
        """Give the device its cookie, in place of the one of its enrolment."""
        scheme = self.access.arrival(request).scheme
        _set(response, KIOSK_COOKIE, approved.secret, scheme, KIOSK_LIFETIME)
        response.delete_cookie(
            cookie_name(ENROLMENT_COOKIE, scheme),
            secure=scheme == "https",
            httponly=True,
            samesite="strict",
        )


def _set(response: Response, name: str, value: str, scheme: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(name, scheme),
        value,
        max_age=seconds,
        path="/",
        secure=scheme == "https",
        httponly=True,
        samesite="strict",
    )
