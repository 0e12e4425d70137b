"""From Redis, or the embedded engine, into a database."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import delete, update

from relay.errors import StoreRefused, StoreUnavailable
from relay.redaction.redactor import Redactor
from relay.registry import Unstored
from relay.registry.ownership import Event, Heading, Ownership, Progress, Write
from relay.registry.unstored import TAKEN_AT_ONCE
from relay.state import SharedState
from relay.store import Database
from relay.store.fulltext import Query
from relay.store.segments import Segments
from relay.store.tables import TRANSCRIPTS
from relay.store.transcripts import Filter, Transcripts
from relay.storing import Storing
from tests.support.state import redis_server, state
from tests.support.store import postgres_server, postgres_url
from tests.support.waiting import until

__all__ = ["postgres_server", "postgres_url", "redis_server", "state"]

PLAIN = "committed_transcript"
TIMED = "committed_transcript_with_timestamps"


def heading(kind: str = "user", name: str = "anna") -> Heading:
    return Heading(account=f"{kind}:1", kind=kind, name=name, started_at=1_700_000_000.0)


def event(number: int, message_type: str = PLAIN, **fields: object) -> Event:
    said = {
        "message_type": message_type,
        "segment": number,
        "text": f"number {number}",
        "end_sample": 48_000,
        "cause": "vad",
        **fields,
    }
    return Event(number, number * 2 + (message_type == TIMED), json.dumps(said), False, 0.5, 1.0)


async def say(ownership: Ownership, *events: Event, about: Heading | None = None) -> None:
    progress = Progress(segments=3, words=6, usage={"received_ms": 2000})
    await ownership.append(
        [
            Write(
                session_id="s1",
                epoch=1,
                progress=progress,
                events=events,
                heading=about or heading(),
            )
        ]
    )


class FailingSegments(Segments):
    """Can be away, and doesn't take one text."""

    is_away = False
    is_broken = False
    takes_nothing = False
    attempts = 0

    async def record(self, records: object) -> int:
        assert isinstance(records, list)
        self.attempts += 1
        if self.is_broken:
            raise RuntimeError("number 0")
        if self.is_away:
            raise StoreUnavailable("gone")
        if self.takes_nothing or any(each.said and each.said.text == "poison" for each in records):
            raise StoreRefused("22021")
        return await super().record(records)

    async def is_writable(self) -> bool:
        return not (self.is_away or self.takes_nothing) and await super().is_writable()


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    made = Database("sqlite://")
    await made.start()
    yield made
    await made.aclose()


@pytest.fixture
def segments(database: Database) -> FailingSegments:
    return FailingSegments(database)


@pytest.fixture
def transcripts(database: Database) -> Transcripts:
    return Transcripts(database)


@pytest.fixture
def ownership(state: SharedState) -> Ownership:
    return Ownership(state)


@pytest.fixture
def storing(state: SharedState, segments: FailingSegments) -> Storing:
    return Storing(Unstored(state, "host:1"), segments, retry_interval=0.01, poll_interval=0.01)


@asynccontextmanager
async def running(storing: Storing) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(storing.run())
        yield
        task.cancel()


async def texts(transcripts: Transcripts) -> list[str]:
    return [segment.text for segment in await transcripts.segments("s1")]


def tried(segments: FailingSegments, times: int) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return segments.attempts > times

    return is_so


def has_stored(transcripts: Transcripts, count: int) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return await texts(transcripts) == [f"number {number}" for number in range(count)]

    return is_so


async def test_what_is_said_comes_into_the_database(
    state: SharedState, ownership: Ownership, storing: Storing, transcripts: Transcripts
) -> None:
    words = [{"text": "number", "start": 0.6, "end": 0.8, "type": "word", "logprob": -0.5}]
    await say(
        ownership,
        event(0),
        event(0, TIMED, language_code="en", words=words),
        event(1, TIMED, words=None),
    )
    assert await storing.store_some() == 3
    assert await storing.store_some() == 0
    first, second = await transcripts.segments("s1")
    assert (first.text, first.language_code, first.cause) == ("number 0", "en", "vad")
    assert json.loads(first.words_json or "") == words
    assert (first.start, first.end, second.words) == (0.6, 1.0, None)
    found = await transcripts.find("s1", "user:1")
    assert found is not None
    assert (found.name, found.device, found.language) == ("anna", None, "en")
    assert (found.audio_ms, found.segments, found.words) == (2000, 3, 6)
    assert (await Unstored(state, "host:1").backlog()).entries == 0


