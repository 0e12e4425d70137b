"""Deleting all that is known of a user, whatever interrupts it, with SQLite and a folder."""

import asyncio
import io
import json
import zipfile
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
from relay.store import Database, Kiosks, Usage, UsageRow, User, Users
from relay.store.erasure import Erasure
from relay.store.kiosks import ERASED_NAME
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


async def approve(database: Database, kiosk: str, by: str) -> None:
    kiosks, now = Kiosks(database), datetime.now(UTC)
    enrolment = await kiosks.begin("10.0.0.1", now)
    assert await kiosks.approve(enrolment.code, kiosk, (), by, now) is not None


async def approvers(database: Database) -> dict[str, str]:
    found = await Kiosks(database).list(with_revoked=True)
    return {kiosk.name: kiosk.approved_by for kiosk in found}


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


async def test_kiosks_stay_and_who_approved_them_doesnt(
    database: Database, anna: User, tmp_path: Path
) -> None:
    for kiosk, by in (("lobby", "anna"), ("hall", "anna"), ("yard", "command line")):
        await approve(database, kiosk, by)
    assert await Kiosks(database).revoke("hall")
    await PersonalData(database, Shelf(tmp_path)).erase(anna.id, wait=0)
    assert await approvers(database) == {
        "hall": ERASED_NAME,
        "lobby": ERASED_NAME,
        "yard": "command line",
    }


async def test_who_was_removed_before_is_known_by_the_ledger_unless_somebody_has_the_name(
    database: Database, anna: User, tmp_path: Path
) -> None:
    ben = await Users(database).add("ben", None)
    for user in (anna, ben):
        await Usage(database).record([used(user, user.name)])
        await approve(database, f"of {user.name}", user.name)
        await Users(database).remove(user.id)
    await Users(database).add("ben", None)
    for user in (anna, ben):
        await PersonalData(database, Shelf(tmp_path)).erase(user.id, wait=0)
    assert await approvers(database) == {"of anna": ERASED_NAME, "of ben": "ben"}


async def test_an_export_names_the_kiosks_that_somebody_approved(
    database: Database, anna: User, tmp_path: Path
) -> None:
    await approve(database, "lobby", "anna")
    await approve(database, "yard", "ben")
    pieces = [piece async for piece in PersonalData(database, Shelf(tmp_path)).export(anna)]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    (kiosk,) = json.loads(archive.read("kiosks.json"))
    assert (kiosk["name"], list(kiosk)) == ("lobby", ["id", "name", "approved_at"])
