from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from relay.store import (
    ApiKeys,
    Approved,
    Database,
    Kiosks,
    Users,
    Valid,
    revocations,
    still_valid,
)

NOW = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOBODY = "0" * 32


async def ids(database: Database) -> dict[str, set[str]]:
    """One of each, and one that never was."""
    users, keys, kiosks = Users(database), ApiKeys(database), Kiosks(database)
    anna = await users.add("anna", None)
    sign_in = await users.sign_in(anna.id, 60, NOW)
    key, _ = await keys.create("billing")
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    await kiosks.approve(enrolment.code, "lobby", (), "anna", NOW)
    answer = await kiosks.poll(enrolment.device_secret, NOW)
    assert sign_in is not None
    assert isinstance(answer, Approved)
    return {
        "users": {anna.id, NOBODY},
        "sign_ins": {sign_in.id, NOBODY},
        "kiosks": {answer.kiosk_id, NOBODY},
        "keys": {key.id, NOBODY},
    }


def valid(**found: set[str]) -> Valid:
    names = ("users", "sign_ins", "kiosks", "keys")
    return Valid(**{name: frozenset(found.get(name, set()) - {NOBODY}) for name in names})


async def test_who_is_known_may_go_on(database: Database) -> None:
    live = await ids(database)
    assert await still_valid(database, **live, now=NOW) == valid(**live)


async def test_who_was_removed_or_revoked_may_not(database: Database) -> None:
    live = await ids(database)
    await Users(database).remove("anna")
    await ApiKeys(database).revoke("billing")
    assert await still_valid(database, **live, now=NOW) == valid(kiosks=live["kiosks"])
    await Kiosks(database).revoke("lobby")
    assert await still_valid(database, **live, now=NOW) == valid()


async def test_a_sign_in_ends_alone(database: Database) -> None:
    live = await ids(database)
    rest = {name: found for name, found in live.items() if name != "sign_ins"}
    assert await still_valid(database, **live, now=NOW + MINUTE) == valid(**rest)


async def test_each_table_is_asked_once_and_only_if_somebody_stands_in_it(
    database: Database,
) -> None:
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(database._engine.sync_engine, "before_cursor_execute", note)
    many = {f"{number:032x}" for number in range(1000)}
    await still_valid(database, users=many, keys=many, now=NOW)
    selects = [statement for statement in asked if "SELECT" in statement]
    assert len(selects) == 2


async def test_more_than_a_statement_takes_are_asked_for_in_parts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "BATCH", 2)
    users = Users(database)
    live = {(await users.add(f"user {number}", None)).id for number in range(5)}
    found = await still_valid(database, users=[*live, NOBODY], now=NOW)
    assert found.users == live


async def test_a_whole_batch_fits_into_one_statement(database: Database) -> None:
    many = [f"{number:032x}" for number in range(revocations.BATCH)]
    assert await still_valid(database, users=many, now=NOW) == valid()
