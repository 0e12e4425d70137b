"""The same contract on a real Redis and on the embedded engine."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from relay.errors import StateError, StateUnavailable
from relay.registry.ownership import (
    EVENTS,
    MAX_SNAPSHOT_BYTES,
    SESSION,
    Claimed,
    Event,
    Missed,
    Ownership,
    Progress,
    Refusal,
    Resumable,
    Snapshot,
    Standing,
    Write,
)
from relay.state import SharedState
from tests.support.ports import free_port

DIGEST = "5f" * 32

SNAPSHOT = Snapshot(
    query=(("language_code", "de"), ("keyterms", "Jörg"), ("keyterms", "b")),
    bearer={"kind": "user", "id": "1", "limits": {"sessions": 2.0}},
    origin="https://app.example.org",
    rate_out=16_000,
    started_at=1.5,
    max_seconds=60.0,
)

SESSION_1 = Resumable(
    session_id="s1",
    worker="host:1",
    account="user:1",
    token_digest=DIGEST,
    snapshot=SNAPSHOT,
    pieces=((48_000, 0, 0),),
)


@pytest.fixture
def ownership(state: SharedState) -> Ownership:
    return Ownership(state)


async def claim(ownership: Ownership, worker: str = "host:2") -> Claimed:
    claimed = await ownership.claim("s1", worker=worker, token_digest=DIGEST)
    assert isinstance(claimed, Claimed)
    return claimed


def plain(segment: int, seq: int, text: str = "…") -> Event:
    return Event(segment, seq, f"{text} {segment}")


def timed(segment: int, seq: int) -> Event:
    return Event(segment, seq, f"timed {segment}", is_extra=True)


def write(*events: Event, epoch: int = 1, session_id: str = "s1") -> Write:
    progress = Progress(segment=events[-1].segment if events else None)
    return Write(session_id=session_id, epoch=epoch, progress=progress, events=events)


async def missed(ownership: Ownership, after: int | None = None) -> Missed:
    return await ownership.missed("s1", after_segment=after)


# Taking over.


async def test_a_new_owner_learns_all_that_it_needs(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    progress = Progress(segment=3, covered=96_000, segments=4, words=9, usage={"sent_ms": 2000})
    pieces = ((48_000, 0, 0), (44_100, 90_000, 30_000))
    event = Event(3, 17, '{"text":"grüß dich"}')
    await ownership.append(
        [Write(session_id="s1", epoch=1, progress=progress, events=[event], pieces=pieces)]
    )
    assert await claim(ownership) == Claimed(
        epoch=2,
        account="user:1",
        snapshot=SNAPSHOT,
        progress=progress,
        pieces=pieces,
        seq=17,
    )


async def test_before_anything_was_committed_there_is_little_to_know(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    claimed = await claim(ownership)
    assert (claimed.progress, claimed.pieces, claimed.seq) == (Progress(), ((48_000, 0, 0),), -1)


async def test_epochs_count_the_owners(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await claim(ownership, "host:2")
    claimed = await claim(ownership, "host:3")
    assert claimed.epoch == 3


async def test_of_many_who_claim_it_at_once_one_has_it(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    claims = await asyncio.gather(*(claim(ownership, f"host:{n}") for n in range(20)))
    epochs = [claimed.epoch for claimed in claims]
    assert sorted(epochs) == list(range(2, 22))
    standings = await ownership.append([write(plain(0, 1), epoch=epoch) for epoch in epochs])
    assert [standing for standing in standings if standing is not Standing.LOST] == ["owned"]
    assert standings[epochs.index(21)] is Standing.OWNED


async def test_who_has_another_token_gets_nothing_and_changes_nothing(
    ownership: Ownership,
) -> None:
    await ownership.begin(SESSION_1)
    for digest in ("", "00" * 32, DIGEST.upper(), DIGEST[:-1]):
        assert await ownership.find("s1", digest) is Refusal.WRONG_TOKEN
        refused = await ownership.claim("s1", worker="thief:1", token_digest=digest)
        assert refused is Refusal.WRONG_TOKEN
    assert await ownership.append([write(plain(0, 1))]) == [Standing.OWNED]
    claimed = await claim(ownership)
    assert claimed.epoch == 2


async def test_what_never_was_cannot_be_claimed(ownership: Ownership, state: SharedState) -> None:
    refused = await ownership.claim("s1", worker="host:2", token_digest=DIGEST)
    assert refused is Refusal.UNKNOWN
    assert await ownership.find("s1", DIGEST) is Refusal.UNKNOWN
    async with state.asking() as redis:
        assert await redis.dbsize() == 0


async def test_whose_it_is_can_be_asked_without_taking_it(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    assert await ownership.find("s1", DIGEST) == SNAPSHOT
    await claim(ownership, "host:2")
    assert await ownership.find("s1", DIGEST) == SNAPSHOT
    assert (await claim(ownership)).epoch == 3


async def test_the_token_itself_is_nowhere_in_redis(
    ownership: Ownership, state: SharedState
) -> None:
    await ownership.begin(SESSION_1)
    async with state.asking() as redis:
        kept = await redis.hgetall(f"{SESSION}s1")
    assert [name for name, value in kept.items() if value == DIGEST] == ["token"]


async def test_a_session_begins_once(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    with pytest.raises(StateError, match="begun already"):
        await ownership.begin(replace(SESSION_1, account="user:9"))
    assert (await claim(ownership)).account == "user:1"


async def test_a_snapshot_has_its_bound(ownership: Ownership) -> None:
    long = msgspec.structs.replace(SNAPSHOT, query=(("keyterms", "x" * MAX_SNAPSHOT_BYTES),))
    with pytest.raises(ValueError, match="65536 bytes"):
        await ownership.begin(replace(SESSION_1, snapshot=long))


# The fence.


async def test_a_former_owner_can_write_no_more(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.append([write(plain(0, 1))])
    await claim(ownership)
    assert await ownership.append([write(plain(1, 2))]) == [Standing.LOST]
    assert await ownership.append([write(plain(1, 3, "new"), epoch=2)]) == [Standing.OWNED]
    assert await ownership.append([write(plain(2, 4))]) == [Standing.LOST]
    assert (await missed(ownership)).events == ("… 0", "new 1")
    assert (await claim(ownership)).seq == 3


async def test_nor_can_it_keep_or_end_the_session(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await claim(ownership)
    assert await ownership.touch({"s1": 1}) == {"s1": Standing.LOST}
    assert await ownership.end("s1", 1) is Standing.LOST
    assert await ownership.touch({"s1": 2}) == {"s1": Standing.OWNED}


async def test_one_that_lost_its_session_keeps_the_others(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.begin(replace(SESSION_1, session_id="s2"))
    await claim(ownership)
    writes = [write(plain(0, 1)), write(session_id="s0"), write(plain(0, 1), session_id="s2")]
    assert await ownership.append(writes) == [Standing.LOST, Standing.UNKNOWN, Standing.OWNED]
    assert await ownership.touch({"s1": 1, "s0": 1, "s2": 1}) == {
        "s1": Standing.LOST,
        "s0": Standing.UNKNOWN,
        "s2": Standing.OWNED,
    }


async def test_nothing_to_write_asks_nobody() -> None:
    state = SharedState.connect(f"redis://127.0.0.1:{free_port()}/0")
    ownership = Ownership(state)
    assert await ownership.append([]) == []
    assert await ownership.touch({}) == {}
    with pytest.raises(StateUnavailable):
        await ownership.append([write()])
    await state.aclose()


# Events.


async def test_events_come_back_as_they_were_written(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.append([write(Event(0, 1, '{"text":"naïve 😀 \\u0000"}\r\n'))])
    assert await missed(ownership) == Missed(('{"text":"naïve 😀 \\u0000"}\r\n',), is_whole=True)


async def test_a_client_gets_what_came_behind_what_it_has(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.append([write(plain(0, 1)), write(timed(0, 2), plain(1, 3))])
    await ownership.append([write(plain(2, 4), timed(1, 5), timed(2, 6))])
    for after, expected in (
        (None, ("… 0", "timed 0", "… 1", "… 2", "timed 1", "timed 2")),
        (0, ("timed 0", "… 1", "… 2", "timed 1", "timed 2")),
        (1, ("… 2", "timed 1", "timed 2")),
        (2, ("timed 1", "timed 2")),
        (3, ("timed 1", "timed 2")),
    ):
        assert await missed(ownership, after) == Missed(expected, is_whole=True)


async def test_however_many_there_are(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.append([write(*(plain(n, n) for n in range(200)))])
    for after in (None, 0, 31, 135, 167, 168, 198, 199):
        first = 0 if after is None else after + 1
        expected = tuple(f"… {n}" for n in range(first, 200))
        assert await missed(ownership, after) == Missed(expected, is_whole=True)


async def test_a_write_whose_answer_was_lost_can_be_repeated(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    again = [write(plain(0, 0), timed(0, 1))]
    assert await ownership.append(again) == await ownership.append(again) == [Standing.OWNED]
    assert (await missed(ownership)).events == ("… 0", "timed 0")


async def test_progress_without_events_is_written_too(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.append([write(plain(0, 5))])
    progress = Progress(segment=0, covered=48_000)
    await ownership.append([Write(session_id="s1", epoch=1, progress=progress)])
    claimed = await claim(ownership)
    assert (claimed.progress, claimed.seq) == (progress, 5)


async def test_events_are_bounded_in_bytes_and_what_is_dropped_is_said(
    state: SharedState,
) -> None:
    ownership = Ownership(state, max_event_bytes=1000)
    await ownership.begin(SESSION_1)
    for n in range(20):
        await ownership.append([write(Event(n, n, f"{n:02}" * 50))])
    kept = await missed(ownership)
    assert kept == Missed(tuple(f"{n:02}" * 50 for n in range(10, 20)), is_whole=False)
    assert (await missed(ownership, 8)).is_whole is False
    assert (await missed(ownership, 9)).is_whole is True
    assert len((await missed(ownership, 17)).events) == 2


async def test_the_last_event_is_kept_however_long_it_is(state: SharedState) -> None:
    ownership = Ownership(state, max_event_bytes=1000)
    await ownership.begin(SESSION_1)
    await ownership.append([write(plain(0, 1), Event(1, 2, "x" * 5000))])
    assert (await missed(ownership, 0)).events == ("x" * 5000,)
    await ownership.append([write(plain(2, 3))])
    assert (await missed(ownership, 1)).events == ("… 2",)


async def test_nothing_known_of_what_the_client_has_is_said(ownership: Ownership) -> None:
    assert await missed(ownership, 4) == Missed((), is_whole=False)
    assert await missed(ownership) == Missed((), is_whole=True)


# Ends.


async def test_with_its_end_the_token_is_dead_and_the_events_stay(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.append([write(plain(0, 1))])
    assert await ownership.end("s1", 1) is Standing.OWNED
    assert await ownership.find("s1", DIGEST) is Refusal.ENDED
    refused = await ownership.claim("s1", worker="host:2", token_digest=DIGEST)
    assert refused is Refusal.ENDED
    assert (await missed(ownership)).events == ("… 0",)


async def test_after_the_end_nothing_more_is_written(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.end("s1", 1)
    assert await ownership.append([write(plain(0, 1))]) == [Standing.ENDED]
    assert await ownership.touch({"s1": 1}) == {"s1": Standing.ENDED}
    assert await ownership.end("s1", 1) is Standing.ENDED
    assert await ownership.end("s0", 1) is Standing.UNKNOWN


async def test_only_the_token_learns_that_a_session_has_ended(ownership: Ownership) -> None:
    await ownership.begin(SESSION_1)
    await ownership.end("s1", 1)
    assert await ownership.find("s1", "00" * 32) is Refusal.WRONG_TOKEN
    refused = await ownership.claim("s1", worker="host:2", token_digest="00" * 32)
    assert refused is Refusal.WRONG_TOKEN


async def test_what_nobody_keeps_is_gone_with_all_its_keys(state: SharedState) -> None:
    ownership = Ownership(state, lasts=0.3)
    await ownership.begin(SESSION_1)
    await ownership.append([write(plain(0, 1))])
    await asyncio.sleep(0.4)
    assert await ownership.find("s1", DIGEST) is Refusal.UNKNOWN
    assert await ownership.append([write(plain(1, 2))]) == [Standing.UNKNOWN]
    async with state.asking() as redis:
        assert await redis.dbsize() == 0


async def test_what_a_worker_keeps_lives_on(state: SharedState) -> None:
    ownership = Ownership(state, lasts=0.6)
    await ownership.begin(SESSION_1)
    await ownership.append([write(plain(0, 1))])
    for _ in range(4):
        await asyncio.sleep(0.25)
        await ownership.touch({"s1": 1})
    assert (await missed(ownership)).events == ("… 0",)
    assert await ownership.find("s1", DIGEST) == SNAPSHOT


async def left_ms(state: SharedState) -> tuple[int, int]:
    async with state.asking() as redis:
        return await redis.pttl(f"{SESSION}s1"), await redis.pttl(f"{EVENTS}s1")


async def test_everything_that_an_owner_does_renews_both_keys(state: SharedState) -> None:
    brief, ownership = Ownership(state, lasts=5.0), Ownership(state, lasts=60.0)
    await ownership.begin(SESSION_1)
    assert (await left_ms(state))[0] > 55_000
    await brief.append([write(plain(0, 1))])
    assert max(await left_ms(state)) <= 5_000
    await ownership.append([write(plain(1, 2))])
    assert min(await left_ms(state)) > 55_000
    await brief.touch({"s1": 1})
    assert max(await left_ms(state)) <= 5_000
    await ownership.touch({"s1": 1})
    assert min(await left_ms(state)) > 55_000
    await brief.touch({"s1": 1})
    await claim(ownership)
    assert min(await left_ms(state)) > 55_000


async def test_after_the_end_both_keys_expire_in_their_time(state: SharedState) -> None:
    ownership = Ownership(state, kept=600.0)
    await ownership.begin(SESSION_1)
    await ownership.append([write(plain(0, 1))])
    await ownership.end("s1", 1)
    left = await left_ms(state)
    assert 595_000 < min(left) <= max(left) <= 600_000


async def test_what_redis_forgot_begins_again_where_it_is(
    ownership: Ownership, state: SharedState
) -> None:
    await ownership.begin(SESSION_1)
    epoch = (await claim(ownership)).epoch
    async with state.asking() as redis:
        await redis.flushdb()
    assert await ownership.touch({"s1": epoch}) == {"s1": Standing.UNKNOWN}
    progress = Progress(segment=7, covered=1000)
    await ownership.begin(replace(SESSION_1, epoch=epoch, progress=progress, seq=40))
    await ownership.append(
        [
            Write(
                session_id="s1", epoch=epoch, progress=progress, events=[plain(7, 40), plain(8, 41)]
            )
        ]
    )
    claimed = await claim(ownership, "host:3")
    assert (claimed.epoch, claimed.progress, claimed.seq) == (3, progress, 41)
    assert await missed(ownership, 7) == Missed(("… 8",), is_whole=True)
