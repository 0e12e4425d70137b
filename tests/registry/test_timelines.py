"""Timelines on a real Redis and on the embedded engine."""

import asyncio

from relay.logbook import Entry, Kind
from relay.registry import Timelines
from relay.registry.timelines import MAX_OFTEN, MAX_RARE
from relay.state import SharedState


async def test_a_timeline_goes_on_whichever_worker_writes_it(state: SharedState) -> None:
    one, other = Timelines(state), Timelines(state)
    await one.add({"a": [Entry(1.0, Kind.BEGAN, "new"), Entry(3.0, Kind.COMMIT, seconds=0.4)]})
    await other.add({"a": [Entry(2.0, Kind.GAP, "lost", 1.5)], "b": []})
    assert await one.read("a") == [
        Entry(1.0, Kind.BEGAN, "new"),
        Entry(2.0, Kind.GAP, "lost", 1.5),
        Entry(3.0, Kind.COMMIT, seconds=0.4),
    ]
    assert await one.read("b") == []


async def test_what_is_frequent_pushes_out_nothing_that_is_rare(state: SharedState) -> None:
    timelines = Timelines(state)
    await timelines.add({"a": [Entry(0.0, Kind.FAILED, "lost")]})
    for minute in range(4):
        many = [Entry(float(minute), Kind.COMMIT, seconds=0.4)] * 100
        await timelines.add({"a": many})
    kinds = [entry.kind for entry in await timelines.read("a")]
    assert kinds.count(Kind.COMMIT) == MAX_OFTEN
    assert kinds.count(Kind.FAILED) == 1
    await timelines.add({"a": [Entry(9.0, Kind.LEFT)] * (MAX_RARE + 1)})
    kinds = [entry.kind for entry in await timelines.read("a")]
    assert kinds.count(Kind.LEFT) == MAX_RARE
    assert Kind.FAILED not in kinds


async def test_a_timeline_that_nobody_keeps_is_gone(state: SharedState) -> None:
    timelines = Timelines(state, lasts=0.5)
    await timelines.add({"kept": [Entry(1.0, Kind.LEFT)], "left": [Entry(1.0, Kind.LEFT)]})
    for _ in range(4):
        await asyncio.sleep(0.2)
        await timelines.add({"kept": []})
    assert len(await timelines.read("kept")) == 1
    assert await timelines.read("left") == []


async def test_a_worker_without_sessions_writes_nothing(state: SharedState) -> None:
    await Timelines(state).add({})
    async with state.asking() as redis:
        assert await redis.dbsize() == 0
