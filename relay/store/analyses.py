"""Segments that wait to be judged, and what was found: nothing is lost, and little done twice.

A segment is queued in the transaction that writes it. Whoever takes it has it for a time, after
which it is another one's; what is said of it is written in one transaction that takes it out of the
queue. So a worker that dies costs a delay, and one that comes late writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.database import Database
from relay.store.due import Due
from relay.store.tables import ANALYSES, DELIVERIES, SEGMENT_FLAGS, SEGMENTS, TRANSCRIPTS, Utc

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
        self._due = Due(
            database,
            ANALYSES,
            ANALYSES.c.analyser == bindparam("whose"),
            counters=("attempts", "takings"),
        )
        locked = select(TRANSCRIPTS.c.id).where(TRANSCRIPTS.c.id.in_(_expanding("ids")))
        self._lock = locked.order_by(TRANSCRIPTS.c.id).with_for_update()

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
        return await self._due.take(_read, now, lasts=lasts, limit=limit, whose=analyser)

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
            if self._database.is_postgres:
                # So that a deletion comes before or after, and in one order against deadlocks.
                ids = sorted({each.waiting.transcript_id for each in findings})
                await connection.execute(self._lock, {"ids": ids})
            kept = await _let_go(connection, [each.waiting for each in findings])
            good = [each for each in findings if each.waiting.id in kept]
            if good:
                await _replace_flags(connection, analyser, good)
            told = [each for each in good if each.raised and is_told]
            if told:
                rows = [_delivery(each.waiting, analyser, now) for each in told]
                await connection.execute(_DELIVER, rows)
        return good

    async def postpone(self, waiting: Waiting, until: datetime) -> None:
        """Let it be taken again then."""
        async with self._database.writing() as connection:
            parameters = {"its_id": waiting.id, "its_taking": waiting.taking, "until": until}
            await connection.execute(_POSTPONE, parameters)

    async def give_up(self, waiting: Waiting) -> None:
        """Take it out of the queue without anything being known."""
        async with self._database.writing() as connection:
            await _let_go(connection, [waiting])

    async def forget_others(self, analysers: Sequence[str]) -> None:
        """Take out of the queue what waits for others, since nobody will judge that."""
        async with self._database.writing() as connection:
            await connection.execute(
                delete(ANALYSES).where(ANALYSES.c.analyser.not_in(sorted(analysers)))
            )

    async def backlog(self, analysers: Sequence[str]) -> tuple[int, datetime | None]:
        """How many wait for these analysers, and since when the first of them."""
        async with self._database.reading() as connection:
            found = await connection.execute(_BACKLOG, {"analysers": analysers})
            count, since = found.one()
            return count, since


class Queue:
    """Lets segments wait for all who are to judge them."""

    def __init__(self, database: Database, analysers: Sequence[str]) -> None:
        """Queue for each of `analysers`."""
        self._analysers = analysers
        statement = (postgresql.insert if database.is_postgres else sqlite.insert)(ANALYSES)
        of = ANALYSES.c
        self._upsert = statement.from_select(list(_QUEUED), _NEWS).on_conflict_do_update(
            index_elements=[of.transcript_id, of.number, of.analyser],
            # Whoever judges the former text now finds that it is not theirs any more.
            set_={"due_at": statement.excluded.due_at, "attempts": 0, "takings": of.takings + 1},
        )

    async def add(self, connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queue segments that are about to be written, if they are new or say something else now.

        Args:
            connection: In the transaction that writes them, which has locked their transcripts.
            rows: As they are to be written.
        """
        if not rows or not self._analysers:
            return
        now = datetime.now(UTC)
        parameters = [
            {
                "in_transcript": row["transcript_id"],
                "as_number": row["number"],
                "for_analyser": analyser,
                "now": now,
                "with_text": row["text"],
                "in_epoch": row["epoch"],
            }
            for row in rows
            for analyser in self._analysers
        ]
        await connection.execute(self._upsert, parameters)


async def _read(connection: AsyncConnection, ids: Mapping[str, Sequence[int]]) -> Sequence[Waiting]:
    rows = await connection.execute(_WAITING, ids)
    return [Waiting(**row) for row in rows.mappings()]


async def _let_go(connection: AsyncConnection, some: Sequence[Waiting]) -> set[int]:
    """Take them out of the queue; the ids of those that were still in it."""
    keys = [(waiting.id, waiting.taking) for waiting in some]
    gone = await connection.execute(_LET_GO, {"ids": [key[0] for key in keys], "keys": keys})
    return set(gone.scalars())


