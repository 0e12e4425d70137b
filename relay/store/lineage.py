"""Which database this is, and how far it has come.

Files outside it that carry both can tell whether a database is theirs: another one has another id,
and one that was restored from a backup has come less far than they saw it.
"""

from typing import NamedTuple

from sqlalchemy import insert, select, update

from relay.store.database import Database, Lock
from relay.store.secret_texts import new_id
from relay.store.tables import LINEAGE


class Lineage(NamedTuple):
    """What a database says of itself."""

    id: str
    """32 hexadecimal digits, drawn once."""
    sweeps: int
    """That were counted; never fewer than before, unless it was restored from a backup."""


async def lineage_of(database: Database) -> Lineage:
    """Read it; a database that has none gets one.

    Raises:
        StoreUnavailable: If the database can't be asked.
    """
    async with database.writing(alone=Lock.SWEEP) as connection:
        row = (await connection.execute(select(LINEAGE.c.id, LINEAGE.c.sweeps))).first()
        if row is not None:
            return Lineage(row.id, row.sweeps)
        made = Lineage(new_id(), 0)
        await connection.execute(insert(LINEAGE).values(**made._asdict()))
        return made


async def count_sweep(database: Database) -> Lineage:
    """Count one more.

    Returns:
        What is so from now on.

    Raises:
        StoreUnavailable: If the database can't be asked.
    """
    before = await lineage_of(database)
    async with database.writing() as connection:
        counted = await connection.execute(
            update(LINEAGE)
            .where(LINEAGE.c.id == before.id)
            .values(sweeps=LINEAGE.c.sweeps + 1)
            .returning(LINEAGE.c.sweeps)
        )
        return before._replace(sweeps=counted.scalar_one())
