"""The same contract on a real Redis and on the embedded engine."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from relay.errors import StateUnavailable
from relay.registry.journal import WRITE_BYTES, WRITES_AT_ONCE, Journal
from relay.registry.ownership import (
    Event,
    Ownership,
    Progress,
    Resumable,
    Snapshot,
    Standing,
    Write,
)
from relay.state import SharedState
from tests.support.redis import RedisServer

SNAPSHOT = Snapshot(query=(), bearer={}, origin=None, rate_out=16_000, started_at=0.0)


class CountingOwnership(Ownership):
    """Tells how many writes each call had, and can be away."""

    def __init__(self, state: SharedState) -> None:
        super().__init__(state)
        self.calls: list[int] = []
        self.is_away = False

    async def append(self, writes: Sequence[Write]) -> list[Standing]:
        self.calls.append(len(writes))
        if self.is_away:
            raise StateUnavailable("gone")
        return await super().append(writes)


@pytest.fixture
def ownership(state: SharedState) -> CountingOwnership:
    return CountingOwnership(state)


@asynccontextmanager
async def running(ownership: Ownership, *, max_kept_bytes: int = 10_000) -> AsyncIterator[Journal]:
    journal = Journal(ownership, retry_interval=0.02, max_kept_bytes=max_kept_bytes)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(journal.run())
        yield journal
        task.cancel()


async def begin(ownership: Ownership, session_id: str = "s1") -> None:
    await ownership.begin(
        Resumable(
            session_id=session_id,
            worker="host:1",
            account="user:1",
            token_digest="5f" * 32,
            snapshot=SNAPSHOT,
            pieces=[(48_000, 0, 0)],
        )
    )


def write(n: int, *, session_id: str = "s1", epoch: int = 1) -> Write:
    progress = Progress(segment=n, covered=n * 1000)
    event = Event(segment=n, seq=n, text=f"event {n}")
    return Write(session_id=session_id, epoch=epoch, progress=progress, events=[event])


async def events(ownership: Ownership) -> tuple[str, ...]:
    return (await ownership.missed("s1", after_segment=None)).events


async def until_written(ownership: Ownership, count: int) -> None:
    while len(await events(ownership)) < count:  # noqa: ASYNC110  # Redis doesn't tell
        await asyncio.sleep(0.01)


async def test_what_is_answered_is_written(ownership: CountingOwnership) -> None:
    await begin(ownership)
    async with running(ownership) as journal, asyncio.timeout(5):
        assert await journal.submit(write(0)) is Standing.OWNED
        assert await events(ownership) == ("event 0",)


async def test_what_comes_meanwhile_goes_together_and_in_order(
    ownership: CountingOwnership,
) -> None:
    await begin(ownership)
    async with running(ownership) as journal, asyncio.timeout(5):
        answers = [journal.submit(write(n)) for n in range(200)]
        assert await asyncio.gather(*answers) == [Standing.OWNED] * 200
    assert await events(ownership) == tuple(f"event {n}" for n in range(200))
    assert ownership.calls == [64, 64, 64, 8]
    assert max(ownership.calls) == WRITES_AT_ONCE


async def test_each_writer_gets_its_own_answer(ownership: CountingOwnership) -> None:
    await begin(ownership)
    await begin(ownership, "s2")
    await ownership.claim("s2", worker="host:2", token_digest="5f" * 32)
    async with running(ownership) as journal, asyncio.timeout(5):
        answers = [journal.submit(write(0, session_id=f"s{n}")) for n in (1, 2, 3)]
        assert await asyncio.gather(*answers) == ["owned", "lost", "unknown"]


async def test_while_redis_is_away_nobody_waits_and_then_nothing_is_missing(
    ownership: CountingOwnership,
) -> None:
    await begin(ownership)
    async with running(ownership) as journal, asyncio.timeout(5):
        ownership.is_away = True
        assert await asyncio.gather(*(journal.submit(write(n)) for n in range(3))) == [None] * 3
        later = [journal.submit(write(n)) for n in range(3, 6)]
        assert all(answer.done() for answer in later)
        assert await events(ownership) == ()
        ownership.is_away = False
        assert await journal.submit(write(6)) is None
        await until_written(ownership, 7)
        assert await journal.submit(write(7)) is Standing.OWNED
    assert await events(ownership) == tuple(f"event {n}" for n in range(8))


async def test_what_is_kept_meanwhile_is_bounded(ownership: CountingOwnership) -> None:
    await begin(ownership)
    bound = 3 * (WRITE_BYTES + len("event 0"))
    async with running(ownership, max_kept_bytes=bound) as journal, asyncio.timeout(5):
        ownership.is_away = True
        await asyncio.gather(*(journal.submit(write(n)) for n in range(5)))
        journal.submit(write(5))
        ownership.is_away = False
        await until_written(ownership, 3)
    assert await events(ownership) == ("event 3", "event 4", "event 5")


async def test_who_waits_at_the_end_is_answered(ownership: CountingOwnership) -> None:
    async with running(ownership) as journal:
        await asyncio.sleep(0)
        answer = journal.submit(write(0))
    assert answer.done()
    assert journal.submit(write(1)).result() is None


async def test_a_redis_that_hangs_and_comes_back_has_every_event_once() -> None:
    with RedisServer() as server:
        state = SharedState.connect(server.url)
        ownership = Ownership(state)
        await begin(ownership)
        async with running(ownership) as journal, asyncio.timeout(20):
            await journal.submit(write(0))
            server.pause()
            # It reaches Redis, which carries it out when it wakes up; then it comes once more.
            assert await journal.submit(write(1)) is None
            assert journal.submit(write(2)).done()
            server.resume()
            await until_written(ownership, 3)
        assert await events(ownership) == ("event 0", "event 1", "event 2")
        await state.aclose()
