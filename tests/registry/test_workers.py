"""Workers that say that they live, on a real Redis and on the embedded engine."""

import asyncio

import pytest

from relay.errors import NotFound
from relay.registry import Duty, Wish, WorkerRecord, Workers
from relay.state import SharedState


def record(worker: str, duty: Duty = Duty.SERVING) -> WorkerRecord:
    return WorkerRecord(
        worker=worker,
        group="host:8000",
        version="1",
        started_at=1.0,
        duty=duty,
        sessions=0,
        sessions_limit=400,
    )


async def test_workers_are_listed_by_name_for_as_long_as_they_live(state: SharedState) -> None:
    workers = Workers(state, lasts=0.5)
    assert await workers.beat(record("b")) is None
    assert await workers.beat(record("a")) is None
    assert [each.worker for each in await workers.list()] == ["a", "b"]
    await workers.remove("b")
    assert [each.worker for each in await workers.list()] == ["a"]
    await asyncio.sleep(0.6)
    assert await workers.list() == []


async def test_a_worker_learns_what_is_wanted_of_it_and_of_no_other(state: SharedState) -> None:
    workers = Workers(state)
    await workers.beat(record("a"))
    await workers.beat(record("b"))
    await workers.ask("a", Wish.DRAIN)
    assert await workers.beat(record("a")) is Wish.DRAIN
    assert await workers.beat(record("a", Duty.DRAINING)) is Wish.DRAIN
    assert await workers.beat(record("b")) is None
    await workers.ask("a", Wish.SERVE)
    assert await workers.beat(record("a")) is Wish.SERVE


async def test_nothing_can_be_asked_of_a_worker_that_is_not_there(state: SharedState) -> None:
    with pytest.raises(NotFound):
        await Workers(state).ask("a", Wish.DRAIN)
