from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from relay.store import Database, Users
from relay.store.tables import SIGN_INS

NOW = datetime(2026, 10, 3, 12, 0, 0, 123456, tzinfo=UTC)


async def test_times_come_back_as_the_same_moment_in_utc(database: Database) -> None:
    users = Users(database)
    anna = await users.add("anna", None)
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    await users.sign_in(anna.id, 60, tokyo)
    async with database.reading() as connection:
        stored = (await connection.execute(select(SIGN_INS.c.created_at))).scalar_one()
    assert stored == NOW
    assert stored.tzinfo == UTC


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    users = Users(database)
    anna = await users.add("anna", None)
    with pytest.raises(StatementError, match="has no time zone"):
        await users.sign_in(anna.id, 60, NOW.replace(tzinfo=None))


async def test_times_are_compared_as_moments(database: Database) -> None:
    users = Users(database)
    anna = await users.add("anna", None)
    sign_in = await users.sign_in(anna.id, 60, NOW)
    assert sign_in is not None
    honolulu = (NOW + timedelta(seconds=59)).astimezone(timezone(timedelta(hours=-10)))
    assert await users.sign_in_of(sign_in.id, honolulu) is not None
    assert await users.sign_in_of(sign_in.id, honolulu + timedelta(seconds=1)) is None
