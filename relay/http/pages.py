"""Pages: the recorder, signing in, errors; all but the first work without scripts."""

from dataclasses import dataclass
from math import ceil

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from relay.auth.identities import Identity, Kind, Role
from relay.errors import (
    ClientError,
    InvalidRequest,
    LimitExceeded,
    NotAllowed,
    NotFound,
    OriginNotAllowed,
    RelayError,
    StateError,
    StateUnavailable,
    StoreUnavailable,
    Unauthorized,
)
from relay.http.access import HEADERS, Access, answer_json, retry_after, status_of
from relay.http.bodies import read_form
from relay.http.forms import is_form, local_path, required
from relay.http.kiosk_pages import READY_REFRESH, is_kiosk_screen
from relay.http.rendering import Renderer, known_person, texts_for
from relay.http.sign_in import SignInEndpoint, login_url


@dataclass(frozen=True)
class Pages:
    """`/`, `/login`, `/logout`, and what browsers are told of errors."""

    access: Access
    renderer: Renderer
    sign_in: SignInEndpoint

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/", self.record),
            Route("/login", self.show_login),
            Route("/login", self.login, methods=["POST"]),
            Route("/logout", self.logout, methods=["POST"]),
        ]

    async def record(self, request: Request) -> Response:
        """Show the recorder to whoever is signed in."""
        identity = await self.access.identify(request)
        if identity is not None and identity.role is Role.KIOSK:
            return RedirectResponse("/kiosk", 303)
        if identity is None or identity.kind is not Kind.USER:
            return RedirectResponse(login_url("/"), 303)
        return self.renderer.page(
            request,
            "recorder.html",
            person=identity,
            script="recorder",
            origin=self.access.origin(request),
        )

    # Signing in and out.

    async def show_login(self, request: Request) -> Response:
        """Show the form, or the button of a link; a link is used up by the button alone."""
        next_path = local_path(request.query_params.get("next"))
        person = await self._person(request)
        if link := request.query_params.get("link"):
            return self.renderer.page(
                request, "link.html", person=person, link=link, next_path=next_path
            )
        if person is not None:
            return RedirectResponse(next_path, 303)
        return self._login_form(request, next_path)

    async def login(self, request: Request) -> Response:
        """Sign in by name and password or by a link, and go on."""
        given = await read_form(request) if is_form(request) else {}
        next_path = local_path(given.get("next"))
        response = RedirectResponse(next_path, 303)
        try:
            if "link" in given:
                user = await self.sign_in.by_link(request, *required(given, "link"))
            else:
                user = await self.sign_in.by_password(request, *required(given, "name", "password"))
            await self.sign_in.sign_in(request, response, user)
        except (InvalidRequest, LimitExceeded, Unauthorized) as error:
            return self._login_failed(request, error, given, next_path)
        return response

    async def logout(self, request: Request) -> Response:
        """Sign out, and go to where one signs in."""
        return await self.sign_in.logout(request)

    def _login_failed(
        self, request: Request, error: ClientError, given: dict[str, str], next_path: str
    ) -> Response:
        if "link" in given and not isinstance(error, LimitExceeded):
            texts = texts_for(request)
            return self.renderer.page(
                request,
                "error.html",
                status=status_of(error),
                title=texts("link.used.title"),
                text=texts("link.used"),
                detail=None,
                action=(login_url(next_path), texts("link.used.action")),
            )
        if "link" in given:
            return self.answer(request, error)
        return self._login_form(request, next_path, error, given.get("name", ""))

    def _login_form(
        self,
        request: Request,
        next_path: str,
        error: ClientError | None = None,
        name: str = "",
    ) -> Response:
        texts = texts_for(request)
        match error:
            case None:
                problem = None
            case LimitExceeded(retry_after=wait):
                problem = texts("login.wait", seconds=max(1, ceil(wait)))
            case Unauthorized():
                problem = texts("login.wrong")
            case _:
                problem = texts("login.missing")
        return self.renderer.page(
            request,
            "login.html",
            status=200 if error is None else status_of(error),
            headers={} if error is None else retry_after(error),
            next_path=next_path,
            name=name,
            problem=problem,
        )

    async def _person(self, request: Request) -> Identity | None:
        identity = await self.access.identify(request)
        return identity if identity is not None and identity.kind is Kind.USER else None

    # Errors.

    def answer(self, request: Request, error: RelayError) -> Response:
        """Say an error: to those who look at pages in words and with a next step."""
        if not wants_page(request):
            return answer_json(error)
        texts = texts_for(request)
        person = known_person(request)
        key, detail = "error.fault", None
        values: dict[str, object] = {}
        action = ("/", texts("error.home"))
        retry = (_page_of(request), texts("error.retry"))
        match error:
            case NotFound():
                key = "error.not_found"
            case OriginNotAllowed():
                key = "error.origin"
            case NotAllowed() if person is not None:
                key, values = "error.not_allowed", {"name": person.name}
            case NotAllowed() | Unauthorized():
                key, detail = "error.unauthorized", str(error)
                action = ("/login", texts("login.title"))
            case LimitExceeded(retry_after=wait):
                key, values, action = "error.wait", {"seconds": max(1, ceil(wait))}, retry
            case StateUnavailable() | StoreUnavailable():
                key, action = "error.away", retry
            case ClientError():
                key, detail = "error.invalid", str(error)
            case _:
                action = retry
        is_kiosk = is_kiosk_screen(request)
        return self.renderer.page(
            request,
            "error.html",
            status=status_of(error),
            headers=retry_after(error),
            person=person,
            # Nobody stands by a kiosk to try again.
            refresh=READY_REFRESH if is_kiosk else None,
            script="kiosk" if is_kiosk else None,
            kiosk_state="error" if is_kiosk else None,
            title=texts(f"{key}.title"),
            text=texts(key, **values),
            detail=detail,
            action=action,
        )

    async def answer_http(self, request: Request, error: Exception) -> Response:
        """Say what the router refuses: what isn't there, or isn't there for this method."""
        assert isinstance(error, HTTPException)
        texts = texts_for(request)
        key = {404: "error.not_found", 405: "error.method"}.get(error.status_code, "error.invalid")
        if wants_page(request):
            return self.renderer.page(
                request,
                "error.html",
                status=error.status_code,
                headers=dict(error.headers or {}),
                person=known_person(request),
                title=texts(f"{key}.title"),
                text=texts(key),
                detail=None,
                action=("/", texts("error.home")),
            )
        if is_api(request):
            body = {"type": "invalid_request", "error": f"{error.detail}."}
            return JSONResponse(body, error.status_code, error.headers)
        return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)

    async def answer_fault(self, request: Request, error: Exception) -> Response:
        """Answer where the relay failed; what failed is in the log alone."""
        response = self.answer(request, StateError("a request failed"))
        # This is said beyond everything that puts headers on answers.
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _page_of(request: Request) -> str:
    """The page to try again: the same, or the one whose form was sent."""
    if request.method == "GET":
        return request.url.path
    page = request.url.path.split("/")[1]
    return f"/{page}" if page in ("login", "kiosk", "ops") else "/"


def is_api(request: Request) -> bool:
    """Whether a path belongs to programs."""
    return request.url.path.startswith(("/api/", "/v1/"))


def wants_page(request: Request) -> bool:
    """Whether a browser shows the answer to somebody."""
    return not is_api(request) and "text/html" in request.headers.get("accept", "")
