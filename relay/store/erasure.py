"""Deletes transcripts for good: nothing of them comes back, not even what was on its way.

What belongs to a transcript goes with its row: segments, flags, and what a search finds. That it is
gone is remembered for a while, so that an event which Redis still holds isn't stored any more.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.database import Database
from relay.store.tables import ERASED, TRANSCRIPTS
from relay.store.transcripts import is_transcript

DELETED_AT_ONCE: Final = 50
"""Transcripts in one transaction, so that nobody waits for long."""

REMEMBERED_FOR: Final = 7 * 24 * 3600.0
"""Seconds for which it is remembered that something was erased; nothing comes so late."""


class Erasure:
    """Deletes what is in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete(self, transcript_id: str, account: str | None) -> bool:
        """Delete one transcript.

        Returns:
            Whether it was there, and this account's (None: anybody's).
        """
        async with self._database.writing() as connection:
            gone = await connection.execute(
                delete(TRANSCRIPTS)
                .where(is_transcript(transcript_id, account))
                .returning(TRANSCRIPTS.c.id)
            )
            ids = list(gone.scalars())
            await self._remember(connection, ids)
        return bool(ids)

    async def delete_some(self, *conditions: ColumnElement[bool]) -> Sequence[str]:
        """Delete a few of those for which all `conditions` hold; call again until none are left.

        Returns:
            Their ids.
        """
        some = select(TRANSCRIPTS.c.id).where(*conditions).limit(DELETED_AT_ONCE)
        async with self._database.writing() as connection:
            gone = await connection.execute(
                delete(TRANSCRIPTS).where(TRANSCRIPTS.c.id.in_(some)).returning(TRANSCRIPTS.c.id)
            )
            ids = list(gone.scalars())
            await self._remember(connection, ids)
        return ids

    async def delete_all(self, *conditions: ColumnElement[bool]) -> int:
        """Delete all for which all `conditions` hold.

        Returns:
            How many there were.
        """
        count = 0
        while some := await self.delete_some(*conditions):
            count += len(some)
        return count

    async def block_account(self, account: str) -> None:
        """See to it that no session of an account's that has begun by now is stored any more."""
        async with self._database.writing() as connection:
            await self._remember(connection, [account])

    async def erased(self) -> set[str]:
        """The ids and accounts that are remembered for having been erased."""
        async with self._database.reading() as connection:
            return set((await connection.execute(select(ERASED.c.subject))).scalars())

    async def forget(self, before: datetime) -> None:
        """Forget what was erased so long ago that nothing late can come any more."""
        async with self._database.writing() as connection:
            await connection.execute(delete(ERASED).where(ERASED.c.erased_at < before))

    async def _remember(self, connection: AsyncConnection, subjects: Collection[str]) -> None:
        if not subjects:
            return
        insert = postgresql.insert if self._database.is_postgres else sqlite.insert
        statement = insert(ERASED)
        statement = statement.on_conflict_do_update(
            index_elements=[ERASED.c.subject], set_={"erased_at": statement.excluded.erased_at}
        )
        now = datetime.now(UTC)
        await connection.execute(
            statement, [{"subject": subject, "erased_at": now} for subject in sorted(subjects)]
        )
