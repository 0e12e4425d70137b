"""What was said: listed, searched, read, renamed, deleted, taken along as files."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from relay.auth.identities import Identity, Kind, Role
from relay.errors import InvalidRequest, NotFound, StateUnavailable, StoreUnavailable
from relay.exporting import FORMAT_NAMES, export_audio, export_many, export_one
from relay.exports import FORMATS, describe_flag, describe_transcript, file_name
from relay.http.access import Access
from relay.http.bodies import read_json
from relay.recording.formats import AUDIO_FORMATS
from relay.recording.shelf import Audio, Shelf
from relay.registry import Ownership
from relay.store.erasure import Erasure
from relay.store.fulltext import Query
from relay.store.transcripts import (
    Filter,
    Found,
    FoundSegment,
    Position,
    Segment,
    Transcript,
    Transcripts,
)

MAX_TITLE_LENGTH: Final = 200
"""Characters."""

MAX_NUMBER: Final = 2**31 - 1
"""Of a segment; what PostgreSQL takes for an integer."""

PAGE: Final = 50
MAX_PAGE: Final = 100
"""Transcripts in one answer."""

SEGMENTS: Final = 200
MAX_SEGMENTS: Final = 500
"""Segments in one answer; with word times each has some 5 kB."""

MAX_TEXT: Final = 200
"""Characters of a filter."""

MAX_IDS: Final = 100
"""Of transcripts named one by one."""

_log = structlog.get_logger("relay.transcripts")


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a transcript; null takes its title away."""

    title: str | None


