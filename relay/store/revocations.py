"""Which of those that live sessions stand for are still good."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.database import Database
from relay.store.tables import API_KEYS, KIOSKS, SIGN_INS, USERS

BATCH: Final = 10_000
"""Ids in one question; a worker with more sessions asks again. SQLite takes 32,766 values.

*Source*: https://www.sqlite.org/limits.html, SQLITE_MAX_VARIABLE_NUMBER.
"""


@dataclass(frozen=True, slots=True)
class Valid:
    """Those of the ids in question that are still good."""

    users: frozenset[str]
    sign_ins: frozenset[str]
    kiosks: frozenset[str]
    keys: frozenset[str]


async def still_valid(
    database: Database,
    *,
    users: Iterable[str] = (),
    sign_ins: Iterable[str] = (),
    kiosks: Iterable[str] = (),
    keys: Iterable[str] = (),
    now: datetime,
) -> Valid:
    """Tell who of these may go on.

    Every worker asks for its live sessions every few seconds, so it is one question to each table
    that somebody stands in.
    """
    async with database.reading() as connection:
        return Valid(
            users=await _among(connection, USERS, users, true()),
            sign_ins=await _among(connection, SIGN_INS, sign_ins, SIGN_INS.c.expires_at > now),
            kiosks=await _among(connection, KIOSKS, kiosks, KIOSKS.c.revoked_at.is_(None)),
            keys=await _among(connection, API_KEYS, keys, API_KEYS.c.revoked_at.is_(None)),
        )


async def _among(
    connection: AsyncConnection, table: Table, ids: Iterable[str], is_good: ColumnElement[bool]
) -> frozenset[str]:
    wanted = sorted(set(ids))
    found: set[str] = set()
    for start in range(0, len(wanted), BATCH):
        query = select(table.c.id).where(table.c.id.in_(wanted[start : start + BATCH]), is_good)
        found.update((await connection.execute(query)).scalars())
    return frozenset(found)
