"""The same contract on a real Redis and on the embedded engine."""

import asyncio

import pytest

from relay.registry.journal import Journal
from relay.registry.ownership import (
    EVENTS,
    KEPT,
    SESSION,
    UNSTORED,
    Event,
    Heading,
    Ownership,
    Progress,
    Resumable,
    Snapshot,
    Standing,
    Write,
)
from relay.registry.tenure import Tenure
from relay.registry.unstored import GROUP, Unstored
from relay.state import SharedState

HEADING = Heading(
    account="user:1", kind="user", name="anna", started_at=1_700_000_000.0, language="de"
)
PROGRESS = Progress(segment=0, covered=100, segments=1, words=2, usage={"received_ms": 900})


def session(session_id: str = "s1", *, is_stored: bool = True, epoch: int = 1) -> Resumable:
    return Resumable(
        session_id=session_id,
        worker="host:1",
        account="user:1",
        token_digest="5f" * 32,
        snapshot=Snapshot(
            query=(("language_code", "de"),),
            bearer={"kind": "user", "name": "anna"},
            origin=None,
            rate_out=16_000,
            started_at=1_700_000_000.0,
            is_stored=is_stored,
        ),
        pieces=((48_000, 0, 0),),
        epoch=epoch,
    )


def event(number: int, text: str = "") -> Event:
    return Event(number, number, text or f"event {number}", False, number * 1.0, number + 1.0)


def write(*events: Event, epoch: int = 1, heading: Heading | None = HEADING) -> Write:
    return Write(session_id="s1", epoch=epoch, progress=PROGRESS, events=events, heading=heading)


@pytest.fixture
def ownership(state: SharedState) -> Ownership:
    return Ownership(state)


@pytest.fixture
def unstored(state: SharedState) -> Unstored:
    return Unstored(state, "host:1")


async def taken(unstored: Unstored) -> list[str]:
    return [entry.event for entry in await unstored.take()]


async def test_what_is_written_for_the_client_waits_for_the_database(
    ownership: Ownership, unstored: Unstored
) -> None:
    await ownership.begin(session())
    await ownership.append([write(event(0), event(1))])
    first, second = await unstored.take()
    assert (first.session_id, first.epoch, first.is_fenced) == ("s1", 1, True)
    assert (first.heading, first.progress) == (HEADING, PROGRESS)
    assert (first.starts_at, first.ends_at) == (0.0, 1.0)
    assert [first.event, second.event] == ["event 0", "event 1"]
    assert first.at > 1_700_000_000


async def test_an_entry_is_given_to_one_worker_and_goes_when_it_is_stored(
    state: SharedState, ownership: Ownership, unstored: Unstored
) -> None:
    await ownership.begin(session())
    await ownership.append([write(event(0))])
    entries = await unstored.take()
    assert await Unstored(state, "host:2").take() == []
    waiting = await unstored.backlog()
    assert waiting.entries == 1
    assert waiting.size_bytes == entries[0].size > 0
    await unstored.stored(entries)
    assert await unstored.backlog() == await unstored.backlog()
    assert (await unstored.backlog()).entries == (await unstored.backlog()).size_bytes == 0


async def test_what_a_dead_worker_took_becomes_another_ones(
    state: SharedState, ownership: Ownership, unstored: Unstored
) -> None:
    await ownership.begin(session())
    await ownership.append([write(event(0))])
    assert len(await unstored.take()) == 1
    heir = Unstored(state, "host:2", claim_after=0)
    assert await taken(heir) == ["event 0"]


async def test_a_write_that_comes_again_waits_once(
    ownership: Ownership, unstored: Unstored
) -> None:
    await ownership.begin(session())
    for _ in range(2):
        await ownership.append([write(event(0))])
    assert await taken(unstored) == ["event 0"]


async def test_a_former_owner_has_nothing_stored(ownership: Ownership, unstored: Unstored) -> None:
    await ownership.begin(session())
    await ownership.claim("s1", worker="host:2", token_digest="5f" * 32)
    assert await ownership.append([write(event(0))]) == [Standing.LOST]
    assert await ownership.end("s1", 1, heading=HEADING) is Standing.LOST
    assert await taken(unstored) == []


async def test_what_nobody_can_vouch_for_is_stored_and_marked(
    ownership: Ownership, unstored: Unstored
) -> None:
    assert await ownership.append([write(event(0))]) == [Standing.UNKNOWN]
    (entry,) = await unstored.take()
    assert (entry.event, entry.is_fenced) == ("event 0", False)


async def test_the_end_waits_too(ownership: Ownership, unstored: Unstored) -> None:
    await ownership.begin(session())
    await ownership.end("s1", 1, progress=PROGRESS, heading=HEADING)
    (entry,) = await unstored.take()
    assert (entry.event, entry.progress, entry.is_fenced) == ("", PROGRESS, True)


