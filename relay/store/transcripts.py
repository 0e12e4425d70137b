"""What was said, found again: pages of transcripts, their segments, and the hits of a search."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.database import Database
from relay.store.flags import Flag, count_flags, flags_of_segments, names_of_flags
from relay.store.fulltext import Hit, Query
from relay.store.tables import SEARCH, SEGMENT_FLAGS, SEGMENTS, TRANSCRIPTS

HITS_SHOWN: Final = 3
"""Segments shown of each transcript that a search found."""

BEGINNING: Final = 200
"""Characters shown of what was said first."""

SEGMENTS_AT_ONCE: Final = 200


class Word(msgspec.Struct, frozen=True, gc=False):
    """A word, the space between two words, or a sound; times in seconds of the session."""

    text: str
    start: float | None = None
    end: float | None = None
    type: str = "word"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One committed stretch of a session, as captions want it too."""

    number: int
    text: str
    language_code: str | None
    cause: str | None
    starts_at: float | None
    ends_at: float | None
    end_sample: int | None
    committed_at: datetime
    words_json: str | None
    """As Scribe sent them; None where only the segment's bounds are known."""
    flags: Sequence[Flag] = ()
    """The highest first."""

    @cached_property
    def words(self) -> Sequence[Word] | None:
        return None if self.words_json is None else _WORDS.decode(self.words_json)

    @property
    def start(self) -> float:
        """Seconds of the session's time: of its first word, else of the end before it."""
        starts = (word.start for word in self.words or () if word.start is not None)
        return next(starts, self.starts_at or 0.0)

    @property
    def end(self) -> float:
        return max(self.start, self.ends_at or 0.0)


