"""Deleting all that is known of a user, whatever interrupts it, with SQLite and a folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.personal import FIRST_DAY, LAST_DAY, PersonalData
from relay.recording.shelf import Shelf
from relay.registry import Registry
from relay.retention import Retention
from relay.state import SharedState
from relay.store import Database, Usage, UsageRow, User, Users
from relay.store.erasure import Erasure
from relay.sweep import Sweep
from tests.support.waiting import until

TODAY = datetime.now(UTC).date()


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    made = Database("sqlite://")
    await made.start()
    yield made
    await made.aclose()


@pytest.fixture
async def anna(database: Database) -> User:
    return await Users(database).add("anna", None)


def used(user: User, session_id: str = "s1") -> UsageRow:
    return UsageRow(
        session_id=session_id, day=TODAY, account=f"user:{user.id}", kind="user", name=user.name
    )


async def names_in_ledger(database: Database) -> list[str]:
    return [row.name for row in await Usage(database).per_day(FIRST_DAY, LAST_DAY)]


async def test_who_is_interrupted_once_the_account_is_gone_leaves_no_name(
    database: Database, anna: User, tmp_path: Path
) -> None:
    await Usage(database).record([used(anna)])
    personal = PersonalData(database, Shelf(tmp_path))

    async def is_gone() -> bool:
        return await Users(database).get(anna.id) is None

    async with asyncio.TaskGroup() as group:
        erasing = group.create_task(personal.erase(anna.id, wait=3600))
        await until(is_gone, "the account's end")
        erasing.cancel()
    with suppress(asyncio.CancelledError):
        await erasing
    assert await names_in_ledger(database) == []


async def test_a_sweep_deletes_what_sessions_of_the_erased_left_in_the_ledger(
    database: Database, anna: User
) -> None:
    state = SharedState.connect(None)
    sweep = Sweep(database, Registry(state), Retention())
    ben = await Users(database).add("ben", None)
    await Usage(database).record([used(anna), used(ben, "s2")])
    await Erasure(database).block_account(f"user:{anna.id}")
    await sweep.sweep(datetime.now(UTC))
    # Somebody who was interrupted before the account was gone may stay.
    assert sorted(await names_in_ledger(database)) == ["anna", "ben"]
    await Users(database).remove(anna.id)
    await sweep.sweep(datetime.now(UTC))
    assert await names_in_ledger(database) == ["ben"]
    await state.aclose()
