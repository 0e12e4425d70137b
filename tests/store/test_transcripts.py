"""The same contract on PostgreSQL and on SQLite."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from relay.errors import StoreRefused
from relay.retention import Retention, parse_rules
from relay.store import Database
from relay.store.erasure import DELETED_AT_ONCE, Erasure
from relay.store.expiry import end_abandoned, expired, spelled_as_stored, still_kept
from relay.store.flags import Flag
from relay.store.fulltext import Hit, Query
from relay.store.segments import Record, Said, Segments
from relay.store.tables import TRANSCRIPTS
from relay.store.transcripts import (
    HITS_SHOWN,
    Filter,
    Found,
    Position,
    Transcripts,
)
from tests.support.flags import flag

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

ANNA = "user:anna"

pytestmark = pytest.mark.parametrize("database_url", ["postgres", "memory"], indirect=True)


def record(
    session_id: str = "s1", said: Said | None = None, *, minutes: int = 0, **changes: Any
) -> Record:
    begun = NOON + timedelta(minutes=minutes)
    plain = Record(
        session_id=session_id,
        epoch=1,
        is_fenced=True,
        account=ANNA,
        kind="user",
        name="anna",
        device=None,
        language="en",
        started_at=begun,
        at=begun + timedelta(seconds=5),
        audio_ms=5000,
        segments=1,
        words=2,
        said=said,
    )
    return replace(plain, **changes)


def said(number: int, text: str = "good morning", **fields: Any) -> Said:
    return Said(number=number, text=text, **fields)


@pytest.fixture
def segments(database: Database) -> Segments:
    return Segments(database)


@pytest.fixture
def transcripts(database: Database) -> Transcripts:
    return Transcripts(database)


@pytest.fixture
def erasure(database: Database) -> Erasure:
    return Erasure(database)


async def texts(transcripts: Transcripts, session_id: str = "s1") -> list[str]:
    return [segment.text for segment in await transcripts.segments(session_id)]


def ids(page: Sequence[Found]) -> list[str]:
    return [found.transcript.id for found in page]


async def test_what_is_said_is_there_once_however_often_it_is_written(
    segments: Segments, transcripts: Transcripts
) -> None:
    records = [record(said=said(0)), record(said=said(1, "good evening"), segments=2, words=4)]
    for _ in range(2):
        assert await segments.record(records) == 0
    assert await texts(transcripts) == ["good morning", "good evening"]
    found = await transcripts.find("s1", ANNA)
    assert found is not None
    assert (found.segments, found.words, found.audio_ms, found.language) == (2, 4, 5000, "en")
    assert (found.started_at, found.ended_at) == (NOON, None)


WORDS = '[{"text":"good","start":0.5,"end":0.9,"type":"word"}]'


async def test_both_messages_of_a_segment_make_one_row_in_whatever_order(
    segments: Segments, transcripts: Transcripts
) -> None:
    plain = record(said=said(0, cause="vad", starts_at=0.25, ends_at=1.5, end_sample=72_000))
    timed = record(said=said(0, language="en", ends_at=1.5, end_sample=72_000, words=WORDS))
    ways = [[[plain, timed]], [[timed, plain]], [[plain], [timed]], [[timed], [plain]]]
    for number, batches in enumerate(ways):
        for batch in batches:
            await segments.record([replace(each, session_id=f"s{number}") for each in batch])
        (segment,) = await transcripts.segments(f"s{number}")
        assert (segment.text, segment.language_code, segment.cause) == ("good morning", "en", "vad")
        assert segment.words is not None
        assert [word.text for word in segment.words] == ["good"]
        assert (segment.start, segment.end, segment.end_sample) == (0.5, 1.5, 72_000)


async def test_a_segment_without_word_times_begins_where_the_one_before_it_ended(
    segments: Segments, transcripts: Transcripts
) -> None:
    await segments.record([record(said=said(0, starts_at=2.5, ends_at=4.0))])
    (segment,) = await transcripts.segments("s1")
    assert (segment.words, segment.start, segment.end) == (None, 2.5, 4.0)


async def test_what_is_known_is_not_forgotten_for_a_later_owner_who_knows_less(
    segments: Segments, transcripts: Transcripts
) -> None:
    await segments.record([record(said=said(0), epoch=2)])
    # The first owner's word times, which another worker took and kept for a while.
    await segments.record([record(said=said(0, words=WORDS), epoch=1)])
    (segment,) = await transcripts.segments("s1")
    assert segment.words is not None


async def test_the_later_owner_of_a_session_is_right(
    segments: Segments, transcripts: Transcripts
) -> None:
    await segments.record([record(said=said(0, "the second"), epoch=2)])
    await segments.record([record(said=said(0, "the first"), epoch=1)])
    assert await texts(transcripts) == ["the second"]


async def test_a_former_owner_that_nobody_can_vouch_for_adds_nothing(
    segments: Segments, transcripts: Transcripts
) -> None:
    await segments.record([record(said=said(0), epoch=2)])
    assert await segments.record([record(said=said(1), epoch=1, is_fenced=False)]) == 1
    assert await segments.record([record(said=said(1, "mine"), epoch=2, is_fenced=False)]) == 0
    assert await texts(transcripts) == ["good morning", "mine"]


async def test_a_session_that_has_ended_says_when(
    segments: Segments, transcripts: Transcripts
) -> None:
    end = NOON + timedelta(minutes=3)
    await segments.record([record(at=end, has_ended=True, audio_ms=180_000)])
    await segments.record([record(said=said(0))])  # late
    found = await transcripts.find("s1", None)
    assert found is not None
    assert (found.ended_at, found.updated_at, found.audio_ms) == (end, end, 180_000)


async def test_the_language_is_the_one_asked_for_or_the_first_one_heard(
    segments: Segments, transcripts: Transcripts
) -> None:
    await segments.record([record("s1", said(0, language="ru"), language=None)])
    await segments.record([record("s1", said(1, language="en"), language=None)])
    await segments.record([record("s2", said(0, language="ru"), language="de")])
    assert [(await transcripts.find(each, None)).language for each in ("s1", "s2")] == ["ru", "de"]  # type: ignore[union-attr]


async def test_texts_hold_whatever_was_said(segments: Segments, transcripts: Transcripts) -> None:
    odd = "It's a \\ \"quote\" 'one' <b>&amp; 😀 % _ : * ( ) | ! 天气"
    await segments.record([record(said=said(0, odd))])
    assert await texts(transcripts) == [odd]


# Pages.


@pytest.fixture
async def five(segments: Segments) -> None:
    """Five sessions of two people, a minute apart."""
    await segments.record(
        [
            record(
                f"s{number}",
                said(0),
                minutes=number,
                account=ANNA if number % 2 else "kiosk:lobby",
                device=None if number % 2 else "lobby",
                language="en" if number < 3 else "ru",
            )
            for number in range(5)
        ]
    )


FILTERS: tuple[tuple[Filter, list[str]], ...] = (
    (Filter(), ["s4", "s3", "s2", "s1", "s0"]),
    (Filter(account=ANNA), ["s3", "s1"]),
    (Filter(device="lobby"), ["s4", "s2", "s0"]),
    (Filter(language="ru"), ["s4", "s3"]),
    (Filter(since=NOON + timedelta(minutes=2)), ["s4", "s3", "s2"]),
    (Filter(until=NOON + timedelta(minutes=2)), ["s1", "s0"]),
    (Filter(account=ANNA, language="ru", query=Query.parse("morning")), ["s3"]),
    (Filter(flag="toxic"), []),
)


async def test_a_filter_lists_what_it_says(five: None, transcripts: Transcripts) -> None:
    for wanted, expected in FILTERS:
        assert ids(await transcripts.page(wanted)) == expected
        assert await transcripts.count(wanted) == len(expected)
        assert [each.id async for each in transcripts.each(wanted)] == expected


async def test_pages_follow_one_another(
    segments: Segments, five: None, transcripts: Transcripts
) -> None:
    # Of the same moment, to the microsecond.
    await segments.record([record(f"t{number}", said(0), minutes=2) for number in range(3)])
    seen: list[str] = []
    after = None
    while page := await transcripts.page(Filter(), after=after, limit=2):
        seen += ids(page)
        after = Position.of(page[-1].transcript)
    assert seen == ["s4", "s3", "t2", "t1", "t0", "s2", "s1", "s0"]


async def test_segments_are_read_a_few_at_a_time(
    segments: Segments, transcripts: Transcripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await segments.record([record(said=said(number, str(number))) for number in range(5)])
    page = await transcripts.segments("s1", after=1, limit=2)
    assert [segment.number for segment in page] == [2, 3]
    monkeypatch.setattr("relay.store.transcripts.SEGMENTS_AT_ONCE", 2)
    pages = [[each.text for each in page] async for page in transcripts.pages_of_segments("s1")]
    assert pages == [["0", "1"], ["2", "3"], ["4"]]


# Searches.


SEARCHES: tuple[tuple[str, list[str]], ...] = (
    ("Morning", ["en"]),
    ("morn", []),
    ("morn*", ["en"]),
    ('"good morning"', ["en"]),
    ('"morning good"', []),
    ("погоды", ["ru"]),
    ("пог*", ["ru"]),
    ("елка", ["ru"]),
    ("天气", ["zh"]),
    ("气天", []),
    ("weather", ["en", "zh"]),
    ("weather 天气", ["zh"]),
    ("it's", ["en"]),
    ("or", []),
    ("near", ["en"]),
)


async def test_words_of_any_script_are_found(segments: Segments, transcripts: Transcripts) -> None:
    await segments.record(
        [
            record("en", said(0, "Good morning, it's the weather NEAR you."), minutes=9),
            record("ru", said(0, "Прогноз погоды: Ёлка!"), minutes=5),
            record("zh", said(0, "今天天气 (weather) 很好。"), minutes=1),
        ]
    )
    for query, expected in SEARCHES:
        found = ids(await transcripts.page(Filter(query=Query.parse(query))))
        assert found == expected, query


async def test_hits_are_shown_where_they_are(segments: Segments, transcripts: Transcripts) -> None:
    await segments.record(
        [record(said=said(number, f"{number}: well, well", starts_at=1.0)) for number in range(5)]
    )
    (found,) = await transcripts.page(Filter(query=Query.parse("well")))
    assert found.count == 5
    assert [each.number for each in found.found] == [0, 1, 2]
    assert len(found.found) == HITS_SHOWN
    assert list(found.found[0].hits) == [(3, 7), (9, 13)]
    assert found.found[0].starts_at == 1.0


@dataclass(frozen=True)
class PatientQuery(Query):
    """Finds where its words are when the loop has had a turn."""

    loop: asyncio.AbstractEventLoop

    def find(self, text: str) -> list[Hit]:
        turned = threading.Event()
        self.loop.call_soon_threadsafe(turned.set)
        assert turned.wait(5), "the loop waits for the search"
        return super().find(text)


async def test_the_loop_goes_on_while_hits_are_looked_for(
    segments: Segments, transcripts: Transcripts
) -> None:
    await segments.record([record(said=said(0))])
    query = PatientQuery(Query.parse("morning").terms, asyncio.get_running_loop())
    (found,) = await transcripts.page(Filter(query=query))
    assert list(found.found[0].hits) == [(5, 12)]


async def test_a_segment_that_is_written_again_is_found_as_it_is_now(
    segments: Segments, transcripts: Transcripts
) -> None:
    await segments.record([record(said=said(0, "before"))])
    await segments.record([record(said=said(0, "after"), epoch=2)])
    assert ids(await transcripts.page(Filter(query=Query.parse("after")))) == ["s1"]
    assert ids(await transcripts.page(Filter(query=Query.parse("before")))) == []


# What people do with them.


async def test_a_transcript_is_its_accounts_alone(
    five: None, transcripts: Transcripts, erasure: Erasure
) -> None:
    assert await transcripts.find("s0", ANNA) is None
    assert await transcripts.rename("s0", ANNA, "mine") is None
    assert not await erasure.delete("s0", ANNA)
    found = await transcripts.find("s0", None)
    assert found is not None
    assert found.title is None


async def test_a_transcript_is_renamed(five: None, transcripts: Transcripts) -> None:
    renamed = await transcripts.rename("s1", ANNA, "Понедельник")
    assert renamed is not None
    assert renamed.title == "Понедельник"
    assert (await transcripts.rename("s1", None, None)).title is None  # type: ignore[union-attr]


async def test_flags_are_of_the_transcript_and_found(
    five: None, database: Database, transcripts: Transcripts
) -> None:
    await flag(database, "s1", 0, {"toxicity": 0.8})
    await flag(database, "s1", 0, {"toxicity": 0.9, "sexual": 0.7}, analyser="http")
    await flag(database, "s1", 0, {"threat": 0.4}, is_raised=False)
    (found,) = await transcripts.page(Filter(flag="toxicity"))
    assert found.transcript.id == "s1"
    assert found.transcript.flags == ("sexual", "toxicity")
    assert (await transcripts.find("s1", None)).flags == ("sexual", "toxicity")  # type: ignore[union-attr]
    assert await transcripts.page(Filter(flag="threat")) == []
    segment, *others = await transcripts.segments("s1")
    assert segment.flags == [
        Flag("toxicity", 0.9, "http"),
        Flag("toxicity", 0.8, "local"),
        Flag("sexual", 0.7, "http"),
    ]
    assert [each.flags for each in others] == [()] * len(others)
    assert await transcripts.flag_counts(["s1", "s2"]) == {"s1": 3}


async def rows(database: Database) -> int:
    tables = ["transcripts", "segments", "segment_flags"]
    if not database.is_postgres:
        tables.append("segments_search_docsize")
    async with database.reading() as connection:
        counts = [
            (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
            for table in tables
        ]
    return int(sum(counts))


async def test_nothing_is_left_of_what_was_deleted_and_nothing_comes_back(
    database: Database, segments: Segments, transcripts: Transcripts, erasure: Erasure
) -> None:
    await segments.record([record(said=said(0)), record(said=said(1))])
    await flag(database, "s1", 0, {"toxicity": 0.9})
    assert await erasure.delete("s1", ANNA)
    assert not await erasure.delete("s1", ANNA)
    assert await rows(database) == 0
    assert await segments.record([record(said=said(2)), record("s2", said(0))]) == 1
    assert ids(await transcripts.page(Filter())) == ["s2"]


async def test_an_account_that_was_erased_begins_anew(
    segments: Segments, transcripts: Transcripts, erasure: Erasure
) -> None:
    await segments.record([record(said=said(0))])
    await erasure.block_account(ANNA)
    later = datetime.now(UTC) + timedelta(minutes=1)
    late = record(said=said(1))
    other = record("s2", said(0), account="user:ben")
    assert await segments.record([late, other, record("s3", said(0), started_at=later)]) == 1
    assert ids(await transcripts.page(Filter())) == ["s3", "s2"]


async def test_many_are_deleted_a_few_at_a_time(
    segments: Segments, transcripts: Transcripts, erasure: Erasure
) -> None:
    await segments.record([record(f"s{number}", said(0)) for number in range(DELETED_AT_ONCE + 1)])
    conditions = transcripts.conditions(Filter(account=ANNA))
    assert len(await erasure.delete_some(*conditions)) == DELETED_AT_ONCE
    assert len(await erasure.delete_some(*conditions)) == 1
    assert await erasure.delete_some(TRANSCRIPTS.c.account == ANNA) == []
    assert await transcripts.count(Filter()) == 0


@pytest.mark.parametrize(
    "bad", [record(said=said(2**70)), record(kind=None), record(said=said(0, "\ud800"))]
)
async def test_what_the_database_never_takes_is_told_apart(
    segments: Segments, transcripts: Transcripts, bad: Record
) -> None:
    with pytest.raises(StoreRefused):
        await segments.record([record("other"), bad])
    assert await transcripts.count(Filter()) == 0


async def test_more_than_a_limit_of_the_database_is_told_apart(
    database: Database, segments: Segments
) -> None:
    if not database.is_postgres:
        pytest.skip("SQLite has no such limit")
    with pytest.raises(StoreRefused) as refused:
        await segments.record([record(said=said(0, "a\0b"))])
    assert str(refused.value) == "The database doesn't take it: 22021."


# What time settles.


async def test_what_is_kept_no_longer_is_what_the_rules_say(
    database: Database, segments: Segments, transcripts: Transcripts, erasure: Erasure
) -> None:
    now = NOON + timedelta(days=10)
    await segments.record(
        [
            record("anna", said(0), account="user:1", name="anna"),
            record("ben", said(0), account="user:2", name="ben"),
            record("ben's later", said(0), account="user:2", name="ben", minutes=8 * 24 * 60),
            record("carl", said(0), account="user:3", name="carl"),
            record("lobby", said(0), account="kiosk:lobby", kind="kiosk", name="lobby"),
            record("hall", said(0), account="kiosk:4", kind="kiosk", name="hall"),
            record("crm", said(0), account="key:5:someone", kind="key", name="crm"),
        ]
    )
    rules = parse_rules("user:2=5,user:anna=forever,kiosk=20,kiosk:lobby=0,key:5=9")
    assert await erasure.delete_all(expired(Retention(30, rules), now)) == 3
    left = ids(await transcripts.page(Filter()))
    assert sorted(left) == ["anna", "ben's later", "carl", "hall"]
    over = expired(Retention(1, rules), now)
    some = ["anna", "ben", "carl", "hall", "lobby"]
    assert await still_kept(database, some, over) == {"anna": True, "carl": False, "hall": True}
    assert await erasure.delete_all(expired(Retention(), now)) == 0
    assert await erasure.delete_all(expired(Retention(1, rules), now)) == 1
    assert await erasure.delete_all(expired(Retention(0), now)) == 3


async def test_a_rule_goes_for_a_name_however_it_is_spelled(
    database: Database, segments: Segments, transcripts: Transcripts, erasure: Erasure
) -> None:
    await segments.record(
        [
            record("strasse", said(0), account="user:1", name="STRASSE"),
            record("Anna", said(0), account="user:2", name="Anna"),
            record("ben", said(0), account="user:3", name="ben"),
            record("Lobby", said(0), account="kiosk:Lobby", kind="kiosk", name="Lobby"),
            record("CRM", said(0), account=f"key:{'a' * 32}:x", kind="key", name="CRM"),
        ]
    )
    rules = parse_rules(f"user:straße=1,user:ANNA=forever,kiosk:lobby=1,key:{'A' * 32}=1")
    retention = await spelled_as_stored(database, Retention(30, rules))
    assert await erasure.delete_all(expired(retention, NOON + timedelta(days=40))) == 4
    assert ids(await transcripts.page(Filter())) == ["Anna"]


async def test_of_two_rules_for_one_the_first_goes_however_names_are_spelled(
    database: Database, segments: Segments, erasure: Erasure
) -> None:
    await segments.record([record("anna", said(0), account="user:1", name="anna")])
    rules = parse_rules("user:ANNA=forever,user:1=1")
    retention = await spelled_as_stored(database, Retention(30, rules))
    assert await erasure.delete_all(expired(retention, NOON + timedelta(days=40))) == 0


async def test_sessions_that_nobody_ended_end_when_they_were_heard_last(
    database: Database, segments: Segments, transcripts: Transcripts
) -> None:
    await segments.record([record("s1", said(0)), record("s2", said(0)), record("s3", minutes=9)])
    before = NOON + timedelta(minutes=5)
    assert await end_abandoned(database, before=before, live=["s2"]) == 1
    ended = {each.id: each.ended_at async for each in transcripts.each(Filter())}
    assert ended == {"s1": NOON + timedelta(seconds=5), "s2": None, "s3": None}


async def test_what_was_erased_long_ago_is_forgotten(
    database: Database, segments: Segments, erasure: Erasure
) -> None:
    await segments.record([record(said=said(0))])
    await erasure.delete("s1", None)
    await erasure.forget(datetime.now(UTC) - timedelta(days=1))
    assert await segments.record([record(said=said(0))]) == 1
    await erasure.forget(datetime.now(UTC) + timedelta(days=1))
    assert await segments.record([record(said=said(0))]) == 0
