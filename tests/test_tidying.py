"""What time settles of recordings, with the embedded engine, SQLite, and a folder."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from relay.errors import StateUnavailable
from relay.recording.flac import Flac
from relay.recording.parts import Name, Part, owner_of
from relay.recording.shelf import Shelf
from relay.registry import Registry
from relay.retention import Retention, parse_rules
from relay.state import SharedState
from relay.store import Database
from relay.store.erasure import Erasure
from relay.store.lineage import lineage_of
from relay.store.segments import Said, Segments
from relay.store.tables import LINEAGE
from relay.tidying import ERASED_AFTER, LATE, ORPHANED_AFTER, Tidying
from tests.store.test_transcripts import record
from tests.test_sweep import live

RATE = 16_000
PARKED = 42.0
NOW = datetime.now(UTC)


def session(number: int) -> str:
    return f"{number:032x}"


class Scene:
    """Recordings of one account, and what tidies them."""

    def __init__(self, database: Database, state: SharedState, folder: Path) -> None:
        self.database, self.registry = database, Registry(state)
        self.shelf = Shelf(folder)

    def tidying(self, retention: Retention | None = None) -> Tidying:
        kept = Retention() if retention is None else retention
        return Tidying(self.shelf, self.database, self.registry, kept, resumable_for=PARKED)

    def put(self, number: int, *, age: float = 0.0, account: str = "user:1") -> Name:
        """Leave a part that was written so many seconds ago."""
        part = Part(Name(session(number), owner_of(account)), 1, 0)
        path = self.shelf.path_of(part)
        with Flac(path, RATE) as file:
            file.write(np.ones(RATE, np.int16))
        then = NOW.timestamp() - age
        os.utime(path, (then, then))
        return part.name

    def put_whole(self, number: int, *, age: float = 0.0, account: str = "user:1") -> None:
        """Leave a recording."""
        self.shelf.join(self.put(number, age=age, account=account))

    async def store(self, number: int, *, days: float = 0.0, name: str = "anna") -> None:
        said = Said(number=0, text="hello")
        began = NOW - timedelta(days=days)
        await Segments(self.database).record(
            [record(session(number), said, started_at=began, name=name)]
        )

    async def settle(self, number: int = 99) -> None:
        """Let the folder be known for this database's, by a recording of a transcript it has."""
        self.put_whole(number)
        await self.store(number)
        await self.tidying().sweep(NOW)
        self.shelf.delete([session(number)])

    @property
    def left(self) -> list[int]:
        return sorted(int(name.session_id, 16) for name in self.shelf.everything())


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    database, state = Database("sqlite://"), SharedState.connect(None)
    await database.start()
    yield Scene(database, state, tmp_path)
    await database.aclose()
    await state.aclose()


@pytest.fixture
async def other() -> AsyncIterator[Database]:
    database = Database("sqlite://")
    await database.start()
    yield database
    await database.aclose()


async def test_what_nobody_has_ended_is_joined_once_nobody_can_come_back(scene: Scene) -> None:
    late = PARKED + LATE + 10
    scene.put(1, age=late)
    scene.put(2, age=PARKED)
    scene.put(3, age=late)
    await scene.registry.beat([live(session(3))])
    assert await scene.tidying().join_abandoned(NOW) == 1
    assert sorted(int(name.session_id, 16) for name in scene.shelf.parts()) == [2, 3]
    assert await scene.tidying().join_abandoned(NOW) == 0


async def test_while_nobody_can_tell_what_goes_on_nothing_is_joined(scene: Scene) -> None:
    scene.put(1, age=3600)
    away = SharedState.connect("redis://127.0.0.1:1")
    scene.registry = Registry(away)
    with pytest.raises(StateUnavailable):
        await scene.tidying().join_abandoned(NOW)
    await away.aclose()


async def test_recordings_are_kept_for_days_of_their_own(scene: Scene) -> None:
    for number, days in ((1, 8), (2, 6), (3, 8), (4, 400)):
        scene.put_whole(number)
        await scene.store(number, days=days, name="Boris" if number == 3 else "anna")
    retention = Retention(7, parse_rules("user:boris=30"))
    assert await scene.tidying(retention).sweep(NOW) == 2
    assert scene.left == [2, 3]
    assert await scene.tidying(Retention(0)).sweep(NOW) == 2
    assert await scene.tidying(Retention(0)).sweep(NOW) == 0


