"""What time settles, with the embedded engine and SQLite."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from relay.registry import Registry, SessionRecord
from relay.retention import Retention, parse_rules
from relay.state import SharedState
from relay.store import Database
from relay.store.segments import Said, Segments
from relay.store.transcripts import Filter, Transcripts
from relay.sweep import ABANDONED_AFTER, Sweep
from tests.store.test_transcripts import record


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    made = Database("sqlite://")
    await made.start()
    yield made
    await made.aclose()


@pytest.fixture
async def state() -> AsyncIterator[SharedState]:
    embedded = SharedState.connect(None)
    yield embedded
    await embedded.aclose()


def live(session_id: str) -> SessionRecord:
    return SessionRecord(
        session_id=session_id,
        worker="host:1",
        account="user:1",
        kind="user",
        name="anna",
        address=None,
        started_at=0.0,
        state="open",
        sample_rate=16_000,
        encoding="pcm_f32le",
        channels=1,
        commit_strategy="vad",
        language_code=None,
        received_ms=0,
        sent_ms=0,
        segments=0,
    )


async def test_a_sweep_deletes_what_is_old_and_ends_what_nobody_has(
    database: Database, state: SharedState
) -> None:
    now = datetime.now(UTC)
    silent = now - timedelta(seconds=ABANDONED_AFTER + 60)
    ages = {"old": 40, "abandoned": 1, "live": 1, "recent": 1}
    await Segments(database).record(
        [
            record(
                session_id,
                Said(number=0, text="hello"),
                started_at=now - timedelta(days=days),
                at=now if session_id == "recent" else silent,
            )
            for session_id, days in ages.items()
        ]
    )
    registry = Registry(state)
    await registry.beat([live("live")])
    assert await Sweep(database, registry, Retention(30)).sweep(now) == 1
    ended = {each.id: each.ended_at async for each in Transcripts(database).each(Filter())}
    assert ended == {"abandoned": silent, "live": None, "recent": None}


async def test_a_sweep_knows_names_however_they_are_spelled(
    database: Database, state: SharedState
) -> None:
    await Segments(database).record([record(said=Said(number=0, text="hello"), name="Anna")])
    sweep = Sweep(database, Registry(state), Retention(rules=parse_rules("user:anna=0")))
    assert await sweep.sweep(datetime.now(UTC)) == 1


async def test_without_redis_nothing_is_taken_for_abandoned(database: Database) -> None:
    now = datetime.now(UTC)
    silent = now - timedelta(days=1)
    await Segments(database).record([record(said=Said(number=0, text="hello"), at=silent)])
    away = SharedState.connect("redis://127.0.0.1:1")
    assert await Sweep(database, Registry(away), Retention()).sweep(now) == 0
    await away.aclose()
    found = await Transcripts(database).find("s1", None)
    assert found is not None
    assert found.ended_at is None
