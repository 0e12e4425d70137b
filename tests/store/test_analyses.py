import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from relay.store import Database
from relay.store.analyses import Analyses, Finding, Waiting
from relay.store.deliveries import Deliveries
from relay.store.erasure import Erasure
from relay.store.flags import Flag
from relay.store.segments import Segments
from relay.store.tables import SEGMENT_FLAGS
from relay.store.transcripts import Transcripts
from tests.store.test_transcripts import record, said

pytestmark = pytest.mark.parametrize("database_url", ["postgres", "memory"], indirect=True)

SOON = timedelta(seconds=1)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def segments(database: Database) -> Segments:
    return Segments(database, ["local", "http"])


@pytest.fixture
def analyses(database: Database) -> Analyses:
    return Analyses(database)


async def take(analyses: Analyses, analyser: str = "local", limit: int = 10) -> list[Waiting]:
    return list(await analyses.take(analyser, now(), lasts=60, limit=limit))


def finding(waiting: Waiting, *raised: str, **scores: float) -> Finding:
    return Finding(waiting, scores, frozenset(raised))


async def test_what_is_written_waits_for_each_analyser(
    segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0)), record(said=said(1, "dobry den", language="cs"))])
    first, second = await take(analyses)
    assert (first.transcript_id, first.number, first.text) == ("s1", 0, "good morning")
    assert (first.language, second.language) == ("en", "cs")  # the session's, its own
    assert (await analyses.backlog(["local", "http"]))[0] == 4
    assert len(await take(analyses, "http", limit=1)) == 1
    assert len(await take(analyses, "http")) == 1


async def test_without_analysers_nothing_waits(database: Database, analyses: Analyses) -> None:
    await Segments(database).record([record(said=said(0))])
    assert await analyses.backlog(["local", "http"]) == (0, None)


async def test_what_is_taken_is_anothers_after_a_while(
    segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0))])
    begin = now()
    (first,) = await analyses.take("local", begin, lasts=60, limit=10)
    assert await analyses.take("local", begin + 59 * SOON, lasts=60, limit=10) == []
    (second,) = await analyses.take("local", begin + 61 * SOON, lasts=60, limit=10)
    assert (first.attempt, second.attempt) == (1, 2)
    # The first one comes late, and is not heard.
    late = finding(first, "threat", threat=0.9)
    assert len(await analyses.record("local", [late], now(), is_told=False)) == 0
    assert len(await analyses.record("local", [finding(second)], now(), is_told=False)) == 1
    assert (await analyses.backlog(["local"]))[0] == 0


async def test_workers_that_look_at_once_take_different_ones(
    segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(number)) for number in range(8)])
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take(analyses, limit=3)) for _ in range(4)]
    taken = [each.number for task in tasks for each in task.result()]
    assert len(taken) == len(set(taken))
    rest = await take(analyses)
    assert sorted([*taken, *(each.number for each in rest)]) == list(range(8))


async def test_findings_are_stored_and_leave_the_queue(
    database: Database, segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0)), record(said=said(1))])
    first, second = await take(analyses)
    found = finding(first, "threat", threat=0.9, toxicity=0.3, sexual=0.01)
    assert len(await analyses.record("local", [found, finding(second)], now(), is_told=False)) == 2
    (other, _) = await take(analyses, "http")
    await analyses.record("http", [finding(other, "sexual", sexual=0.05)], now(), is_told=False)
    transcripts = Transcripts(database)
    flags = [each.flags for each in await transcripts.segments("s1")]
    assert flags == [[Flag("threat", 0.9, "local"), Flag("sexual", 0.05, "http")], ()]
    of = SEGMENT_FLAGS.c
    async with database.reading() as connection:
        rows = await connection.execute(select(of.flag, of.score, of.is_raised).order_by(of.score))
        # What is very little isn't kept.
        assert [tuple(row) for row in rows] == [
            ("sexual", 0.05, True),
            ("toxicity", 0.3, False),
            ("threat", 0.9, True),
        ]


async def test_the_second_message_of_a_segment_is_not_judged_again(
    segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0))])
    (first,) = await take(analyses)
    await segments.record([record(said=said(0, words="[]"))])
    assert len(await analyses.record("local", [finding(first)], now(), is_told=False)) == 1
    await segments.record([record(said=said(0, words="[]"))])
    assert await take(analyses) == []


async def test_another_text_is_judged_anew_and_replaces_what_was_found(
    database: Database, segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0))])
    (first,) = await take(analyses)
    await segments.record([record(said=said(0, "good evening"), epoch=2)])
    stale = finding(first, "threat", threat=0.9)
    assert len(await analyses.record("local", [stale], now(), is_told=True)) == 0
    (second,) = await take(analyses)
    assert second.text == "good evening"
    toxic = finding(second, "toxicity", toxicity=0.8)
    assert len(await analyses.record("local", [toxic], now(), is_told=False)) == 1
    await segments.record([record(said=said(0, "good night"), epoch=3)])
    (third,) = await take(analyses)
    await analyses.record("local", [finding(third)], now(), is_told=False)
    assert [each.flags for each in await Transcripts(database).segments("s1")] == [()]


