"""The same contract on a real Redis and on the embedded engine."""

import asyncio

import msgspec

from relay.registry import Registry, SessionRecord
from relay.state import SharedState


def record(session_id: str, started_at: float = 1.0) -> SessionRecord:
    return SessionRecord(
        session_id=session_id,
        worker="host:1",
        account="user:1",
        kind="user",
        name="ada",
        address="10.0.0.1",
        started_at=started_at,
        state="open",
        sample_rate=48_000,
        encoding="pcm_f32le",
        channels=1,
        commit_strategy="vad",
        language_code=None,
        received_ms=0,
        sent_ms=0,
        segments=0,
    )


async def test_live_sessions_are_listed_the_longest_living_first(state: SharedState) -> None:
    registry = Registry(state)
    await registry.beat([record("young", 2.0), record("old", 1.0)])
    assert [found.session_id for found in await registry.list()] == ["old", "young"]


async def test_a_later_beat_replaces_what_is_known(state: SharedState) -> None:
    registry = Registry(state)
    await registry.beat([record("a")])
    await registry.beat([msgspec.structs.replace(record("a"), segments=3)])
    found = await registry.find("a")
    assert found is not None
    assert found.segments == 3


async def test_what_ended_is_gone_at_once(state: SharedState) -> None:
    registry = Registry(state)
    await registry.beat([record("a"), record("b")])
    await registry.remove("a")
    assert [found.session_id for found in await registry.list()] == ["b"]
    assert await registry.find("a") is None


async def test_what_crashed_is_gone_soon(state: SharedState) -> None:
    registry = Registry(state, lasts=0.2)
    await registry.beat([record("a")])
    await asyncio.sleep(0.3)
    assert await registry.list() == []
    assert await registry.find("a") is None


async def test_a_worker_without_sessions_asks_nobody(state: SharedState) -> None:
    await Registry(state).beat([])
    async with state.asking() as redis:
        assert await redis.dbsize() == 0


async def test_a_beat_learns_which_sessions_are_to_end(state: SharedState) -> None:
    registry = Registry(state)
    assert await registry.beat([record("a"), record("b")]) == {}
    await registry.ask_to_end("b", "ended_by_operator")
    await registry.ask_to_end("c", "ended_by_operator")
    assert await registry.beat([record("a"), record("b")]) == {"b": "ended_by_operator"}
    assert await registry.beat([record("a")]) == {}
    await registry.remove("b")
    assert await registry.beat([record("b")]) == {}