async def test_what_the_end_overtook_is_stored_once(
    state: SharedState, ownership: Ownership, unstored: Unstored
) -> None:
    await ownership.begin(session())
    await ownership.append([write(event(0))])
    tenure = Tenure(ownership, Journal(ownership), session())
    await tenure.end({"received_ms": 900})
    for _ in range(2):  # the answer to the first time may be lost
        assert await ownership.append([write(event(0), event(1))]) == [Standing.ENDED]
    assert await taken(unstored) == ["event 0", "", "event 1"]
    assert (await ownership.missed("s1", after_segment=None)).events == ("event 0",)
    async with state.asking() as redis:
        assert 0 < await redis.ttl(SESSION + "s1") <= KEPT  # as before


async def test_a_former_owner_has_nothing_stored_after_the_end_either(
    ownership: Ownership, unstored: Unstored
) -> None:
    await ownership.begin(session())
    await ownership.claim("s1", worker="host:2", token_digest="5f" * 32)
    await ownership.end("s1", 2)
    assert await ownership.append([write(event(0))]) == [Standing.LOST]
    assert await taken(unstored) == []


async def test_nothing_comes_after_the_end_of_what_isnt_stored(
    ownership: Ownership, unstored: Unstored
) -> None:
    await ownership.begin(session(is_stored=False))
    await ownership.end("s1", 1)
    assert await ownership.append([write(event(0), heading=None)]) == [Standing.ENDED]
    assert await taken(unstored) == []


async def test_the_oldest_go_when_there_is_no_more_room(
    state: SharedState, unstored: Unstored
) -> None:
    ownership = Ownership(state, max_unstored_bytes=25_000)
    await ownership.begin(session())
    for number in range(4):
        await ownership.append([write(event(number, str(number) * 10_000))])
    waiting = await unstored.backlog()
    assert (waiting.entries, waiting.lost) == (2, 2)
    assert waiting.size_bytes <= 25_000
    left = await unstored.take()
    assert [entry.event[:1] for entry in left] == ["2", "3"]
    assert await unstored.stored(left) == 2


async def test_redis_that_was_emptied_is_written_to_again(
    state: SharedState, ownership: Ownership, unstored: Unstored
) -> None:
    journal = Journal(ownership)
    tenure = Tenure(ownership, journal, session())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(journal.run())
        await tenure.begin()
        await tenure.write(PROGRESS, [event(0)], ((48_000, 0, 0),))
        async with state.asking() as redis:
            await redis.flushdb()
        assert await taken(unstored) == []
        await tenure.begin()
        await tenure.write(PROGRESS, [event(1)], ((48_000, 0, 0),))
        running.cancel()
    assert await taken(unstored) == ["event 0", "event 1"]
    assert (await ownership.missed("s1", after_segment=None)).events == ("event 0", "event 1")


async def test_nothing_of_a_session_that_isnt_stored_waits_or_stays(
    state: SharedState, ownership: Ownership
) -> None:
    journal = Journal(ownership)
    tenure = Tenure(ownership, journal, session(is_stored=False))
    async with asyncio.TaskGroup() as group, state.asking() as redis:
        running = group.create_task(journal.run())
        await tenure.begin()
        fields = ("segment", 0, "extra", 0, "seq", 0, "event", "said long ago")
        add = state.script("return redis.call('XADD', KEYS[1], '1-0', unpack(ARGV))")
        await state.run(add, [EVENTS + "s1"], fields)
        await tenure.write(PROGRESS, [event(1)], ((48_000, 0, 0),))
        assert await redis.xlen(EVENTS + "s1") == 2
        await ownership.touch({"s1": 1})
        assert await redis.xlen(EVENTS + "s1") == 1
        await tenure.end({})
        assert not await redis.exists(EVENTS + "s1", UNSTORED)
        running.cancel()


async def test_a_session_that_has_ended_can_be_forgotten_and_a_live_one_cant(
    state: SharedState, ownership: Ownership
) -> None:
    await ownership.begin(session())
    await ownership.append([write(event(0))])
    assert not await ownership.forget("s1")
    await ownership.end("s1", 1, heading=HEADING)
    assert await ownership.forget("s1")
    async with state.asking() as redis:
        assert not await redis.exists(EVENTS + "s1")


async def test_an_entry_that_cant_be_read_stands_in_nobodys_way(
    state: SharedState, ownership: Ownership, unstored: Unstored
) -> None:
    async with state.asking() as redis:
        await redis.xadd(UNSTORED, {"session": "s1", "size": 3})
    await ownership.append([write(event(0))])
    assert await taken(unstored) == ["event 0"]
    assert (await unstored.backlog()).entries == 1


async def test_a_worker_is_forgotten_once_it_has_stored_everything(
    state: SharedState, ownership: Ownership, unstored: Unstored
) -> None:
    await ownership.append([write(event(0))])
    entries = await unstored.take()
    await unstored.leave()
    assert await consumers(state) == ["host:1"]
    await unstored.stored(entries)
    await unstored.leave()
    assert await consumers(state) == []


async def consumers(state: SharedState) -> list[str]:
    async with state.asking() as redis:
        return [each["name"] for each in await redis.xinfo_consumers(UNSTORED, GROUP)]
