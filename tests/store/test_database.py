import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from relay.errors import StoreUnavailable
from relay.store import ApiKeys, Approved, Database, Kiosks, Users, database
from relay.store.tables import USERS
from tests.support.postgres import PostgresServer

NOW = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
async def on_file(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite+aiosqlite:///{tmp_path}/new/folder/relay.db")
    await made.start()
    yield made
    await made.aclose()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with PostgresServer() as server:
        yield server


async def pragma(database: Database, name: str) -> object:
    async with database.reading() as connection:
        return (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()


@pytest.mark.parametrize(
    "url", ["", "relay.db", "mysql://host/x", "sqlite", "sqlite+pysqlite:///x", "postgresql:x"]
)
def test_any_other_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^it begins with neither sqlite:// nor postgresql://$"):
        Database(url)


def test_a_path_after_two_slashes_is_refused() -> None:
    with pytest.raises(ValueError, match="three slashes"):
        Database("sqlite://relay.db")


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///relay.db", "relay.db"),
        ("sqlite+aiosqlite:///data/relay.db", "data/relay.db"),
        ("sqlite:////var/lib/relay.db", "/var/lib/relay.db"),
        ("sqlite://", None),
        ("sqlite+aiosqlite://", None),
        ("sqlite:///:memory:", None),
        ("postgres://host/relay", None),
    ],
)
def test_the_url_says_where_the_file_is(url: str, file: str | None) -> None:
    assert Database(url).file == (None if file is None else Path(file))


async def test_it_answers(database: Database) -> None:
    await database.ping()


async def test_an_exception_takes_everything_back(database: Database) -> None:
    with pytest.raises(KeyError):
        await fail_while_writing(database)
    assert await Users(database).count() == 0


async def fail_while_writing(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(
            USERS.insert().values(id="1", name="x", folded="x", is_operator=False, created_at=NOW)
        )
        raise KeyError


async def test_a_cancelled_transaction_leaves_nothing_and_breaks_nothing(
    database: Database,
) -> None:
    users = Users(database)
    await users.add("anna", None)
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.writing() as connection:
            await connection.execute(USERS.delete())
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(hang())
        await inside.wait()
        task.cancel()
    for turns in range(30):
        adding = asyncio.ensure_future(users.add("bella", None))  # noqa: TID251  # awaited below
        for _ in range(turns):
            await asyncio.sleep(0)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)
        await users.remove("bella")
    assert [user.name for user in await users.list()] == ["anna"]


async def test_who_reads_does_not_wait_for_who_writes(on_file: Database) -> None:
    async with on_file.writing() as writer:
        await writer.execute(
            USERS.insert().values(id="1", name="x", folded="x", is_operator=False, created_at=NOW)
        )
        assert await Users(on_file).count() == 0
    assert await Users(on_file).count() == 1


async def test_who_reads_before_writing_is_not_overtaken(database: Database) -> None:
    async def add_one() -> None:
        async with database.writing(alone=database_lock) as connection:
            query = select(func.count()).select_from(USERS)
            count = (await connection.execute(query)).scalar_one()
            await connection.execute(
                USERS.insert().values(
                    id=str(count), name="x", folded=str(count), is_operator=False, created_at=NOW
                )
            )

    await asyncio.gather(*(add_one() for _ in range(30)))
    assert await Users(database).count() == 30


database_lock = database.Lock.ENROLMENT


async def test_a_file_is_made_for_its_owner_alone(on_file: Database) -> None:
    assert on_file.file is not None
    await Users(on_file).add("anna", None)
    assert stat.S_IMODE(on_file.file.parent.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in on_file.file.parent.iterdir()}
    assert modes == {"relay.db": 0o600, "relay.db-wal": 0o600, "relay.db-shm": 0o600}


async def test_sqlite_is_set_up_for_several_workers(on_file: Database) -> None:
    assert await pragma(on_file, "journal_mode") == "wal"
    assert await pragma(on_file, "foreign_keys") == 1
    assert await pragma(on_file, "synchronous") == 1
    assert await pragma(on_file, "busy_timeout") == 5000


async def test_a_closed_database_can_be_closed_again(database: Database) -> None:
    await database.aclose()
    await database.aclose()


async def test_what_is_in_memory_belongs_to_one_object() -> None:
    one, other = Database("sqlite://"), Database("sqlite://")
    await one.start()
    await other.start()
    await Users(one).add("anna", None)
    assert (await Users(one).count(), await Users(other).count()) == (1, 0)
    await one.aclose()
    await other.aclose()


