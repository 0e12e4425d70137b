"""docs/how-to/row-level-security.sql on a real PostgreSQL, with the roles that Supabase has."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it has no types
import pytest
import pytest_asyncio

from relay.store import Database
from relay.store.segments import Said, Segments
from relay.store.tables import METADATA
from relay.store.transcripts import Filter, Transcripts
from tests.store.test_transcripts import record
from tests.support.flags import flag
from tests.support.postgres import PostgresServer

SQL = Path(__file__).parents[2] / "docs/how-to/row-level-security.sql"

KEY = "a" * 32
ANNA = "7d1f3c52-0000-4000-8000-000000000001"
BEN = "7d1f3c52-0000-4000-8000-000000000002"

SUPABASE = (
    "CREATE SCHEMA auth",
    "CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS "
    "$$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$",
    "GRANT USAGE ON SCHEMA auth, public TO anon, authenticated, relay_owner",
    "GRANT CREATE, USAGE ON SCHEMA public TO relay_owner",
    # As Supabase does it, and why the file is needed.
    "ALTER DEFAULT PRIVILEGES FOR ROLE relay_owner IN SCHEMA public "
    "GRANT ALL ON TABLES TO anon, authenticated",
)


@pytest_asyncio.fixture
async def supabase(postgres_server: PostgresServer) -> AsyncIterator[tuple[str, Database]]:
    """A project with the relay's tables: how its administrator reaches it, and the relay."""
    url = postgres_server.create_database()
    admin = await asyncpg.connect(url)
    for role in ("anon", "authenticated", "relay_owner LOGIN"):
        with contextlib.suppress(asyncpg.DuplicateObjectError):
            await admin.execute(f"CREATE ROLE {role}")
    for statement in SUPABASE:
        await admin.execute(statement)
    await admin.close()
    made = Database(url.replace("postgres@", "relay_owner@"))
    await made.start()
    owner = await asyncpg.connect(url.replace("postgres@", "relay_owner@"))
    for _ in range(2):  # as after an upgrade
        await owner.execute(SQL.read_text())
    await owner.close()
    await Segments(made).record(
        [
            record("s1", Said(number=0, text="mine"), account=f"key:{KEY}:{ANNA}", kind="key"),
            record("s2", Said(number=0, text="not mine"), account=f"key:{KEY}:{BEN}", kind="key"),
            record("s3", Said(number=0, text="nobody's"), account=f"user:{ANNA}", kind="user"),
        ]
    )
    await flag(made, "s1", 0, {"toxicity": 0.5})
    await flag(made, "s2", 0, {"toxicity": 0.5})
    yield url, made
    await made.aclose()


@asynccontextmanager
async def acting(url: str, role: str, user: str = "") -> AsyncIterator[asyncpg.Connection]:
    """Ask as Supabase's API would for somebody."""
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT set_config('request.jwt.claim.sub', $1, false)", user)
    await connection.execute(f"SET ROLE {role}")
    try:
        yield connection
    finally:
        await connection.close()


async def test_somebody_sees_their_own_and_nothing_else(supabase: tuple[str, Database]) -> None:
    url, _ = supabase
    async with acting(url, "authenticated", ANNA) as mine:
        assert await mine.fetch("SELECT id FROM transcripts") == [("s1",)]
        assert await mine.fetch("SELECT text FROM segments") == [("mine",)]
        assert await mine.fetch("SELECT transcript_id FROM segment_flags") == [("s1",)]
    async with acting(url, "authenticated") as nobody:
        assert await nobody.fetch("SELECT id FROM transcripts") == []
        assert await nobody.fetch("SELECT text FROM segments") == []


async def test_nothing_else_is_anybodys(supabase: tuple[str, Database]) -> None:
    url, _ = supabase
    for role in ("anon", "authenticated"):
        async with acting(url, role, ANNA) as connection:
            for table in [*METADATA.tables, "alembic_version"]:
                if role == "anon" or table not in ("transcripts", "segments", "segment_flags"):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.fetch(f"SELECT * FROM {table}")
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"DELETE FROM {table}")


async def test_the_relay_has_all(supabase: tuple[str, Database]) -> None:
    _, database = supabase
    assert await Transcripts(database).count(Filter()) == 3


def test_the_file_names_every_table() -> None:
    assert all(f"'{table}'" in SQL.read_text() for table in METADATA.tables)