async def test_who_has_the_former_text_is_not_taken_for_who_has_the_new_one(
    database: Database, segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0, "i will kill you"))])
    (former,) = await take(analyses)
    await segments.record([record(said=said(0, "good evening"), epoch=2)])
    (new,) = await take(analyses)
    assert (former.id, new.text) == (new.id, "good evening")
    assert (former.attempt, new.attempt) == (1, 1)  # the new text has all its attempts
    late = finding(former, "threat", threat=0.9)
    assert len(await analyses.record("local", [late], now(), is_told=True)) == 0
    await analyses.postpone(former, now())
    await analyses.give_up(former)
    assert await take(analyses) == []
    found = finding(new, "toxicity", toxicity=0.8)
    assert len(await analyses.record("local", [found], now(), is_told=False)) == 1
    flags = [each.flags for each in await Transcripts(database).segments("s1")]
    assert flags == [[Flag("toxicity", 0.8, "local")]]
    assert await Deliveries(database).count() == 0


async def test_a_text_that_is_taken_back_takes_back_what_was_found(
    database: Database, segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0))])
    (first,) = await take(analyses)
    await analyses.record("local", [finding(first, "threat", threat=0.9)], now(), is_told=False)
    await segments.record([record(said=said(0, ""), epoch=2)])
    (second,) = await take(analyses)
    assert second.text == ""
    await analyses.record("local", [finding(second)], now(), is_told=False)
    assert [each.flags for each in await Transcripts(database).segments("s1")] == [()]


async def test_a_former_owners_text_is_not_judged(segments: Segments, analyses: Analyses) -> None:
    await segments.record([record(said=said(0), epoch=2)])
    (first,) = await take(analyses)
    await segments.record([record(said=said(0, "late"), epoch=1)])
    assert len(await analyses.record("local", [finding(first)], now(), is_told=False)) == 1
    assert await take(analyses) == []


async def test_nothing_said_is_nothing_to_judge(segments: Segments, analyses: Analyses) -> None:
    await segments.record([record(said=said(0, ""))])
    assert await take(analyses) == []


async def test_what_is_deleted_waits_no_longer(
    database: Database, segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0)), record("s2", said(0))])
    taken = await take(analyses)
    assert await Erasure(database).delete("s1", None)
    assert (await analyses.backlog(["local", "http"]))[0] == 2
    found = [finding(each, "threat", threat=0.9) for each in taken]
    assert len(await analyses.record("local", found, now(), is_told=True)) == 1
    (delivery,) = await Deliveries(database).take(now(), lasts=60, limit=10)
    assert delivery.transcript_id == "s2"
    assert await Erasure(database).delete("s2", None)
    assert await Deliveries(database).count() == 0


async def test_what_fails_comes_again_later_until_it_is_given_up(
    segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0))])
    (first,) = await take(analyses)
    later = now() + timedelta(minutes=1)
    await analyses.postpone(first, later)
    assert await take(analyses) == []
    (second,) = await analyses.take("local", later, lasts=60, limit=10)
    await analyses.give_up(first)  # somebody else's by now
    assert (await analyses.backlog(["local"]))[0] == 1
    await analyses.give_up(second)
    assert (await analyses.backlog(["local"]))[0] == 0


async def test_who_judges_no_more_keeps_nothing_waiting(
    database: Database, segments: Segments, analyses: Analyses
) -> None:
    await segments.record([record(said=said(0))])
    await analyses.forget_others(["local"])
    assert (await analyses.backlog(["local", "http"]))[0] == 1
    (waiting,) = await take(analyses)
    await analyses.record("local", [finding(waiting, "threat", threat=1)], now(), is_told=True)
    await analyses.forget_others([])
    await Deliveries(database).forget_all()
    assert await Deliveries(database).count() == 0


async def test_a_delivery_says_what_was_found(
    database: Database, segments: Segments, analyses: Analyses
) -> None:
    said_then = said(0, "i will find you", starts_at=1.5, ends_at=3.0, language="en")
    await segments.record([record(said=said_then), record(said=said(1))])
    bad, good = await take(analyses)
    found = [finding(bad, "threat", threat=0.9, toxicity=0.2), finding(good, toxicity=0.2)]
    await analyses.record("local", found, now(), is_told=True)
    deliveries = Deliveries(database)
    begin = now()
    (delivery,) = await deliveries.take(begin, lasts=60, limit=10)
    assert delivery.id.startswith("msg_")
    assert (delivery.transcript_id, delivery.number, delivery.text) == (
        *("s1", 0, "i will find you"),
    )
    assert (delivery.account, delivery.kind, delivery.device) == ("user:anna", "user", None)
    assert (delivery.starts_at, delivery.ends_at, delivery.language) == (1.5, 3.0, "en")
    assert delivery.flags == [Flag("threat", 0.9, "local")]
    assert await deliveries.take(now(), lasts=60, limit=10) == []
    (again,) = await deliveries.take(begin + 61 * SOON, lasts=60, limit=10)
    assert (again.id, again.attempt) == (delivery.id, 2)
    await deliveries.postpone(delivery, begin)  # not this one's any more
    assert await deliveries.take(now(), lasts=60, limit=10) == []
    await deliveries.postpone(again, begin)
    (third,) = await deliveries.take(now(), lasts=60, limit=10)
    await deliveries.done(third)
    assert await deliveries.count() == 0