_WORDS: Final = msgspec.json.Decoder(list[Word])


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A session's transcript, without what was said."""

    id: str
    account: str
    kind: str
    name: str
    device: str | None
    language: str | None
    title: str | None
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    """None while it goes on, or where nobody knows when it ended."""
    audio_ms: int
    segments: int
    words: int
    flags: tuple[str, ...] = ()
    """Of all its segments."""


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """A segment that a search found."""

    number: int
    text: str
    starts_at: float | None
    hits: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class Found:
    """A transcript, and what a search found in it."""

    transcript: Transcript
    found: Sequence[FoundSegment] = ()
    """The first few."""
    count: int = 0
    """Of all segments that were found."""
    beginning: str = ""
    """Of what was said, at most `BEGINNING` characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which transcripts; None stands for all."""

    account: str | None = None
    ids: tuple[str, ...] | None = None
    """Those alone, as far as they are there."""
    since: datetime | None = None
    """When it began, at the earliest."""
    until: datetime | None = None
    """Before when it began."""
    device: str | None = None
    language: str | None = None
    flag: str | None = None
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Behind which transcript a page begins; pages go from the newest to the oldest."""

    started_at: datetime
    id: str

    @classmethod
    def of(cls, transcript: Transcript) -> "Position":
        """The one behind a transcript."""
        return cls(transcript.started_at, transcript.id)


class Transcripts:
    """The transcripts in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: Filter, *, after: Position | None = None, limit: int = 50
    ) -> Sequence[Found]:
        """List transcripts, the newest first; then call again with the last one's `Position`."""
        async with self._database.reading() as connection:
            rows = await connection.execute(self.page_query(wanted, after, limit))
            found = [_transcript(row) for row in rows.mappings()]
            ids = [each.id for each in found]
            flags = await names_of_flags(connection, ids)
            beginnings = await _beginnings(connection, ids)
            rows_found: Sequence[Any] = ()
            if wanted.query is not None and found:
                rows_found = await self._rows_found(connection, wanted.query, ids)
        hits: Mapping[str, tuple[list[FoundSegment], int]] = {}
        if wanted.query is not None and rows_found:
            # Not on the loop, which carries audio: there may be some hundred texts.
            hits = await asyncio.to_thread(_hits, wanted.query, rows_found)
        return [
            Found(_with_flags(each, flags), segments, count, beginnings.get(each.id, ""))
            for each in found
            for segments, count in (hits.get(each.id, ((), 0)),)
        ]

    def page_query(self, wanted: Filter, after: Position | None, limit: int) -> Select[Any]:
        """Write the query of a page; a test looks at its plan."""
        query = (
            select(TRANSCRIPTS)
            .where(*self.conditions(wanted))
            .order_by(TRANSCRIPTS.c.started_at.desc(), TRANSCRIPTS.c.id.desc())
            .limit(limit)
        )
        if after is not None:
            place = tuple_(TRANSCRIPTS.c.started_at, TRANSCRIPTS.c.id)
            behind = tuple_(
                literal(after.started_at, TRANSCRIPTS.c.started_at.type), literal(after.id)
            )
            query = query.where(place < behind)
        return query

    def conditions(self, wanted: Filter) -> Sequence[ColumnElement[bool]]:
        """What holds for those that a filter lists."""
        of = TRANSCRIPTS.c
        conditions: list[ColumnElement[bool]] = [
            of[name] == value
            for name in ("account", "device", "language")
            if (value := getattr(wanted, name)) is not None
        ]
        if wanted.ids is not None:
            conditions.append(of.id.in_(wanted.ids))
        if wanted.since is not None:
            conditions.append(of.started_at >= wanted.since)
        if wanted.until is not None:
            conditions.append(of.started_at < wanted.until)
        if wanted.flag is not None:
            flagged = select(SEGMENT_FLAGS.c.transcript_id).where(
                SEGMENT_FLAGS.c.flag == wanted.flag, SEGMENT_FLAGS.c.is_raised
            )
            conditions.append(of.id.in_(flagged))
        if wanted.query is not None:
            said = select(SEGMENTS.c.transcript_id).where(self._matches(wanted.query))
            if self._database.is_postgres:
                # It would look through all segments of one transcript after the other, sure to
                # fill the page soon, and for a rare word that is through everything.
                fenced = (
                    said.distinct().cte("said").prefix_with("MATERIALIZED", dialect="postgresql")
                )
                said = select(fenced.c.transcript_id)
            conditions.append(of.id.in_(said))
        return conditions

    def _matches(self, query: Query) -> ColumnElement[bool]:
        if self._database.is_postgres:
            wanted = cast(cast(query.to_tsquery(), Text), TSQUERY)
            return SEGMENTS.c.tokens.op("@@", is_comparison=True)(wanted)
        rows = text(f"SELECT rowid FROM {SEARCH} WHERE {SEARCH} MATCH :query")  # noqa: S608
        return SEGMENTS.c.id.in_(rows.bindparams(query=query.to_fts5()).columns(SEGMENTS.c.id))

    async def _rows_found(
        self, connection: AsyncConnection, query: Query, ids: Sequence[str]
    ) -> Sequence[Any]:
        of = SEGMENTS.c
        numbered = (
            select(
                of.transcript_id,
                of.number,
                of.text,
                of.starts_at,
                func.row_number()
                .over(partition_by=of.transcript_id, order_by=of.number)
                .label("rank"),
                func.count().over(partition_by=of.transcript_id).label("total"),
            )
            .where(of.transcript_id.in_(ids), self._matches(query))
            .subquery()
        )
        first = (
            select(numbered)
            .where(numbered.c.rank <= HITS_SHOWN)
            .order_by(numbered.c.transcript_id, numbered.c.number)
        )
        return (await connection.execute(first)).all()

    async def find(self, transcript_id: str, account: str | None) -> Transcript | None:
        """One transcript; None unless it is there, and this account's (None: anybody's)."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(TRANSCRIPTS).where(is_transcript(transcript_id, account))
            )
            row = rows.mappings().one_or_none()
            if row is None:
                return None
            return _with_flags(_transcript(row), await names_of_flags(connection, [transcript_id]))

    async def segments(
        self, transcript_id: str, *, after: int = -1, limit: int = SEGMENTS_AT_ONCE
    ) -> Sequence[Segment]:
        """The segments behind number `after`, in order."""
        async with self._database.reading() as connection:
            result = await connection.execute(segments_query(transcript_id, after, limit))
            rows = result.mappings().all()
            if not rows:
                return []
            flags = await flags_of_segments(
                connection, transcript_id, rows[0]["number"], rows[-1]["number"]
            )
            return [
                Segment(
                    **{name: row[name] for name in _OF_SEGMENT},
                    language_code=row["language"],
                    words_json=row["words"],
                    flags=flags.get(row["number"], ()),
                )
                for row in rows
            ]

    async def pages_of_segments(self, transcript_id: str) -> AsyncIterator[Sequence[Segment]]:
        """All segments, a few at a time."""
        after = -1
        while page := await self.segments(transcript_id, after=after, limit=SEGMENTS_AT_ONCE):
            yield page
            after = page[-1].number

    async def each(self, wanted: Filter) -> AsyncIterator[Transcript]:
        """All transcripts, a few at a time, the newest first."""
        after: Position | None = None
        while page := await self.page(wanted, after=after):
            for found in page:
                yield found.transcript
            after = Position.of(page[-1].transcript)

    async def count(self, wanted: Filter) -> int:
        """How many there are."""
        query = select(func.count()).select_from(TRANSCRIPTS).where(*self.conditions(wanted))
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalar_one()

    async def rename(
        self, transcript_id: str, account: str | None, title: str | None
    ) -> Transcript | None:
        """Give it a title, or none; None where it isn't this account's (None: anybody's)."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(TRANSCRIPTS).where(is_transcript(transcript_id, account)).values(title=title)
            )
        return await self.find(transcript_id, account)

    async def flag_counts(self, ids: Collection[str]) -> Mapping[str, int]:
        """How many flags were raised in each of some transcripts; those without are left out."""
        async with self._database.reading() as connection:
            return await count_flags(connection, ids)