async def test_what_comes_while_it_rests_is_written_together(
    state: SharedState,
    ownership: Ownership,
    segments: FailingSegments,
    transcripts: Transcripts,
) -> None:
    storing = Storing(Unstored(state, "host:1"), segments, poll_interval=0.3)
    async with running(storing):
        await say(ownership, event(0))
        await until(has_stored(transcripts, 1), "the first segment")
        for number in range(1, 9):
            await say(ownership, event(number))
        await until(has_stored(transcripts, 9), "all segments")
    assert segments.attempts < 6


async def test_it_rests_only_when_nothing_is_left(
    state: SharedState, ownership: Ownership, segments: FailingSegments, transcripts: Transcripts
) -> None:
    count = TAKEN_AT_ONCE + 1
    await say(ownership, *(event(number) for number in range(count)))
    async with running(Storing(Unstored(state, "host:1"), segments, poll_interval=3600)):
        await until(has_stored(transcripts, count), "what a second look finds")


async def test_that_events_were_lost_is_said_once(
    state: SharedState, storing: Storing, capsys: pytest.CaptureFixture[str]
) -> None:
    roomy, cramped = Ownership(state), Ownership(state, max_unstored_bytes=1)
    await say(roomy, event(0))
    await storing.store_some()
    for ownership in (cramped, roomy, roomy):
        await say(ownership, event(1), event(2))
        await say(roomy, event(3))
        await storing.store_some()
    assert capsys.readouterr().out.count("events are lost to it") == 1


async def test_personal_data_are_not_stored_where_an_operator_wants_it_so(
    state: SharedState, ownership: Ownership, database: Database, transcripts: Transcripts
) -> None:
    text = "write to anna@example.com"
    words = [
        {"text": each, "start": float(index), "end": index + 0.9, "type": "word"}
        for index, each in enumerate(("write ", "to ", "anna@example.com"))
    ]
    await say(
        ownership,
        event(0, text=text),
        event(0, TIMED, text=text, words=words),
        event(1, TIMED, text=text, words="anna@example.com"),
        event(2, text="nothing of the kind"),
    )
    await ownership.end("s1", 1, progress=Progress(), heading=heading())
    redactor = Redactor(["email"])
    storing = Storing(Unstored(state, "host:1"), Segments(database), redactor=redactor)
    assert await storing.store_some() == 5
    first, second, third = await transcripts.segments("s1")
    assert (first.text, second.text) == ("write to [email]", "write to [email]")
    assert third.text == "nothing of the kind"
    assert [(word.text, word.start, word.end) for word in first.words or ()] == [
        ("write ", 0.0, 0.9),
        ("to ", 1.0, 1.9),
        ("[email]", 2.0, 2.9),
    ]
    assert second.words is None  # what can't be looked through
    assert not await transcripts.page(Filter(query=Query.parse("anna")))
    (found,) = await transcripts.page(Filter(query=Query.parse("write email")))
    assert found.count == 2


async def test_words_that_hide_what_the_text_shows_are_not_stored(
    ownership: Ownership, state: SharedState, database: Database, transcripts: Transcripts
) -> None:
    spoken = ("four one one one " + "one one one one " * 3).split()
    words = [{"text": each, "type": "word"} for each in spoken]  # without what stands between them
    await say(ownership, event(0, TIMED, text=" ".join(spoken), words=words))
    storing = Storing(Unstored(state, "host:1"), Segments(database), redactor=Redactor(["card"]))
    await storing.store_some()
    (stored,) = await transcripts.segments("s1")
    assert (stored.text, stored.words) == ("[card]", None)


class Stumbling(Redactor):
    """One that has a fault."""

    def text(self, text: str) -> str:
        if "stumble" in text:
            raise ValueError(text)
        return super().text(text)