async def test_nothing_secret_is_stored_in_clear(on_file: Database) -> None:
    users, keys, kiosks = Users(on_file), ApiKeys(on_file), Kiosks(on_file)
    anna = await users.add("anna", None)
    link = await users.create_link(anna.id, NOW)
    _, key = await keys.create("billing")
    waiting = await kiosks.begin("10.0.0.1", NOW)
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    await kiosks.approve(enrolment.code, "lobby", (), "anna", NOW)
    answer = await kiosks.poll(enrolment.device_secret, NOW)
    assert isinstance(answer, Approved)
    assert link is not None
    assert on_file.file is not None
    stored = b"".join(path.read_bytes() for path in on_file.file.parent.iterdir())
    assert b"billing" in stored
    for secret in (link, key, waiting.device_secret, enrolment.device_secret, answer.secret):
        assert secret[-43:].encode() not in stored


async def test_a_locked_file_is_not_waited_for_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.3)
    made = Database(f"sqlite:///{tmp_path}/relay.db")
    await made.start()
    async with made.writing():
        with pytest.raises(StoreUnavailable, match=r"database is locked\.$"):
            await Users(made).add("anna", None)
    await Users(made).add("anna", None)
    await made.aclose()


async def test_who_needs_a_connection_does_not_wait_for_one_forever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Database("sqlite://")
    await made.start()
    async with made.writing():
        monkeypatch.setattr(database, "ANSWER_TIMEOUT", 0.2)
        with pytest.raises(StoreUnavailable, match=r"no answer within 0\.2 s\.$"):
            await Users(made).add("anna", None)
    await Users(made).add("anna", None)
    await made.aclose()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "relay.db"
    file.write_text("not a database, though long enough to look at" * 50)
    made = Database(f"sqlite:///{file}")
    with pytest.raises(StoreUnavailable, match=r"can't be used: file is not a database\.$"):
        await made.start()
    await made.aclose()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    made = Database(f"sqlite:///{tmp_path}/file/relay.db")
    with pytest.raises(StoreUnavailable, match=r"file/relay\.db can't be made: "):
        await made.start()


async def test_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 35, 5))
    with pytest.raises(StoreUnavailable, match=r"SQLite 3\.36 is needed and this is "):
        await Database("sqlite://").start()


async def test_postgres_that_is_not_there_is_unavailable(own_server: PostgresServer) -> None:
    made = Database(own_server.url("postgres"))
    await made.start()
    own_server.stop()
    with pytest.raises(StoreUnavailable):
        await made.ping()
    with pytest.raises(StoreUnavailable, match="Connect call failed"):
        await Users(made).add("anna", None)
    own_server.start()
    await made.ping()
    await made.aclose()


async def test_postgres_that_hangs_is_not_waited_for_forever(
    own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Database(own_server.url("postgres"))
    await made.start()
    monkeypatch.setattr(database, "ANSWER_TIMEOUT", 0.3)
    own_server.pause()
    async with asyncio.timeout(5):
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="no answer within"):
                await made.ping()
    own_server.resume()
    monkeypatch.undo()
    await made.ping()
    await made.aclose()


async def test_a_database_that_postgres_does_not_have_is_named(
    postgres_server: PostgresServer,
) -> None:
    made = Database(postgres_server.url("nowhere"))
    with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
        await made.start()


async def test_a_user_who_may_make_no_tables_is_told_so(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    postgres_server.execute("CREATE ROLE visitor LOGIN")
    made = Database(url.replace("postgres@", "visitor:hush@"))
    with pytest.raises(StoreUnavailable, match="permission denied for schema public") as error:
        await made.start()
    assert "hush" not in str(error.value)
    await made.aclose()


@pytest.mark.parametrize(
    "query", ["sslmode=prefer", "sslmode=disable&channel_binding=prefer", "application_name=x"]
)
async def test_urls_may_be_as_hosts_of_postgres_write_them(
    postgres_server: PostgresServer, query: str
) -> None:
    url = postgres_server.create_database()
    for scheme in ("postgres", "postgresql+asyncpg"):
        made = Database(f"{scheme}://{url.partition('://')[2]}?{query}")
        await made.start()
        await made.aclose()


START = """
import asyncio, sys
from relay.store import Database, Users
async def main():
    database = Database(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await database.start()
    await Users(database).ensure("anna")
    print(await Users(database).count())
    await database.aclose()
asyncio.run(main())
"""


def test_workers_may_start_on_a_fresh_database_at_once(shared_url: str) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", START, shared_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    outcomes = [(*worker.communicate(timeout=30), worker.returncode) for worker in workers]
    assert outcomes == [("1\n", "", os.EX_OK)] * 4


async def test_one_process_may_start_several_at_once(shared_url: str) -> None:
    made = [Database(shared_url) for _ in range(5)]
    await asyncio.gather(*(one.start() for one in made))
    assert await Users(made[0]).count() == 0
    for one in made:
        await one.aclose()