async def test_what_no_transcript_is_known_of_goes_after_a_day(scene: Scene) -> None:
    await scene.settle()
    scene.put_whole(1, age=ORPHANED_AFTER + 60)
    scene.put_whole(2, age=ORPHANED_AFTER - 60)
    scene.put(3, age=ORPHANED_AFTER + 60)
    scene.put(4, age=ORPHANED_AFTER + 60)
    await scene.registry.beat([live(session(4))])
    assert await scene.tidying().sweep(NOW) == 2
    assert scene.left == [2, 4]


async def test_a_database_that_knows_none_of_a_folder_deletes_none(scene: Scene) -> None:
    scene.put_whole(1, age=ORPHANED_AFTER + 60)
    for _ in range(2):
        with capture_logs() as logs:
            assert await scene.tidying().sweep(NOW) == 0
        (warning,) = logs
        assert (warning["log_level"], warning["sessions"]) == ("warning", 1)
        assert "RELAY_DATABASE_URL" in warning["why"]
    assert scene.left == [1]
    assert not scene.shelf.marks()


async def test_a_folder_of_two_databases_keeps_what_one_of_them_doesnt_know(
    scene: Scene, other: Database
) -> None:
    await scene.settle()
    ours = scene.database
    scene.database = other
    scene.put_whole(1, age=ORPHANED_AFTER + 60)
    assert await scene.tidying().sweep(NOW) == 0  # by its mark alone
    await scene.settle()
    (theirs,) = scene.shelf.marks().keys() - {(await lineage_of(ours)).id}
    scene.database = ours
    with capture_logs() as logs:
        assert await scene.tidying().sweep(NOW) == 0
    assert str(scene.shelf.mark_of(theirs)) in logs[0]["why"]
    scene.shelf.mark_of(theirs).unlink()
    assert await scene.tidying().sweep(NOW) == 1


async def test_a_database_from_a_backup_deletes_nothing_that_it_doesnt_know(scene: Scene) -> None:
    await scene.settle()
    backup = await lineage_of(scene.database)
    await scene.settle(98)
    scene.put_whole(1, age=ORPHANED_AFTER + 60)
    async with scene.database.writing() as connection:
        await connection.execute(update(LINEAGE).values(sweeps=backup.sweeps))
    for _ in range(3):
        with capture_logs() as logs:
            assert await scene.tidying().sweep(NOW) == 0
    mark = scene.shelf.mark_of(backup.id)
    assert str(mark) in logs[0]["why"]
    mark.unlink()
    await scene.settle()
    assert await scene.tidying().sweep(NOW) == 1


async def test_a_mark_that_was_written_in_part_is_written_again(scene: Scene) -> None:
    await scene.settle()
    (mark,) = map(scene.shelf.mark_of, scene.shelf.marks())
    mark.write_text("")
    scene.put_whole(1, age=ORPHANED_AFTER + 60)
    assert await scene.tidying().sweep(NOW) == 0
    await scene.settle()
    assert await scene.tidying().sweep(NOW) == 1


async def test_what_was_erased_goes_at_once_and_of_an_erased_account_soon(scene: Scene) -> None:
    await scene.store(1)
    scene.put_whole(1)
    assert await Erasure(scene.database).delete(session(1), None)
    await Erasure(scene.database).block_account("user:9")
    scene.put_whole(2, age=ERASED_AFTER + 60, account="user:9")
    scene.put_whole(3, age=ERASED_AFTER - 60, account="user:9")
    scene.put_whole(4, age=ERASED_AFTER + 60)
    assert await scene.tidying().sweep(NOW) == 2
    assert scene.left == [3, 4]


async def test_without_redis_only_what_was_erased_for_sure_goes(scene: Scene) -> None:
    await scene.store(1)
    scene.put_whole(1)
    await Erasure(scene.database).delete(session(1), None)
    scene.put_whole(2, age=ORPHANED_AFTER + 60)
    away = SharedState.connect("redis://127.0.0.1:1")
    scene.registry = Registry(away)
    assert await scene.tidying().sweep(NOW) == 1
    assert scene.left == [2]
    await away.aclose()