async def test_a_fault_in_redaction_costs_one_segment_its_text_and_nobody_else_anything(
    ownership: Ownership,
    state: SharedState,
    database: Database,
    transcripts: Transcripts,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await say(ownership, event(0), event(1, text="stumble over this"), event(2))
    storing = Storing(Unstored(state, "host:1"), Segments(database), redactor=Stumbling([]))
    assert await storing.store_some() == 3
    assert await texts(transcripts) == ["number 0", "[redacted]", "number 2"]
    logged = capsys.readouterr().out
    assert "ValueError" in logged
    assert "stumble" not in logged


async def test_a_kiosk_is_a_device_and_an_end_is_an_end(
    ownership: Ownership, storing: Storing, transcripts: Transcripts
) -> None:
    lobby = heading("kiosk", "lobby")
    await say(ownership, event(0), about=lobby)
    await ownership.end("s1", 1, progress=Progress(usage={"received_ms": 9000}), heading=lobby)
    await storing.finish()
    found = await transcripts.find("s1", None)
    assert found is not None
    assert found.device == "lobby"
    assert found.ended_at is not None
    assert found.audio_ms == 9000


async def test_what_isnt_a_transcript_isnt_stored(
    ownership: Ownership, storing: Storing, transcripts: Transcripts
) -> None:
    gap = Event(0, 0, '{"message_type": "audio_gap", "from_sample": 0, "to_sample": 5}')
    await say(ownership, gap, Event(0, 1, "{"), event(1, text="a\0b"))
    assert await storing.store_some() == 3
    assert await texts(transcripts) == ["a\N{REPLACEMENT CHARACTER}b"]


async def test_while_the_database_is_away_everything_waits(
    ownership: Ownership, storing: Storing, segments: FailingSegments, transcripts: Transcripts
) -> None:
    segments.is_away = True
    async with running(storing):
        await say(ownership, event(0))
        await asyncio.sleep(0.1)
        await say(ownership, event(1))
        assert await texts(transcripts) == []
        segments.is_away = False

        async def are_there() -> bool:
            return await texts(transcripts) == ["number 0", "number 1"]

        await until(are_there, "both segments")


async def test_what_the_database_never_takes_holds_up_nothing_else(
    ownership: Ownership, storing: Storing, transcripts: Transcripts
) -> None:
    await say(ownership, event(0), event(1, text="poison"), event(2))
    assert await storing.store_some() == 3
    assert await texts(transcripts) == ["number 0", "number 2"]


async def test_a_database_that_takes_nothing_loses_nothing(
    ownership: Ownership, storing: Storing, segments: FailingSegments, transcripts: Transcripts
) -> None:
    segments.takes_nothing = True
    async with running(storing):
        await say(ownership, event(0))
        await until(tried(segments, 3), "attempts")
        segments.takes_nothing = False
        await until(has_stored(transcripts, 1), "the segment")


async def test_rows_that_another_one_holds_lose_nothing(
    state: SharedState, ownership: Ownership, postgres_url: str
) -> None:
    database = Database(f"{postgres_url}?lock_timeout=20")
    await database.start()
    async with database.writing() as connection:
        await connection.execute(delete(TRANSCRIPTS))
    segments, transcripts = FailingSegments(database), Transcripts(database)
    async with running(Storing(Unstored(state, "host:1"), segments, retry_interval=0.01)):
        await say(ownership, event(0))
        await until(has_stored(transcripts, 1), "the first segment")
        async with database.writing() as connection:
            await connection.execute(update(TRANSCRIPTS).values(title="held"))
            await say(ownership, event(1))
            # Others can be written meanwhile, as an attempt shows.
            await until(tried(segments, segments.attempts + 4), "attempts that fail")
            assert await segments.is_writable()
        await until(has_stored(transcripts, 2), "both segments")
    await database.aclose()


async def test_a_worker_that_dies_leaves_its_entries_to_another(
    state: SharedState,
    ownership: Ownership,
    storing: Storing,
    segments: FailingSegments,
    transcripts: Transcripts,
) -> None:
    segments.is_away = True
    async with running(storing):
        await say(ownership, event(0))
        await asyncio.sleep(0.05)
    segments.is_away = False
    other = Storing(Unstored(state, "host:2", claim_after=0), segments)
    assert await other.store_some() == 1
    assert await texts(transcripts) == ["number 0"]


async def test_redis_that_was_emptied_is_taken_from_again(
    state: SharedState, ownership: Ownership, storing: Storing, transcripts: Transcripts
) -> None:
    async with running(storing):
        await say(ownership, event(0))
        async with state.asking() as redis:
            await redis.flushdb()
        await say(ownership, event(1))

        async def is_there() -> bool:
            return "number 1" in await texts(transcripts)

        await until(is_there, "what came after")


async def test_what_fails_at_the_end_is_said_without_its_text_and_stops_nothing(
    ownership: Ownership,
    storing: Storing,
    segments: FailingSegments,
    capsys: pytest.CaptureFixture[str],
) -> None:
    segments.is_broken = True
    await say(ownership, event(0))
    await storing.finish()
    shown = capsys.readouterr().out
    assert "RuntimeError" in shown
    assert "number 0" not in shown


async def test_a_database_is_writable_and_nothing_of_the_attempt_stays(
    segments: FailingSegments, transcripts: Transcripts
) -> None:
    assert await segments.is_writable()
    assert await transcripts.find("probe", None) is None
