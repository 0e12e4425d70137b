import asyncio
from datetime import date
from typing import Any

import pytest

from relay.store import Database, DayUsage, Usage, UsageRow, Users
from relay.store.erasure import Erasure

FRIDAY = date(2026, 10, 2)
SATURDAY = date(2026, 10, 3)


@pytest.fixture
def usage(database: Database) -> Usage:
    return Usage(database)


def row(session_id: str = "s1", day: date = FRIDAY, **values: Any) -> UsageRow:
    defaults = {"account": "user:1", "kind": "user", "name": "anna"}
    return UsageRow(session_id=session_id, day=day, **{**defaults, **values})


def total(day: date = FRIDAY, **values: Any) -> DayUsage:
    defaults = {
        "account": "user:1",
        "kind": "user",
        "name": "anna",
        "sessions": 1,
        **dict.fromkeys(("received_ms", "sent_ms", "replayed_ms", "silence_ms", "connected_ms"), 0),
    }
    return DayUsage(day=day, **{**defaults, **values})


async def test_usage_adds_up_by_day_and_account(usage: Usage) -> None:
    await usage.record(
        [
            row(
                "s1", received_ms=1000, sent_ms=900, replayed_ms=50, silence_ms=150, connected_ms=2
            ),
            row("s2", received_ms=500, sent_ms=500, connected_ms=3),
            row("s1", SATURDAY, received_ms=7),
            row("s3", account="key:2:x", kind="key", name="billing", received_ms=2**40),
        ]
    )
    assert await usage.per_day(FRIDAY, SATURDAY) == [
        total(account="key:2:x", kind="key", name="billing", received_ms=2**40),
        total(
            sessions=2,
            received_ms=1500,
            sent_ms=1400,
            replayed_ms=50,
            silence_ms=150,
            connected_ms=5,
        ),
        total(SATURDAY, received_ms=7),
    ]


async def test_rows_say_how_much_in_all_so_they_may_be_written_again(usage: Usage) -> None:
    await usage.record([row(received_ms=1000)])
    await usage.record([row(received_ms=3000, name="Anna")])
    await usage.record([row(received_ms=3000, name="Anna")])
    assert await usage.per_day(FRIDAY, FRIDAY) == [total(received_ms=3000, name="Anna")]


async def test_of_two_rows_for_one_session_the_later_counts(usage: Usage) -> None:
    await usage.record([row(received_ms=2), row(received_ms=1)])
    assert await usage.received_ms("user:1", FRIDAY) == 1


async def test_days_are_included_at_both_ends(usage: Usage) -> None:
    days = [date(2026, 10, day) for day in (1, 2, 3, 4)]
    await usage.record([row(day=day, received_ms=1) for day in days])
    assert [found.day for found in await usage.per_day(days[1], days[2])] == days[1:3]
    assert await usage.per_day(days[2], days[1]) == []


async def test_one_account_can_be_asked_for(usage: Usage) -> None:
    await usage.record([row("s1"), row("s2", account="user:2")])
    found = await usage.per_day(FRIDAY, FRIDAY, "user:2")
    assert [day.account for day in found] == ["user:2"]


async def test_what_an_account_sent_on_a_day_is_a_number(usage: Usage) -> None:
    assert await usage.received_ms("user:1", FRIDAY) == 0
    await usage.record(
        [
            row("s1", received_ms=1000),
            row("s2", received_ms=500),
            row("s3", SATURDAY, received_ms=7),
            row("s4", account="user:2", received_ms=9),
        ]
    )
    assert await usage.received_ms("user:1", FRIDAY) == 1500


async def test_nothing_is_written_for_nothing(usage: Usage) -> None:
    await usage.record([])
    assert await usage.per_day(FRIDAY, SATURDAY) == []


async def test_workers_may_write_the_same_sessions_crosswise(usage: Usage) -> None:
    rows = [row(f"s{number}", received_ms=number) for number in range(200)]
    batches = [rows, rows[::-1]] * 5
    await asyncio.gather(*(usage.record(batch) for batch in batches))
    assert await usage.received_ms("user:1", FRIDAY) == sum(range(200))


async def test_thousands_of_rows_fit_into_one_call(usage: Usage) -> None:
    await usage.record([row(f"s{number}", received_ms=1) for number in range(4000)])
    (day,) = await usage.per_day(FRIDAY, FRIDAY)
    assert (day.sessions, day.received_ms) == (4000, 4000)


async def test_only_what_the_removed_and_erased_used_goes(usage: Usage, database: Database) -> None:
    anna = await Users(database).add("anna", None)
    accounts = (f"user:{anna.id}", "user:2", "user:3", "key:4")
    await usage.record([row(each, account=each, kind=each.partition(":")[0]) for each in accounts])
    for erased in (f"user:{anna.id}", "user:2", "key:4"):
        await Erasure(database).block_account(erased)
    assert await usage.erase_removed() == 1
    assert await usage.per_day(FRIDAY, FRIDAY, "user:2") == []
    assert len(await usage.per_day(FRIDAY, FRIDAY)) == 3