def segments_query(transcript_id: str, after: int, limit: int) -> Select[Any]:
    """Write the query of a transcript's segments; a test looks at its plan."""
    of = SEGMENTS.c
    return (
        select(*(of[name] for name in (*_OF_SEGMENT, "language", "words")))
        .where(of.transcript_id == transcript_id, of.number > after)
        .order_by(of.number)
        .limit(limit)
    )


_OF_SEGMENT: Final = (
    "number",
    "text",
    "cause",
    "starts_at",
    "ends_at",
    "end_sample",
    "committed_at",
)


def is_transcript(transcript_id: str, account: str | None) -> ColumnElement[bool]:
    """Match one transcript, if it is this account's; None for anybody's."""
    is_it = TRANSCRIPTS.c.id == transcript_id
    return is_it if account is None else and_(is_it, TRANSCRIPTS.c.account == account)


def _transcript(row: Any) -> Transcript:
    return Transcript(**{name: row[name] for name in _OF_TRANSCRIPT})


_OF_TRANSCRIPT: Final = tuple(name for name in Transcript.__dataclass_fields__ if name != "flags")


def _hits(query: Query, rows: Sequence[Any]) -> Mapping[str, tuple[list[FoundSegment], int]]:
    """Find what a search found in each segment: the first few of each transcript, and how many."""
    found: dict[str, tuple[list[FoundSegment], int]] = {}
    for row in rows:
        segments, _ = found.setdefault(row.transcript_id, ([], row.total))
        segments.append(FoundSegment(row.number, row.text, row.starts_at, query.find(row.text)))
    return found


async def _beginnings(connection: AsyncConnection, ids: Collection[str]) -> Mapping[str, str]:
    of = SEGMENTS.c
    query = select(of.transcript_id, func.substr(of.text, 1, BEGINNING)).where(
        of.transcript_id.in_(ids), of.number == 0
    )
    return {row[0]: row[1] for row in await connection.execute(query)}


def _with_flags(transcript: Transcript, flags: Mapping[str, list[str]]) -> Transcript:
    names = {name: getattr(transcript, name) for name in _OF_TRANSCRIPT}
    return Transcript(**names, flags=tuple(flags.get(transcript.id, ())))
