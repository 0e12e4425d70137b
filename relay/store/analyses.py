"""Segments that wait to be judged, and what was found: nothing is lost, and little done twice.

A segment is queued in the transaction that writes it. Whoever takes it has it for a time, after
which it is another one's; what is said of it is written in one transaction that takes it out of the
queue. So a worker that dies costs a delay, and one that comes late writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.database import Database
from relay.store.tables import ANALYSES, DELIVERIES, SEGMENT_FLAGS, SEGMENTS, TRANSCRIPTS

MIN_SCORE: Final = 0.1
"""Scores below are not kept: models give every text a little of everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A segment that somebody has taken to judge it."""

    id: int
    attempt: int
    """1 for the first at this text."""
    taking: int
    """Tells this taking from all others, of former texts too."""
    created_at: datetime
    transcript_id: str
    number: int
    text: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What an analyser says of a segment."""

    waiting: Waiting
    scores: Mapping[str, float]
    """By kind, 0 to 1."""
    raised: frozenset[str]
    """The kinds whose flags are raised."""


class Analyses:
    """What waits to be judged, in the database that all workers share."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self, analyser: str, now: datetime, *, lasts: float, limit: int
    ) -> Sequence[Waiting]:
        """Take the segments that are due, those that have waited the longest first.

        Args:
            analyser: Whose they are.
            now: What is due by then.
            lasts: Seconds after which another one may take them.
            limit: How many at most.
        """
        of = ANALYSES.c
        due = select(of.id).where(of.analyser == analyser, of.due_at <= now)
        async with self._database.reading() as connection:
            # Most looks find nothing, and a look must not keep others from writing.
            if (await connection.execute(due.limit(1))).first() is None:
                return []
        some = due.order_by(of.due_at, of.id).limit(limit)
        if self._database.is_postgres:
            some = some.with_for_update(skip_locked=True)
        async with self._database.writing() as connection:
            taken = await connection.execute(
                update(ANALYSES)
                .where(of.id.in_(some))
                .values(
                    due_at=now + timedelta(seconds=lasts),
                    attempts=of.attempts + 1,
                    takings=of.takings + 1,
                )
                .returning(of.id)
            )
            ids = list(taken.scalars())
            rows = await connection.execute(_waiting_query(ids))
            return [Waiting(**row) for row in rows.mappings()]

    async def record(
        self, analyser: str, findings: Sequence[Finding], now: datetime, *, is_told: bool
    ) -> Sequence[Finding]:
        """Write what was found, and take it out of the queue.

        Args:
            analyser: Whose findings they are; those it had before are replaced.
            findings: Of different segments.
            now: When.
            is_told: Whether a raised flag is to be delivered to the operator's webhook.

        Returns:
            Those that were written; others were deleted meanwhile, or are somebody else's now.
        """
        async with self._database.writing() as connection:
            ids = sorted({each.waiting.transcript_id for each in findings})
            kept = select(TRANSCRIPTS.c.id).where(TRANSCRIPTS.c.id.in_(ids))
            if self._database.is_postgres:
                # So that a deletion comes before or after, and in one order against deadlocks.
                kept = kept.order_by(TRANSCRIPTS.c.id).with_for_update()
            await connection.execute(kept)
            good = [each for each in findings if await _let_go(connection, each.waiting)]
            for each in good:
                await _replace_flags(connection, analyser, each)
            told = [each for each in good if each.raised and is_told]
            if told:
                rows = [_delivery(each.waiting, analyser, now) for each in told]
                await connection.execute(DELIVERIES.insert(), rows)
        return good

    async def postpone(self, waiting: Waiting, until: datetime) -> None:
        """Let it be taken again then."""
        async with self._database.writing() as connection:
            await connection.execute(update(ANALYSES).where(_is(waiting)).values(due_at=until))

    async def give_up(self, waiting: Waiting) -> None:
        """Take it out of the queue without anything being known."""
        async with self._database.writing() as connection:
            await _let_go(connection, waiting)

    async def forget_others(self, analysers: Sequence[str]) -> None:
        """Take out of the queue what waits for others, since nobody will judge that."""
        async with self._database.writing() as connection:
            await connection.execute(
                delete(ANALYSES).where(ANALYSES.c.analyser.not_in(sorted(analysers)))
            )

    async def backlog(self, analysers: Sequence[str]) -> tuple[int, datetime | None]:
        """How many wait for these analysers, and since when the first of them."""
        of = ANALYSES.c
        query = select(func.count(), func.min(of.created_at)).where(of.analyser.in_(analysers))
        async with self._database.reading() as connection:
            count, since = (await connection.execute(query)).one()
            return count, since


async def queue(
    database: Database,
    connection: AsyncConnection,
    rows: Sequence[Mapping[str, Any]],
    analysers: Sequence[str],
) -> None:
    """Queue segments that are about to be written, if they are new or say something else now.

    Args:
        database: Whose connection it is.
        connection: In the transaction that writes them, which has locked their transcripts.
        rows: As they are to be written.
        analysers: All who are to judge them.
    """
    if not analysers:
        return
    known = await _known_texts(connection, rows)
    now = datetime.now(UTC)
    queued = [
        {
            "transcript_id": row["transcript_id"],
            "number": row["number"],
            "analyser": analyser,
            "created_at": now,
            "due_at": now,
            "attempts": 0,
            "takings": 0,
        }
        for row in rows
        if _says_something_new(row, known)
        for analyser in analysers
    ]
    if not queued:
        return
    statement = (postgresql.insert if database.is_postgres else sqlite.insert)(ANALYSES)
    of = ANALYSES.c
    statement = statement.on_conflict_do_update(
        index_elements=[of.transcript_id, of.number, of.analyser],
        # Whoever judges the former text now finds that it is not theirs any more.
        set_={"due_at": statement.excluded.due_at, "attempts": 0, "takings": of.takings + 1},
    )
    await connection.execute(statement, queued)


async def _known_texts(
    connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]
) -> Mapping[tuple[str, int], tuple[str, int]]:
    of = SEGMENTS.c
    keys = [(row["transcript_id"], row["number"]) for row in rows]
    query = select(of.transcript_id, of.number, of.text, of.epoch).where(
        tuple_(of.transcript_id, of.number).in_(keys)
    )
    found = await connection.execute(query)
    return {(row.transcript_id, row.number): (row.text, row.epoch) for row in found}


def _says_something_new(
    row: Mapping[str, Any], known: Mapping[tuple[str, int], tuple[str, int]]
) -> bool:
    if (before := known.get((row["transcript_id"], row["number"]))) is None:
        return bool(row["text"])
    text, epoch = before
    # What a former owner of the session says isn't written over the text.
    return bool(row["text"] != text and row["epoch"] >= epoch)


def _waiting_query(ids: Sequence[int]) -> Select[Any]:
    of, said = ANALYSES.c, SEGMENTS.c
    is_it = and_(said.transcript_id == of.transcript_id, said.number == of.number)
    return (
        select(
            of.id,
            of.attempts.label("attempt"),
            of.takings.label("taking"),
            of.created_at,
            of.transcript_id,
            of.number,
            said.text,
            func.coalesce(said.language, TRANSCRIPTS.c.language).label("language"),
        )
        .join(SEGMENTS, is_it)
        .join(TRANSCRIPTS, TRANSCRIPTS.c.id == of.transcript_id)
        .where(of.id.in_(ids))
        .order_by(of.id)
    )


def _is(waiting: Waiting) -> ColumnElement[bool]:
    return and_(ANALYSES.c.id == waiting.id, ANALYSES.c.takings == waiting.taking)


async def _let_go(connection: AsyncConnection, waiting: Waiting) -> bool:
    gone = await connection.execute(delete(ANALYSES).where(_is(waiting)))
    return gone.rowcount > 0


async def _replace_flags(connection: AsyncConnection, analyser: str, finding: Finding) -> None:
    of, waiting = SEGMENT_FLAGS.c, finding.waiting
    await connection.execute(
        delete(SEGMENT_FLAGS).where(
            of.transcript_id == waiting.transcript_id,
            of.number == waiting.number,
            of.analyser == analyser,
        )
    )
    rows = [
        {
            "transcript_id": waiting.transcript_id,
            "number": waiting.number,
            "flag": kind,
            "analyser": analyser,
            "score": score,
            "is_raised": kind in finding.raised,
        }
        for kind, score in finding.scores.items()
        if score >= MIN_SCORE or kind in finding.raised
    ]
    if rows:
        await connection.execute(SEGMENT_FLAGS.insert(), rows)


def _delivery(waiting: Waiting, analyser: str, now: datetime) -> Mapping[str, Any]:
    return {
        "id": f"msg_{uuid4().hex}",
        "transcript_id": waiting.transcript_id,
        "number": waiting.number,
        "analyser": analyser,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
    }