async def _replace_flags(
    connection: AsyncConnection, analyser: str, findings: Sequence[Finding]
) -> None:
    judged = [
        {
            "in_transcript": each.waiting.transcript_id,
            "as_number": each.waiting.number,
            "whose": analyser,
        }
        for each in findings
    ]
    await connection.execute(_FORGET_FLAGS, judged)
    rows = [
        {
            "transcript_id": each.waiting.transcript_id,
            "number": each.waiting.number,
            "flag": kind,
            "analyser": analyser,
            "score": score,
            "is_raised": kind in each.raised,
        }
        for each in findings
        for kind, score in each.scores.items()
        if score >= MIN_SCORE or kind in each.raised
    ]
    if rows:
        await connection.execute(_FLAG, rows)


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


# Statements are built once: to build and to look up one costs more than to execute it.


def _expanding(name: str) -> Any:
    return bindparam(name, expanding=True)


_LET_GO: Final = (
    delete(ANALYSES)
    .where(
        # By the ids alone SQLite finds them: pairs it looks for in each row of a table.
        ANALYSES.c.id.in_(_expanding("ids")),
        tuple_(ANALYSES.c.id, ANALYSES.c.takings).in_(_expanding("keys")),
    )
    .returning(ANALYSES.c.id)
)

_POSTPONE: Final = (
    update(ANALYSES)
    .where(ANALYSES.c.id == bindparam("its_id"), ANALYSES.c.takings == bindparam("its_taking"))
    .values(due_at=bindparam("until"))
)

_BACKLOG: Final = select(func.count(), func.min(ANALYSES.c.created_at)).where(
    ANALYSES.c.analyser.in_(_expanding("analysers"))
)

_IS_ITS: Final = and_(
    SEGMENTS.c.transcript_id == bindparam("in_transcript"),
    SEGMENTS.c.number == bindparam("as_number"),
)

_TEXT: Final = bindparam("with_text", type_=Text)

_QUEUED: Final[Mapping[str, ColumnElement[Any]]] = {
    "transcript_id": bindparam("in_transcript", type_=Text),
    "number": bindparam("as_number", type_=Integer),
    "analyser": bindparam("for_analyser", type_=Text),
    "created_at": bindparam("now", type_=Utc),
    "due_at": bindparam("now", type_=Utc),
    "attempts": literal(0),
    "takings": literal(0),
}

_NEWS: Final = select(*_QUEUED.values()).where(
    or_(
        and_(_TEXT != "", not_(select(SEGMENTS.c.id).where(_IS_ITS).exists())),
        select(SEGMENTS.c.id)
        # What a former owner of the session says isn't written over the text.
        .where(_IS_ITS, SEGMENTS.c.text != _TEXT, SEGMENTS.c.epoch <= bindparam("in_epoch"))
        .exists(),
    )
)
"""The segment to be queued, if it says something new."""

_FORGET_FLAGS: Final = delete(SEGMENT_FLAGS).where(
    SEGMENT_FLAGS.c.transcript_id == bindparam("in_transcript"),
    SEGMENT_FLAGS.c.number == bindparam("as_number"),
    SEGMENT_FLAGS.c.analyser == bindparam("whose"),
)

_FLAG: Final = insert(SEGMENT_FLAGS)

_DELIVER: Final = insert(DELIVERIES)

_WAITING: Final = (
    select(
        ANALYSES.c.id,
        ANALYSES.c.attempts.label("attempt"),
        ANALYSES.c.takings.label("taking"),
        ANALYSES.c.created_at,
        ANALYSES.c.transcript_id,
        ANALYSES.c.number,
        SEGMENTS.c.text,
        func.coalesce(SEGMENTS.c.language, TRANSCRIPTS.c.language).label("language"),
    )
    .join(
        SEGMENTS,
        and_(
            SEGMENTS.c.transcript_id == ANALYSES.c.transcript_id,
            SEGMENTS.c.number == ANALYSES.c.number,
        ),
    )
    .join(TRANSCRIPTS, TRANSCRIPTS.c.id == ANALYSES.c.transcript_id)
    .where(ANALYSES.c.id.in_(_expanding("ids")))
    .order_by(ANALYSES.c.id)
)
