"""`/ops`: what operators see and do, as a page of forms."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.auth.identities import Identity, Kind, Role
from relay.errors import InvalidRequest, NotFound, StateUnavailable
from relay.http.access import Access
from relay.http.admin import AdminEndpoint, Approval, NewUser
from relay.http.bodies import read_form
from relay.http.forms import required
from relay.http.ops_api import OpsEndpoint
from relay.http.rendering import Renderer, qr_code, texts_for
from relay.http.sign_in import login_url
from relay.registry import Duty, SessionRecord, Wish, WorkerRecord
from relay.store.names import NameTaken, is_name
from relay.store.usage import DayUsage

DAYS: Final = 7

MAX_SESSIONS_SHOWN: Final = 200
MAX_ACCOUNTS_SHOWN: Final = 20

LANGUAGES: Final = {
    "en": "English",
    "ru": "Русский",
    "ar": "العربية",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "hi": "हिन्दी",
    "it": "Italiano",
    "ja": "日本語",
    "pl": "Polski",
    "pt": "Português",
    "tr": "Türkçe",
    "uk": "Українська",
    "zh": "中文",
}
"""Those offered by name; any other can be written as an option."""

NOTICES: Final = frozenset(
    {
        "kiosk_approved",
        "kiosk_revoked",
        "session_ended",
        "user_removed",
        "user_added",
        "worker_drains",
        "worker_serves",
    }
)

Act: TypeAlias = Callable[[Request, Identity, dict[str, str]], Awaitable[Response]]


@dataclass(frozen=True)
class Problems:
    """What is wrong with a form, in words; by field, and as a whole."""

    fields: dict[str, str] = field(default_factory=dict)
    detail: str | None = None
    """In English, from where the error arose."""
    page: str | None = None


@dataclass
class Spent:
    """Usage added up for a row of a table."""

    label: str
    sessions: int = 0
    received_ms: int = 0
    sent_ms: int = 0
    silence_ms: int = 0

    def add(self, row: DayUsage) -> None:
        """Add what was used on one day by one account."""
        self.sessions += row.sessions
        self.received_ms += row.received_ms
        self.sent_ms += row.sent_ms
        self.silence_ms += row.silence_ms


@dataclass(frozen=True)
class OpsPages:
    """`/ops` and the forms on it."""

    access: Access
    renderer: Renderer
    admin: AdminEndpoint
    ops: OpsEndpoint

    def routes(self) -> list[Route]:
        """List the routes."""
        acts: dict[str, Act] = {
            "/ops/kiosks/approve": self.approve,
            "/ops/kiosks/revoke": self.revoke,
            "/ops/sessions/end": self.end,
            "/ops/workers/drain": self.drain,
            "/ops/workers/serve": self.serve_again,
            "/ops/users/add": self.add_user,
            "/ops/users/remove": self.remove_user,
            "/ops/users/link": self.link_user,
        }
        return [
            Route("/ops", self.show),
            *(Route(path, self._form(act), methods=["POST"]) for path, act in acts.items()),
        ]

    async def show(self, request: Request) -> Response:
        """Show everything."""
        identity = await self._operator(request)
        if identity is None:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(login_url(f"/ops{query}"), 303)
        return await self._page(request, identity)

    # What the forms do.

    async def approve(self, request: Request, by: Identity, given: dict[str, str]) -> Response:
        """Approve the device that shows a code."""
        texts = texts_for(request)
        fields: dict[str, str] = {}
        options: dict[str, str | list[str]] = {}
        detail = None
        if not is_name(given.get("name", "").strip()):
            fields["name"] = texts("ops.approve.name.bad")
        try:
            options = _options(given.get("options", ""), given.get("language", ""))
        except ValueError as error:
            fields["options"] = texts("ops.approve.options.line", line=str(error))
        status = 422
        if not fields:
            try:
                wanted = Approval(given.get("code", ""), given["name"].strip(), options)
                await self.admin.approve(wanted, by)
            except NotFound:
                fields["code"] = texts("ops.approve.code.bad")
                status = 404
            except NameTaken:
                fields["name"] = texts("ops.approve.name.taken")
            except InvalidRequest as error:
                fields["options"] = texts("ops.approve.options.bad")
                detail = str(error)
        if fields:
            problems = Problems(fields, detail)
            return await self._page(request, by, status, approving=given, approval=problems)
        return _done("kiosk_approved")

    async def revoke(self, request: Request, by: Identity, given: dict[str, str]) -> Response:
        """Revoke a kiosk."""
        await self.admin.revoke(*required(given, "kiosk"))
        return _done("kiosk_revoked")

    async def end(self, request: Request, by: Identity, given: dict[str, str]) -> Response:
        """End a session."""
        await self.admin.end(*required(given, "session"))
        return _done("session_ended")

    async def drain(self, request: Request, by: Identity, given: dict[str, str]) -> Response:
        """Let a worker hand its sessions on and take no new ones."""
        (worker,) = required(given, "worker")
        await self.ops.ask(worker, Wish.DRAIN)
        return _done("worker_drains")

    async def serve_again(self, request: Request, by: Identity, given: dict[str, str]) -> Response:
        """Let a worker that was drained take sessions again."""
        (worker,) = required(given, "worker")
        await self.ops.ask(worker, Wish.SERVE)
        return _done("worker_serves")

    async def add_user(self, request: Request, by: Identity, given: dict[str, str]) -> Response:
        """Add a user, who signs in by link until they have a password."""
        texts = texts_for(request)
        name = given.get("name", "").strip()
        problem = None
        if not is_name(name):
            problem = texts("ops.add.name.bad")
        else:
            try:
                await self.admin.add(NewUser(name, is_operator="operator" in given))
            except NameTaken:
                problem = texts("ops.add.name.taken")
        if problem is not None:
            problems = Problems({"name": problem})
            return await self._page(request, by, 422, adding=given, addition=problems)
        return _done("user_added")

    async def remove_user(self, request: Request, by: Identity, given: dict[str, str]) -> Response:
        """Remove a user, but not oneself: the last operator would be gone."""
        (user,) = required(given, "user")
        if user in (by.id, by.name):
            problems = Problems(page=texts_for(request)("ops.self"))
            return await self._page(request, by, 422, problems=problems)
        await self.admin.remove(user)
        return _done("user_removed")

    async def link_user(self, request: Request, by: Identity, given: dict[str, str]) -> Response:
        """Make a sign-in link; this answer is the only one that holds it."""
        user, path = await self.admin.link(*required(given, "user"))
        url = f"{self.access.origin(request)}{path}"
        return self.renderer.page(
            request, "user_link.html", person=by, user=user, url=url, qr=qr_code(url)
        )

    def _form(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            identity = await self._operator(request)
            if identity is None:
                return RedirectResponse(login_url("/ops"), 303)
            given = await read_form(request)
            try:
                return await act(request, identity, given)
            except NotFound:
                problems = Problems(page=texts_for(request)("ops.gone"))
                return await self._page(request, identity, 404, problems=problems)
            except InvalidRequest:
                problems = Problems(page=texts_for(request)("ops.unclear"))
                return await self._page(request, identity, 422, problems=problems)

        return handle

    async def _operator(self, request: Request) -> Identity | None:
        """Who asks, if they are an operator; None for nobody and for kiosks, who may sign in.

        Raises:
            NotAllowed: If it is somebody else.
        """
        identity = await self.access.identify(request)
        if identity is None or identity.kind is Kind.KIOSK:
            return None
        return await self.access.require(request, Role.OPERATOR)

    # What the page shows.

    async def _page(
        self,
        request: Request,
        identity: Identity,
        status: int = 200,
        *,
        approving: dict[str, str] | None = None,
        approval: Problems | None = None,
        adding: dict[str, str] | None = None,
        addition: Problems | None = None,
        problems: Problems | None = None,
    ) -> Response:
        now = datetime.now(UTC)
        done = request.query_params.get("done")
        sessions = await self._sessions()
        workers = await self._workers()
        usage = await self.admin.usage.per_day(
            now.date() - timedelta(days=DAYS - 1), now.date(), None
        )
        by_day = _by_day(usage, now.date())
        by_account = _by_account(usage)
        return self.renderer.page(
            request,
            "ops.html",
            status=status,
            person=identity,
            now=now,
            notice=done if request.method == "GET" and done in NOTICES else None,
            problem=None if problems is None else problems.page,
            script="ops",
            health=await self.ops.readiness.faults(),
            workers=workers,
            serving_count=sum(each.duty is Duty.SERVING for each in workers or ()),
            sessions=None if sessions is None else sessions[:MAX_SESSIONS_SHOWN],
            session_count=None if sessions is None else len(sessions),
            since=_since,
            waiting=await self.admin.kiosks.pending(now),
            kiosks=await self.admin.kiosks.list(),
            users=await self.admin.users.list(),
            languages=LANGUAGES,
            approving=approving or {"code": request.query_params.get("code", "")[:40]},
            approval=approval or Problems(),
            adding=adding or {},
            addition=addition or Problems(),
            by_day=by_day,
            by_account=by_account[:MAX_ACCOUNTS_SHOWN],
            account_count=len(by_account),
            total=_total(by_day),
            price=self.admin.price,
        )

    async def _sessions(self) -> list[SessionRecord] | None:
        try:
            return await self.admin.registry.list()
        except StateUnavailable:
            return None

    async def _workers(self) -> list[WorkerRecord] | None:
        try:
            return await self.ops.workers.list()
        except StateUnavailable:
            return None


def _done(what: str) -> Response:
    return RedirectResponse(f"/ops?done={what}", 303)


def _options(lines: str, language: str) -> dict[str, str | list[str]]:
    """Read options as operators write them.

    Raises:
        ValueError: If a line isn't one; it says which.
    """
    values: dict[str, list[str]] = defaultdict(list)
    if language:
        values["language_code"].append(language)
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, sign, value = line.partition("=")
        if not (name.strip() and sign and value.strip()):
            raise ValueError(line)
        values[name.strip()].append(value.strip())
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _by_day(usage: Sequence[DayUsage], today: date) -> list[Spent]:
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    spent = {each: Spent(each.isoformat()) for each in days}
    for row in usage:
        spent[row.day].add(row)
    return list(spent.values())


def _by_account(usage: Sequence[DayUsage]) -> list[Spent]:
    spent: dict[str, Spent] = {}
    for row in usage:
        spent.setdefault(row.account, Spent(row.name)).add(row)
    return sorted(spent.values(), key=lambda each: -each.sent_ms)


def _total(rows: Sequence[Spent]) -> Spent:
    return Spent(
        "",
        sum(row.sessions for row in rows),
        sum(row.received_ms for row in rows),
        sum(row.sent_ms for row in rows),
        sum(row.silence_ms for row in rows),
    )


def _since(record: SessionRecord) -> str:
    return datetime.fromtimestamp(record.started_at, UTC).strftime("%H:%M")
