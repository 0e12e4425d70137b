"""What sessions used, by day."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

from sqlalchemy import BigInteger, Text, cast, delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from relay.store.database import Database
from relay.store.tables import ERASED, USAGE, USERS

_COUNTERS: Final = ("received_ms", "sent_ms", "replayed_ms", "silence_ms", "connected_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """What one session has used on one day (UTC) so far, whoever asks, and in all: not since."""

    session_id: str
    day: date
    account: str
    """What limits and history follow: `user:<id>` and so on."""
    kind: str
    name: str
    received_ms: int = 0
    """Audio that came from the client."""
    sent_ms: int = 0
    """Audio that went to the provider, which is what costs."""
    replayed_ms: int = 0
    """Of it, what was sent again."""
    silence_ms: int = 0
    """Of it, silence that the relay added."""
    connected_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUsage:
    """What an account used on a day."""

    day: date
    account: str
    kind: str
    name: str
    """One of them, if it changed that day."""
    sessions: int
    received_ms: int
    sent_ms: int
    replayed_ms: int
    silence_ms: int
    connected_ms: int


class Usage:
    """The ledger in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, rows: Sequence[UsageRow]) -> None:
        """Write all rows or none; each takes the place of what its session and day had before.

        So it may be called again with the same rows, when nobody knows whether it was done.
        """
        if not rows:
            return
        # In one order, because two workers that write the same rows crosswise would lock each
        # other out.
        ordered = sorted(rows, key=lambda row: (row.session_id, row.day))
        insert = postgresql.insert if self._database.is_postgres else sqlite.insert
        statement = insert(USAGE)
        statement = statement.on_conflict_do_update(
            index_elements=[USAGE.c.session_id, USAGE.c.day],
            set_={
                name: statement.excluded[name] for name in ("account", "kind", "name", *_COUNTERS)
            },
        )
        async with self._database.writing() as connection:
            await connection.execute(statement, [asdict(row) for row in ordered])

    async def per_day(
        self, since: date, until: date, account: str | None = None
    ) -> Sequence[DayUsage]:
        """Add up by day and account, from `since` to `until`, both included."""
        query = (
            select(
                USAGE.c.day,
                USAGE.c.account,
                USAGE.c.kind,
                func.max(USAGE.c.name).label("name"),
                func.count().label("sessions"),
                *(cast(func.sum(USAGE.c[name]), BigInteger).label(name) for name in _COUNTERS),
            )
            .where(USAGE.c.day.between(since, until))
            .group_by(USAGE.c.day, USAGE.c.account, USAGE.c.kind)
            .order_by(USAGE.c.day, USAGE.c.account)
        )
        if account is not None:
            query = query.where(USAGE.c.account == account)
        async with self._database.reading() as connection:
            return [DayUsage(**row) for row in (await connection.execute(query)).mappings()]

    async def erase(self, account: str) -> int:
        """Delete what an account used; how many rows that were."""
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(USAGE).where(USAGE.c.account == account))
            return gone.rowcount

    async def erase_removed(self) -> int:
        """Delete what users used who are gone and remembered as erased; how many rows that were."""
        users = select(literal("user:", Text) + USERS.c.id)
        statement = delete(USAGE).where(
            USAGE.c.account.in_(select(ERASED.c.subject)),
            USAGE.c.kind == "user",
            USAGE.c.account.not_in(users),
        )
        async with self._database.writing() as connection:
            return (await connection.execute(statement)).rowcount

    async def of_session(self, session_id: str, *, before: date) -> dict[str, int]:
        """Add up what a session has used on the days before one."""
        query = select(
            *(
                cast(func.coalesce(func.sum(USAGE.c[name]), 0), BigInteger).label(name)
                for name in _COUNTERS
            )
        ).where(USAGE.c.session_id == session_id, USAGE.c.day < before)
        async with self._database.reading() as connection:
            return dict((await connection.execute(query)).mappings().one())

    async def received_ms(self, account: str | None, day: date) -> int:
        """Audio that came from an account on a day; None for all of them together."""
        query = select(cast(func.coalesce(func.sum(USAGE.c.received_ms), 0), BigInteger)).where(
            USAGE.c.day == day
        )
        if account is not None:
            query = query.where(USAGE.c.account == account)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalar_one()
