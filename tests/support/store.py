"""Databases for tests: the same contract on PostgreSQL, on a file, and in memory."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from relay.store import Database
from relay.store.tables import METADATA
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests that need a database of their own in it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """A database that tests have one after the other, since making one takes a while."""
    return postgres_server.create_database()


@pytest.fixture(params=["postgres", "file"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables that other processes can open too."""
    if request.param == "file":
        return f"sqlite+aiosqlite:///{tmp_path}/relay.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database()


@pytest.fixture(params=["postgres", "file", "memory"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that `database` empties."""
    match request.param:
        case "file":
            return f"sqlite+aiosqlite:///{tmp_path}/relay.db"
        case "memory":
            return "sqlite+aiosqlite://"
        case _:
            return str(request.getfixturevalue("postgres_url"))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database, ready."""
    made = Database(database_url)
    await made.start()
    async with made.writing() as connection:
        for table in reversed(METADATA.sorted_tables):
            await connection.execute(table.delete())
    yield made
    await made.aclose()
