"""Webhooks that are to be called: each until it was, or long enough in vain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.database import Database
from relay.store.due import Due
from relay.store.flags import Flag
from relay.store.tables import DELIVERIES, SEGMENT_FLAGS, SEGMENTS, TRANSCRIPTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to the webhook, with what it is to say; as the database has it now."""

    id: str
    attempt: int
    created_at: datetime
    transcript_id: str
    number: int
    account: str
    kind: str
    device: str | None
    language: str | None
    starts_at: float | None
    ends_at: float | None
    committed_at: datetime
    text: str
    flags: Sequence[Flag]


class Deliveries:
    """The queue of them, in the database that all workers share."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due = Due(database, DELIVERIES, counters=("attempts",))

    async def take(self, now: datetime, *, lasts: float, limit: int) -> Sequence[Delivery]:
        """Take those that are due; after `lasts` seconds they are another one's."""
        return await self._due.take(_read, now, lasts=lasts, limit=limit)

    async def done(self, delivery: Delivery) -> None:
        """It was delivered, or is given up."""
        async with self._database.writing() as connection:
            await connection.execute(delete(DELIVERIES).where(DELIVERIES.c.id == delivery.id))

    async def postpone(self, delivery: Delivery, until: datetime) -> None:
        """Let it be taken again then, unless somebody else has it by now."""
        of = DELIVERIES.c
        async with self._database.writing() as connection:
            await connection.execute(
                update(DELIVERIES)
                .where(of.id == delivery.id, of.attempts == delivery.attempt)
                .values(due_at=until)
            )

    async def forget_all(self) -> None:
        """Forget all, since there is nobody to be told any more."""
        async with self._database.writing() as connection:
            await connection.execute(delete(DELIVERIES))

    async def count(self) -> int:
        """How many wait."""
        async with self._database.reading() as connection:
            return (await connection.execute(_COUNT)).scalar_one()


async def _read(
    connection: AsyncConnection, ids: Mapping[str, Sequence[str]]
) -> Sequence[Delivery]:
    flags: dict[str, list[Flag]] = {}
    for delivery_id, kind, score, analyser in await connection.execute(_FLAGS, ids):
        flags.setdefault(delivery_id, []).append(Flag(kind, score or 0.0, analyser))
    rows = await connection.execute(_TAKEN, ids)
    return [Delivery(**row, flags=flags.get(row["id"], [])) for row in rows.mappings()]


_COUNT: Final = select(func.count()).select_from(DELIVERIES)

_IS_AMONG: Final = DELIVERIES.c.id.in_(bindparam("ids", expanding=True))

_FLAGS: Final = (
    select(DELIVERIES.c.id, SEGMENT_FLAGS.c.flag, SEGMENT_FLAGS.c.score, SEGMENT_FLAGS.c.analyser)
    .join(
        SEGMENT_FLAGS,
        and_(
            SEGMENT_FLAGS.c.transcript_id == DELIVERIES.c.transcript_id,
            SEGMENT_FLAGS.c.number == DELIVERIES.c.number,
            SEGMENT_FLAGS.c.analyser == DELIVERIES.c.analyser,
            SEGMENT_FLAGS.c.is_raised,
        ),
    )
    .where(_IS_AMONG)
    .order_by(DELIVERIES.c.id, SEGMENT_FLAGS.c.score.desc(), SEGMENT_FLAGS.c.flag)
)

_TAKEN: Final = (
    select(
        DELIVERIES.c.id,
        DELIVERIES.c.attempts.label("attempt"),
        DELIVERIES.c.created_at,
        DELIVERIES.c.transcript_id,
        DELIVERIES.c.number,
        TRANSCRIPTS.c.account,
        TRANSCRIPTS.c.kind,
        TRANSCRIPTS.c.device,
        func.coalesce(SEGMENTS.c.language, TRANSCRIPTS.c.language).label("language"),
        SEGMENTS.c.starts_at,
        SEGMENTS.c.ends_at,
        SEGMENTS.c.committed_at,
        SEGMENTS.c.text,
    )
    .join(
        SEGMENTS,
        and_(
            SEGMENTS.c.transcript_id == DELIVERIES.c.transcript_id,
            SEGMENTS.c.number == DELIVERIES.c.number,
        ),
    )
    .join(TRANSCRIPTS, TRANSCRIPTS.c.id == DELIVERIES.c.transcript_id)
    .where(_IS_AMONG)
    .order_by(DELIVERIES.c.created_at, DELIVERIES.c.id)
)
