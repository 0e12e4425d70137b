"""`/history`: what was said, as pages of links and forms that work without scripts.

They show what `/api/transcripts` answers to the same question, so that both know the same.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.auth.identities import Identity, Kind, Role
from relay.errors import InvalidRequest
from relay.exporting import FORMAT_NAMES
from relay.exports import FORMATS
from relay.http.access import Access
from relay.http.bodies import read_form
from relay.http.ops import LANGUAGES
from relay.http.passages import Piece, Run, TimedWord, excerpt, pieces
from relay.http.rendering import Renderer, texts_for
from relay.http.sign_in import login_url
from relay.http.transcripts import MAX_TITLE_LENGTH, PAGE, SEGMENTS, TranscriptsEndpoint
from relay.store.fulltext import Query

CONTEXT: Final = 5
"""Segments shown before one that a search found."""

FILTERS: Final = ("q", "since", "until", "device", "language", "flag", "account")
"""Fields of the form; all are parameters of `/api/transcripts` too."""

KINDS: Final = ("toxicity", "threat", "sexual", "self-harm", "violence", "illicit")
"""Flags with a name in both languages; any other is shown as it is."""

DONE: Final = frozenset({"deleted", "renamed"})

T = TypeVar("T")


class Audio(msgspec.Struct, frozen=True):
    """A recording."""

    url: str
    duration: float
    """Seconds."""


class Flag(msgspec.Struct, frozen=True):
    """What an analysis found in a segment."""

    kind: str
    score: float | None = None
    analyser: str | None = None


class Word(msgspec.Struct, frozen=True):
    """A word, or what stands between two."""

    text: str
    start: float | None = None
    end: float | None = None


class FoundSegment(msgspec.Struct, frozen=True):
    """A segment in which a search found something."""

    number: int
    text: str
    starts_at: float | None
    hits: list[tuple[int, int]]

    @property
    def after(self) -> int:
        """Behind which number a page begins that shows this one and some before it."""
        return max(-1, self.number - CONTEXT - 1)

    @property
    def excerpt(self) -> list[Run]:
        return excerpt(self.text, self.hits)


class Segment(msgspec.Struct, frozen=True):
    """One of a transcript's."""

    number: int
    text: str
    start: float
    end: float
    language_code: str | None
    words: list[Word] | None = None
    flags: list[Flag] = []

    @property
    def spoken(self) -> str | None:
        """The language for browsers, so that it is read out as what it is."""
        code = self.language_code or ""
        return code if re.fullmatch("[a-z]{2,3}", code) else None

    def pieces(self, query: Query | None) -> list[Piece]:
        """The text word by word, with what `query` finds in it."""
        timed = [
            TimedWord(word.text, word.start, word.end)
            for word in self.words or ()
            if word.start is not None and word.end is not None and word.text.strip()
        ]
        return pieces(self.text, timed, [] if query is None else query.find(self.text))


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A transcript in a list."""

    id: str
    title: str | None
    account: str
    name: str
    device: str | None
    language: str | None
    started_at: datetime
    ended_at: datetime | None
    audio_ms: int
    words_count: int
    flags: list[str]
    audio: Audio | None = None
    beginning: str = ""
    found_count: int = 0
    found: list[FoundSegment] = []

    @property
    def label(self) -> str:
        """Its title, or when it began."""
        return self.title or f"{self.started_at:%Y-%m-%d %H:%M} UTC"


class Transcript(Entry, frozen=True, kw_only=True):
    """One with some of its segments."""

    segments: list[Segment]
    next: int | None

    @property
    def earlier(self) -> int | None:
        """Behind which number the page before begins; None if this is the first one."""
        first = self.segments[0].number if self.segments else 0
        return None if first == 0 else max(-1, first - SEGMENTS - 1)


class Listed(msgspec.Struct, frozen=True):
    """A page of a list."""

    transcripts: list[Entry] = []
    next: str | None = None


@dataclass(frozen=True)
class HistoryPages:
    """`/history`, its transcripts and the forms on them."""

    access: Access
    renderer: Renderer
    endpoint: TranscriptsEndpoint

    def routes(self) -> list[Route]:
        """List the routes."""
        one = "/history/{transcript_id}"
        return [
            Route("/history", self.list),
            Route("/history/export", self.export),
            Route(one, self.show),
            Route(f"{one}/rename", self.rename, methods=["POST"]),
            Route(f"{one}/delete", self.delete, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        """Show a page of transcripts, and what a search found in them."""
        identity = await self._person(request)
        if identity is None:
            return _sign_in(request)
        given = [(name, value) for name, value in _pairs(request) if value.strip()]
        if given != _pairs(request):
            # A form without scripts sends all its fields; the API takes none that is empty.
            return RedirectResponse(_url("/history", given), 303)
        return await self._list(request, identity)

    async def export(self, request: Request) -> Response:
        """Lead to the file with what was selected, or with all that was found."""
        identity = await self._person(request)
        if identity is None:
            return _sign_in(request)
        given = [(name, value) for name, value in _pairs(request) if value.strip()]
        wanted = dict(given)
        file_format = wanted.get("format", "txt")
        filters = [(name, value) for name, value in given if name in FILTERS]
        if wanted.get("which") == "all":
            return RedirectResponse(
                _url("/api/transcripts/export", [*filters, ("format", file_format)]), 303
            )
        ids = [value for name, value in given if name == "id"]
        if not ids:
            problem = texts_for(request)("history.export.none")
            return await self._list(request, identity, problem=problem)
        if len(ids) == 1:
            query = urlencode({"format": file_format})
            return RedirectResponse(
                f"/api/transcripts/{quote(ids[0], safe='')}/export?{query}", 303
            )
        selected = [*(("id", each) for each in ids), ("format", file_format)]
        return RedirectResponse(_url("/api/transcripts/export", selected), 303)

    async def show(self, request: Request) -> Response:
        """Show one transcript, some hundred segments at a time."""
        identity = await self._person(request)
        return _sign_in(request) if identity is None else await self._show(request, identity)

    async def rename(self, request: Request) -> Response:
        """Give it another title, or none."""
        identity = await self._person(request)
        if identity is None:
            return _sign_in(request)
        title = (await read_form(request)).get("title", "")
        try:
            renamed = await self.endpoint.rename(request, title)
        except InvalidRequest:
            problem = texts_for(request)("transcript.name.bad", count=MAX_TITLE_LENGTH)
            return await self._show(request, identity, problem=problem, title=title)
        return RedirectResponse(_url(f"/history/{renamed.id}", [("done", "renamed")]), 303)

    async def delete(self, request: Request) -> Response:
        """Delete it for good."""
        if await self._person(request) is None:
            return _sign_in(request)
        await self.endpoint.delete(request)
        return RedirectResponse("/history?done=deleted", 303)

    async def _person(self, request: Request) -> Identity | None:
        """Who asks, if they are a person; servers have the API, and kiosks have no history."""
        identity = await self.access.identify(request)
        return identity if identity is not None and identity.kind is Kind.USER else None

    async def _list(
        self, request: Request, identity: Identity, *, problem: str | None = None
    ) -> Response:
        filters = _filters(request)
        listed, detail = Listed(), None
        try:
            listed = await _decoded(await self.endpoint.list(request), Listed)
        except InvalidRequest as error:
            problem, detail = texts_for(request)("history.problem"), str(error)
        return await self._page(
            request,
            identity,
            "history.html",
            status=200 if problem is None else 422,
            listed=listed,
            filters=filters,
            of=next((each.name for each in listed.transcripts if filters["account"]), None),
            is_first="cursor" not in request.query_params,
            problem=problem,
            detail=detail,
            languages=LANGUAGES,
            formats=FORMAT_NAMES if any(each.audio for each in listed.transcripts) else FORMATS,
            page_size=PAGE,
        )

    async def _show(
        self,
        request: Request,
        identity: Identity,
        *,
        problem: str | None = None,
        title: str | None = None,
    ) -> Response:
        transcript = await _decoded(await self.endpoint.get(request), Transcript)
        filters = _filters(request)
        return await self._page(
            request,
            identity,
            "transcript.html",
            status=200 if problem is None else 422,
            transcript=transcript,
            query=_query(filters["q"]),
            filters=filters,
            problem=problem,
            title=transcript.title or "" if title is None else title,
            formats=FORMATS,
        )

    async def _page(
        self, request: Request, identity: Identity, template: str, **values: Any
    ) -> Response:
        done = request.query_params.get("done")
        # Thousands of words: not on the loop, which carries audio.
        return await asyncio.to_thread(
            self.renderer.page,
            request,
            template,
            person=identity,
            script="history",
            notice=done if request.method == "GET" and done in DONE else None,
            is_operator=identity.role is Role.OPERATOR,
            is_filtered=any(_filters(request).values()),
            url=_url,
            kinds=KINDS,
            **values,
        )


def _sign_in(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    path = f"{request.url.path}{query}" if request.method == "GET" else "/history"
    return RedirectResponse(login_url(path), 303)


def _pairs(request: Request) -> Sequence[tuple[str, str]]:
    return parse_qsl(request.url.query, keep_blank_values=True)


def _filters(request: Request) -> dict[str, str | None]:
    return {**dict.fromkeys(FILTERS), **{n: v for n, v in _pairs(request) if n in FILTERS}}


def _url(path: str, pairs: Sequence[tuple[str, str]] | dict[str, Any], **more: Any) -> str:
    """Write a URL; what is None is left out."""
    given = list(pairs.items()) if isinstance(pairs, dict) else list(pairs)
    query = urlencode(
        [(name, value) for name, value in (*given, *more.items()) if value is not None]
    )
    return f"{path}?{query}" if query else path


def _query(text: str | None) -> Query | None:
    try:
        return None if text is None else Query.parse(text)
    except ValueError:
        return None  # then nothing is marked


async def _decoded(answer: Response, kind: type[T]) -> T:
    """Read what the API answers; some megabytes, and so not on the loop."""
    return await asyncio.to_thread(msgspec.json.decode, bytes(answer.body), type=kind)
