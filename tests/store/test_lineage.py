"""Which database this is, on SQLite and PostgreSQL."""

import asyncio

from relay.store import Database
from relay.store.lineage import count_sweep, lineage_of


async def test_a_database_stays_who_it_is_and_counts_on(database: Database) -> None:
    first, again = await asyncio.gather(lineage_of(database), lineage_of(database))
    assert first == again
    assert first.sweeps == 0
    counted = await asyncio.gather(*(count_sweep(database) for _ in range(3)))
    assert sorted(each.sweeps for each in counted) == [1, 2, 3]
    assert await lineage_of(database) == (first.id, 3)
