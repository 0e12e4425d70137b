"""Webhooks that are to be called: each until it was, or long enough in vain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, func, select, update

from relay.store.database import Database
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

    async def take(self, now: datetime, *, lasts: float, limit: int) -> Sequence[Delivery]:
        """Take those that are due; after `lasts` seconds they are another one's."""
        of = DELIVERIES.c
        due = select(of.id).where(of.due_at <= now)
        async with self._database.reading() as connection:
            if (await connection.execute(due.limit(1))).first() is None:
                return []
        some = due.order_by(of.due_at, of.id).limit(limit)
        if self._database.is_postgres:
            some = some.with_for_update(skip_locked=True)
        async with self._database.writing() as connection:
            taken = await connection.execute(
                update(DELIVERIES)
                .where(of.id.in_(some))
                .values(due_at=now + timedelta(seconds=lasts), attempts=of.attempts + 1)
                .returning(of.id)
            )
            ids = list(taken.scalars())
            flags = await connection.execute(_flags_query(ids))
            found: dict[str, list[Flag]] = {}
            for delivery_id, kind, score, analyser in flags:
                found.setdefault(delivery_id, []).append(Flag(kind, score or 0.0, analyser))
            rows = await connection.execute(_delivery_query(ids))
            return [_delivery(row, found) for row in rows.mappings()]

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
            query = select(func.count()).select_from(DELIVERIES)
            return (await connection.execute(query)).scalar_one()


def _delivery(row: Mapping[Any, Any], flags: Mapping[str, list[Flag]]) -> Delivery:
    return Delivery(**row, flags=flags.get(str(row["id"]), []))


def _flags_query(ids: Sequence[str]) -> Select[Any]:
    of, flag = DELIVERIES.c, SEGMENT_FLAGS.c
    is_its = and_(
        flag.transcript_id == of.transcript_id,
        flag.number == of.number,
        flag.analyser == of.analyser,
        flag.is_raised,
    )
    return (
        select(of.id, flag.flag, flag.score, flag.analyser)
        .join(SEGMENT_FLAGS, is_its)
        .where(of.id.in_(ids))
        .order_by(of.id, flag.score.desc(), flag.flag)
    )


def _delivery_query(ids: Sequence[str]) -> Select[Any]:
    of, said, whole = DELIVERIES.c, SEGMENTS.c, TRANSCRIPTS.c
    is_it = and_(said.transcript_id == of.transcript_id, said.number == of.number)
    return (
        select(
            of.id,
            of.attempts.label("attempt"),
            of.created_at,
            of.transcript_id,
            of.number,
            whole.account,
            whole.kind,
            whole.device,
            func.coalesce(said.language, whole.language).label("language"),
            said.starts_at,
            said.ends_at,
            said.committed_at,
            said.text,
        )
        .join(SEGMENTS, is_it)
        .join(TRANSCRIPTS, whole.id == of.transcript_id)
        .where(of.id.in_(ids))
        .order_by(of.created_at, of.id)
    )
