"""Pages and searches stay fast with 100,000 segments: the plans of their queries.

`python -m tests.store.test_paging` measures how long they take.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from sqlalchemy import Select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store import Database
from relay.store.fulltext import Query
from relay.store.segments import Record, Said, Segments
from relay.store.transcripts import Filter, Position, Transcripts, segments_query
from tests.support.postgres import PostgresServer

SESSIONS: Final = 1000
SEGMENTS: Final = 100
"""Of each session: 100,000 in all."""

ACCOUNTS: Final = 10
NOON: Final = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

MINE: Final = "user:7"

ENGLISH: Final = (
    "the of and to in is that it was for on are as with his they at be this from have or by one had"
)
WORDS: Final = f"{ENGLISH} привет погода сегодня хорошая 今天 天气 很好".split()


async def fill(database: Database) -> None:
    """Write a year of two or three sessions a day; one in fifty segments holds a rare word."""
    dice = random.Random(1)
    segments = Segments(database)
    for number in range(SESSIONS):
        account = f"user:{number % ACCOUNTS}"
        begun = NOON + timedelta(hours=8 * number)
        records = []
        for each in range(SEGMENTS):
            words = dice.choices(WORDS, k=12)
            if dice.random() < 0.02:
                words[3] = "xylophone"
            if number == 500 and each == 50:
                words[3] = "quokka 量子"
            records.append(
                Record(
                    session_id=f"s{number:04}",
                    epoch=1,
                    is_fenced=True,
                    account=account,
                    kind="user",
                    name=account,
                    device=None,
                    language="en" if number % 10 else "ru",
                    started_at=begun,
                    at=begun + timedelta(seconds=each * 4),
                    audio_ms=4000 * each,
                    segments=each,
                    words=12 * each,
                    said=Said(number=each, text=" ".join(words), starts_at=4.0 * each),
                )
            )
        await segments.record(records)
    async with database.writing() as connection:
        await connection.execute(text("ANALYZE"))


async def plan(connection: AsyncConnection, query: Select[Any], *, is_postgres: bool) -> str:
    """How the database goes about a query, in its own words."""
    compiled = query.compile(connection.sync_engine, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN" if is_postgres else "EXPLAIN QUERY PLAN"
    rows = await connection.exec_driver_sql(f"{explain} {compiled}")
    return "\n".join(str(row[-1]) for row in rows)


@asynccontextmanager
async def filled(kind: str, folder: Path) -> AsyncIterator[Database]:
    """A database with 100,000 segments."""
    with PostgresServer() as server:
        url = server.create_database() if kind == "postgres" else f"sqlite:///{folder}/relay.db"
        database = Database(url)
        await database.start()
        await fill(database)
        yield database
        await database.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["postgres", "file"])
async def large(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Database]:
    async with filled(request.param, tmp_path_factory.mktemp("large")) as database:
        yield database


pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

MIDDLE: Final = Position(NOON + timedelta(hours=8 * 500), "s0500")


async def plan_of(database: Database, query: Select[Any]) -> str:
    async with database.reading() as connection:
        return await plan(connection, query, is_postgres=database.is_postgres)


@pytest.mark.parametrize("account", [MINE, None])
async def test_a_page_is_read_from_an_index_in_its_order(
    large: Database, account: str | None
) -> None:
    query = Transcripts(large).page_query(Filter(account=account), MIDDLE, 50)
    shown = await plan_of(large, query)
    index = "ix_transcripts_account_started_at_id" if account else "ix_transcripts_started_at_id"
    assert index in shown, shown
    assert "Seq Scan" not in shown, shown
    assert "TEMP B-TREE" not in shown, shown
    if account is None:  # PostgreSQL may rather sort the few of one account
        assert "Sort" not in shown, shown


async def test_segments_are_read_from_an_index_in_their_order(large: Database) -> None:
    shown = await plan_of(large, segments_query("s0500", 50, 20))
    assert "uq_segments_transcript_id_number" in shown, shown
    assert "Sort" not in shown, shown
    assert "TEMP B-TREE" not in shown, shown


@pytest.mark.parametrize("word", ["quokka", "量子"])
async def test_a_search_is_done_by_the_index_of_words(large: Database, word: str) -> None:
    query = Transcripts(large).page_query(Filter(query=Query.parse(word)), None, 50)
    shown = await plan_of(large, query)
    assert ("segments_search" if large.is_postgres else "VIRTUAL TABLE INDEX") in shown, shown
    assert "Seq Scan on segments" not in shown, shown
    assert "SCAN segments\n" not in f"{shown}\n", shown


async def test_what_is_found_is_what_is_there(large: Database) -> None:
    transcripts = Transcripts(large)
    (found,) = await transcripts.page(Filter(query=Query.parse("quokka")))
    assert (found.transcript.id, [each.number for each in found.found]) == ("s0500", [50])
    assert await transcripts.count(Filter(account=MINE)) == SESSIONS // ACCOUNTS


# The figures of docs/topics/transcripts.md.


async def measure(database: Database) -> list[tuple[str, float]]:
    """Median milliseconds of what people do, of twenty times each."""
    transcripts = Transcripts(database)

    def page(after: Position | None = None, **wanted: Any) -> Callable[[], Awaitable[object]]:
        return lambda: transcripts.page(Filter(**wanted), after=after)

    acts = [
        ("first page, all", page()),
        ("page in the middle, all", page(MIDDLE)),
        ("page in the middle, one account", page(MIDDLE, account=MINE)),
        ("page, rare language", page(language="ru")),
        ("segments in the middle", lambda: transcripts.segments("s0500", after=50)),
        ("word in one segment", page(query=Query.parse("quokka"))),
        ("word in 2 %", page(query=Query.parse("xylophone"))),
        ("word in 2 %, one account", page(query=Query.parse("xylophone"), account=MINE)),
        ("Chinese word in 20 %", page(query=Query.parse("天气"))),
        ("beginning in 20 %", page(query=Query.parse("пого*"))),
        ("two words in a row", page(query=Query.parse('"привет сегодня"'))),
    ]
    figures = []
    for name, act in acts:
        times = []
        for _ in range(20):
            begin = time.perf_counter()
            await act()
            times.append((time.perf_counter() - begin) * 1000)
        figures.append((name, statistics.median(times)))
    return figures


async def plans(database: Database) -> str:
    """How a page and a search are read, in the database's own words."""
    transcripts = Transcripts(database)
    page = transcripts.page_query(Filter(account=MINE), MIDDLE, 50)
    search = transcripts.page_query(Filter(query=Query.parse("quokka")), None, 50)
    shown = [await plan_of(database, query) for query in (page, search)]
    return "\n\n".join(shown) + "\n"


async def main(folder: Path) -> None:
    """Print the plans and the table."""
    columns = []
    for kind in ("file", "postgres"):
        async with filled(kind, folder) as database:
            sys.stdout.write(f"{kind}\n\n{await plans(database)}\n")
            columns.append(await measure(database))
    for (name, sqlite), (_, postgres) in zip(*columns, strict=True):
        sys.stdout.write(f"| {name} | {sqlite:.1f} | {postgres:.1f} |\n")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        asyncio.run(main(Path(made)))