@dataclass(frozen=True)
class TranscriptsEndpoint:
    """`/api/transcripts`: everybody has their own, operators have all.

    A kiosk has none, because whoever stands before it would read what others have said there.
    """

    access: Access
    transcripts: Transcripts
    erasure: Erasure
    ownership: Ownership
    shelf: Shelf

    def routes(self) -> list[Route]:
        """List the routes."""
        one = "/api/transcripts/{transcript_id}"
        return [
            Route("/api/transcripts", self.list),
            # Before those with an id.
            Route("/api/transcripts/export", self.export_many),
            Route(one, self.get),
            Route(one, self.change, methods=["PATCH"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/audio", self.audio),
            Route(f"{one}/export", self.export_one),
        ]

    async def list(self, request: Request) -> Response:
        """A page of transcripts, the newest first, with what a search found in them."""
        wanted = self._filter(request, await self._reader(request))
        limit = _number(request, "limit", PAGE, 1, MAX_PAGE)
        after = _position(request)
        # One more than is shown, so that no page is empty but the first.
        found = await self.transcripts.page(wanted, after=after, limit=limit + 1)
        page = found[:limit]
        following = _cursor(page[-1].transcript) if len(found) > limit else None
        audio = await self._audio_of([each.transcript for each in page])
        shown = [_found(each, its) for each, its in zip(page, audio, strict=True)]
        return JSONResponse({"transcripts": shown, "next": following})

    async def get(self, request: Request) -> Response:
        """One transcript, with a page of its segments."""
        identity = await self._reader(request)
        after = _number(request, "after", -1, -1, MAX_NUMBER)
        limit = _number(request, "limit", SEGMENTS, 1, MAX_SEGMENTS)
        transcript = await self._find(request, identity)
        found = await self.transcripts.segments(transcript.id, after=after, limit=limit + 1)
        page = found[:limit]
        following = page[-1].number if len(found) > limit else None
        # Some megabytes, and not on the loop, which carries audio.
        (audio,) = await self._audio_of([transcript])
        content = await asyncio.to_thread(_with_segments, transcript, audio, page, following)
        return Response(content, media_type="application/json")

    async def change(self, request: Request) -> Response:
        """Change what may be changed of one."""
        await self._reader(request)  # before what they sent is looked at
        wanted = await read_json(request, Changes)
        transcript = await self.rename(request, wanted.title)
        (audio,) = await self._audio_of([transcript])
        return JSONResponse(_described(transcript, audio))

    async def rename(self, request: Request, wanted: str | None) -> Transcript:
        """Give one a title, or none.

        Raises:
            InvalidRequest: If it is too long.
            NotFound: If there is no such transcript of theirs.
        """
        identity = await self._reader(request)
        title = " ".join((wanted or "").split()) or None
        if title is not None and (len(title) > MAX_TITLE_LENGTH or "\0" in title):
            raise InvalidRequest(f"A title has at most {MAX_TITLE_LENGTH} characters.")
        transcript_id = _id(request)
        transcript = await self.transcripts.rename(transcript_id, _account(identity), title)
        if transcript is None:
            raise _UNKNOWN
        return transcript

    async def delete(self, request: Request) -> Response:
        """Delete one for good; a recording that the disk keeps is the next sweep's to delete."""
        identity = await self._reader(request)
        transcript_id = _id(request)
        if not await self.erasure.delete(transcript_id, _account(identity)):
            raise _UNKNOWN
        # From here on nobody can ask again: the row is gone.
        with suppress(StateUnavailable):  # what Redis still has of it expires within minutes
            await self.ownership.forget(transcript_id)
        try:
            await asyncio.to_thread(self.shelf.delete, [transcript_id])
        except OSError as error:
            _log.error("a recording can't be deleted now", text=str(error))
        return Response(status_code=204)

    async def audio(self, request: Request) -> Response:
        """What was heard: as it is, of which a player may ask for ranges, or as WAV."""
        identity = await self._reader(request)
        name = request.query_params.get("format", "flac")
        if name not in AUDIO_FORMATS:
            raise InvalidRequest(f"format is one of {', '.join(AUDIO_FORMATS)}.")
        transcript = await self._find(request, identity)
        (audio,) = await self._audio_of([transcript])
        if audio is None:
            raise _SILENT
        kind, file = AUDIO_FORMATS[name], file_name(transcript, name)
        if name == "flac":
            try:
                known = await asyncio.to_thread(audio.path.stat)
            except FileNotFoundError:
                raise _SILENT from None  # somebody has just deleted it
            return FileResponse(
                audio.path,
                media_type=kind.media_type,
                filename=file,
                stat_result=known,
                content_disposition_type="inline",
            )
        headers = {
            "content-disposition": f'inline; filename="{file}"',
            "content-length": str(kind.size(audio)),
        }
        pieces = export_audio(audio, name)
        return StreamingResponse(pieces, media_type=kind.media_type, headers=headers)

    async def export_one(self, request: Request) -> Response:
        """One transcript as a file."""
        identity = await self._reader(request)
        name = _format(request)
        transcript = await self._find(request, identity)
        if name in AUDIO_FORMATS:
            (audio,) = await self._audio_of([transcript])
            if audio is None:
                raise _SILENT
            kind = AUDIO_FORMATS[name]
            file = file_name(transcript, kind.extension)
            try:
                return await streamed(export_audio(audio, name), file, kind.media_type)
            except FileNotFoundError:
                raise _SILENT from None
        pieces = export_one(self.transcripts, transcript, name)
        file = file_name(transcript, FORMATS[name].extension)
        return await streamed(pieces, file, FORMATS[name].media_type)

    async def export_many(self, request: Request) -> Response:
        """All that a filter lists, as a zip file."""
        wanted = self._filter(request, await self._reader(request))
        name = _format(request)
        pieces = export_many(self.transcripts, wanted, name, shelf=self.shelf)
        return await streamed(pieces, f"transcripts-{name}.zip", "application/zip")

    async def _reader(self, request: Request) -> Identity:
        return await self.access.require(request, Role.USER, Role.OPERATOR, Role.KEY)

    async def _find(self, request: Request, identity: Identity) -> Transcript:
        transcript = await self.transcripts.find(_id(request), _account(identity))
        if transcript is None:
            # Whether it is there is nobody's business whose it isn't.
            raise _UNKNOWN
        return transcript

    async def _audio_of(self, transcripts: Sequence[Transcript]) -> Sequence[Audio | None]:
        """The recordings of some transcripts; a folder that can't be read has none."""

        def find() -> list[Audio | None]:
            return [self.shelf.find(each.id, each.account) for each in transcripts]

        try:
            return await asyncio.to_thread(find)
        except OSError as error:
            _log.error("recordings can't be read", text=str(error))
            return [None] * len(transcripts)

    def _filter(self, request: Request, identity: Identity) -> Filter:
        given = request.query_params
        account = _account(identity)
        if identity.role is Role.OPERATOR:
            account = _text(request, "account")
        elif identity.kind is Kind.KEY and "subject" in given:
            account = f"{identity.account}:{_text(request, 'subject')}"
        since, until = _day(request, "since"), _day(request, "until")
        query = None
        if "q" in given:
            try:
                query = Query.parse(given["q"])
            except ValueError as error:
                raise InvalidRequest(f"q can't be searched for: {error}.") from None
        return Filter(
            account=account,
            ids=_ids(request),
            since=since,
            until=None if until is None else until + timedelta(days=1),
            device=_text(request, "device"),
            language=_text(request, "language"),
            flag=_text(request, "flag"),
            query=query,
        )


_UNKNOWN: Final = NotFound("There is no such transcript.")
_SILENT: Final = NotFound("There is no audio of this transcript, or not yet.")


def _account(identity: Identity) -> str | None:
    return None if identity.role is Role.OPERATOR else identity.account


def _id(request: Request) -> str:
    transcript_id: str = request.path_params["transcript_id"]
    if "\0" in transcript_id or not transcript_id.isprintable():
        raise _UNKNOWN  # and nothing that the databases would take
    return transcript_id


def _ids(request: Request) -> tuple[str, ...] | None:
    ids = tuple(request.query_params.getlist("id"))
    if len(ids) > MAX_IDS or not all(0 < len(each) <= MAX_TEXT for each in ids):
        raise InvalidRequest(f"id is there {MAX_IDS} times at most, each an id of a transcript.")
    # What can't be one isn't there, as in a path; and the databases wouldn't take it.
    return tuple(filter(str.isprintable, ids)) if ids else None


def _text(request: Request, name: str) -> str | None:
    text = request.query_params.get(name)
    if text is not None and not (1 <= len(text) <= MAX_TEXT and text.isprintable()):
        raise InvalidRequest(f"{name} has 1 to {MAX_TEXT} characters, all of which can be seen.")
    return text


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    # `int` takes more than anybody would call a number here, and takes long for a very long one.
    digits = text.removeprefix("-")
    if len(digits) <= 10 and digits.isascii() and digits.isdigit():
        number = int(text)
        if least <= number <= most:
            return number
    raise InvalidRequest(f"{name} is a number from {least} to {most}.")


def _day(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    # Early enough for whatever was said, and late enough for the day after it.
    if not 1970 <= day.year <= 9998:
        raise InvalidRequest(f"{name} is a day, such as 2026-11-24.")
    return datetime.combine(day, time(), UTC)


def _format(request: Request) -> str:
    name = request.query_params.get("format", "txt")
    if name not in FORMAT_NAMES:
        raise InvalidRequest(f"format is one of {', '.join(FORMAT_NAMES)}.")
    return name


def _cursor(transcript: Transcript) -> str:
    text = msgspec.json.encode([transcript.started_at.isoformat(), transcript.id])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _position(request: Request) -> Position | None:
    cursor = request.query_params.get("cursor")
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        started_at, transcript_id = msgspec.json.decode(text, type=tuple[str, str])
        moment = datetime.fromisoformat(started_at).astimezone(UTC)
        if "\0" in transcript_id:
            raise ValueError
    except (ValueError, OverflowError, binascii.Error):
        raise InvalidRequest("cursor is what the page before gave as next.") from None
    return Position(moment, transcript_id)


def _described(transcript: Transcript, audio: Audio | None) -> dict[str, Any]:
    heard = None
    if audio is not None:
        url = f"/api/transcripts/{transcript.id}/audio"
        heard = {"url": url, "duration": round(audio.seconds, 3)}
    return {**describe_transcript(transcript), "audio": heard}


def _found(found: Found, audio: Audio | None) -> dict[str, Any]:
    return {
        **_described(found.transcript, audio),
        "beginning": found.beginning,
        "found_count": found.count,
        "found": [_found_segment(each) for each in found.found],
    }


def _found_segment(found: FoundSegment) -> dict[str, Any]:
    return {
        "number": found.number,
        "text": found.text,
        "starts_at": found.starts_at,
        "hits": [list(hit) for hit in found.hits],
    }


def _with_segments(
    transcript: Transcript, audio: Audio | None, page: Sequence[Segment], following: int | None
) -> bytes:
    return msgspec.json.encode(
        {
            **_described(transcript, audio),
            "segments": [_segment(each) for each in page],
            "next": following,
        }
    )


def _segment(segment: Segment) -> dict[str, Any]:
    words = segment.words_json
    return {
        "number": segment.number,
        "text": segment.text,
        "start": segment.start,
        "end": segment.end,
        "language_code": segment.language_code,
        "cause": segment.cause,
        "committed_at": segment.committed_at.isoformat(),
        # As they are: taking them apart to write them down again takes long.
        "words": None if words is None else msgspec.Raw(words.encode()),
        "flags": [describe_flag(flag) for flag in segment.flags],
    }


async def streamed(pieces: AsyncIterator[str | bytes], file: str, media_type: str) -> Response:
    """Answer with what comes; where nothing comes at all, an error can still be said."""
    first = await anext(pieces)

    async def body() -> AsyncIterator[str | bytes]:
        yield first
        try:
            async for piece in pieces:
                yield piece
        except StoreUnavailable as error:
            _log.warning("an export ends before its time", text=str(error))
            # The answer has begun: that the connection breaks is all that says it isn't whole.
            raise ClientDisconnect from None

    headers = {"content-disposition": f'attachment; filename="{file}"'}
    return StreamingResponse(body(), media_type=media_type, headers=headers)
