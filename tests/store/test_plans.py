"""How SQLite carries out what is asked for each segment: never by going through a whole table."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from relay.store import Database
from relay.store.analyses import Analyses, Finding
from relay.store.deliveries import Deliveries
from relay.store.segments import Segments
from tests.store.test_transcripts import record, said

TABLES = ("transcripts", "segments", "segment_flags", "analyses", "deliveries", "erased")


async def test_what_each_segment_costs_does_not_grow_with_what_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    database = Database(f"sqlite:///{path}")
    await database.start()
    analyses, deliveries = Analyses(database), Deliveries(database)
    now = datetime.now(UTC)
    with executed() as statements:
        await Segments(database, ["lists"]).record([record(said=said(n, "oh")) for n in range(3)])
        taken = await analyses.take("lists", datetime.now(UTC), lasts=60, limit=3)
        found = [Finding(each, {"insult": 0.9}, frozenset({"insult"})) for each in taken]
        await analyses.record("lists", found[:2], now, is_told=True)
        await analyses.postpone(taken[2], now)
        await analyses.give_up(taken[2])
        told = await deliveries.take(datetime.now(UTC), lasts=60, limit=3)
        await deliveries.postpone(told[0], now)
        await deliveries.done(told[0])
    await database.aclose()
    assert {table for table in TABLES if any(table in each for each in statements)} == set(TABLES)
    reader = sqlite3.connect(path)
    plans = {each: plan(reader, each, given) for each, given in statements.items()}
    reader.close()
    slow = {each for each, steps in plans.items() if any(map(is_slow, steps))}
    assert not slow


@contextmanager
def executed() -> Iterator[dict[str, Any]]:
    """All statements, each with what it was given last."""
    statements: dict[str, Any] = {}

    def note(*given: Any) -> None:
        _, _, statement, parameters, _, is_many = given
        if not statement.startswith("BEGIN"):
            statements[statement] = parameters[0] if is_many else parameters

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def plan(reader: sqlite3.Connection, statement: str, given: Any) -> list[str]:
    return [row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {statement}", given)]


def is_slow(step: str) -> bool:
    """Whether it goes through all rows of a table: https://www.sqlite.org/eqp.html."""
    return step.startswith(tuple(f"SCAN {table}" for table in TABLES))
