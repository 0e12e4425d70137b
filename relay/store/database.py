"""The database: how it is reached, its transactions, and what it means when it can't be asked."""

import asyncio
import os
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from weakref import WeakKeyDictionary

import asyncpg  # type: ignore[import-untyped]  # it has no types
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from relay.errors import StoreRefused, StoreUnavailable

ANSWER_TIMEOUT: Final = 10.0
"""Seconds that a transaction may take, waiting for a connection included."""

BUSY_TIMEOUT: Final = 5.0
"""Seconds that a writer waits for another one's lock on a file."""

PRAGMAS: Final = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "foreign_keys = ON",
    # What was deleted is overwritten, not only forgotten.
    "secure_delete = ON",
)
"""Of each connection to SQLite."""

POOL_SIZE: Final = 5
"""Connections of a worker: its transactions are short and not many."""

OLDEST_SQLITE: Final = (3, 36)
"""For `RETURNING` (3.35) and for a database in memory that several connections see.

*Source*: https://www.sqlite.org/changes.html, 2021-03-12 and 2021-06-18.
"""

SCHEMES: Final = ("sqlite", "sqlite+aiosqlite", "postgres", "postgresql", "postgresql+asyncpg")

_OPTIMIZE: Final = "INSERT INTO segments_search(segments_search) VALUES ('optimize')"
"""Merges the index, in which deleted words stand until then.

*Source*: https://www.sqlite.org/fts5.html#the_optimize_command
"""

_LOCK_SPACE: Final = 0x5C21BE
"""The first half of our advisory locks' numbers in PostgreSQL."""


class Lock(IntEnum):
    """What one transaction at a time may do, all workers counted."""

    MIGRATION = 1
    ENROLMENT = 2
    SWEEP = 3


class Database:
    """Connections to the one database that all workers share.

    Everything that asks it does so in `reading` or `writing`, each one transaction, which turn the
    drivers' errors into ours. They may be cancelled at any point: nothing of them stays then. They
    must not be nested.
    """

    def __init__(self, url: str) -> None:
        """Prepare; nothing is opened or made before `start`.

        Args:
            url: `sqlite+aiosqlite:///relative/path`, `sqlite+aiosqlite:////absolute/path`, or
                without a path for one in memory that ends with this object; or
                `postgresql://user:password@host/name`, with the parameters of libpq that asyncpg
                knows, such as `sslmode`.

        Raises:
            ValueError: If it is something else. The text doesn't quote it.
        """
        scheme, mark, rest = url.partition("://")
        if not mark or scheme not in SCHEMES:
            raise ValueError("it begins with neither sqlite:// nor postgresql://")
        self.file: Path | None = None
        """Where SQLite keeps it; None in memory and for PostgreSQL."""
        self._memory: sqlite3.Connection | None = None
        self._memory_name: str | None = None
        if scheme.startswith("postgres"):
            self._engine = _postgres_engine(f"postgresql://{rest}")
        elif rest and not rest.startswith("/"):
            raise ValueError("a path comes after three slashes")
        elif (path := rest.removeprefix("/")) in ("", ":memory:"):
            self._memory_name = f"file:/relay-{uuid.uuid4().hex}?vfs=memdb"
            self._engine = _sqlite_engine(f"{self._memory_name}&uri=true", pool_size=1)
        else:
            self.file = Path(path)
            self._engine = _sqlite_engine(path)
        self._writer = self._engine.execution_options(takes_write_lock=True)

    @property
    def is_postgres(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    async def start(self) -> None:
        """Make the database where it may be made, and bring its tables up to date.

        Several workers may do so at once: one does the work, the others wait for it.

        Raises:
            StoreUnavailable: If it can't be reached or used.
        """
        if not self.is_postgres and sqlite3.sqlite_version_info < OLDEST_SQLITE:
            oldest = ".".join(map(str, OLDEST_SQLITE))
            raise StoreUnavailable(
                f"SQLite {oldest} is needed and this is {sqlite3.sqlite_version}"
            )
        try:
            self._create()
        except OSError as error:
            raise StoreUnavailable(f"{self.file} can't be made: {error.strerror}") from error
        try:
            await self._migrate()
        except CommandError as error:
            raise StoreUnavailable(f"a newer release made its tables ({error})") from error
        except DBAPIError as error:
            # Also what would be our own bug elsewhere: here, it is a permission that is missing.
            raise StoreUnavailable(_reason(error)) from error

    def _create(self) -> None:
        if self._memory_name is not None and self._memory is None:
            # Keeps the memory while the pool has no connection, as after a cancelled statement.
            self._memory = sqlite3.connect(self._memory_name, uri=True)
        if self.file is not None:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made here, because SQLite would let others read it; its side files get the same mode.
            os.close(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600))

    async def _migrate(self) -> None:
        loop = asyncio.get_running_loop()
        async with (
            _MIGRATING.setdefault(loop, asyncio.Lock()),
            _translated(),
            self._writer.begin() as connection,
        ):
            await self._take(connection, Lock.MIGRATION)
            await connection.run_sync(_upgrade)

    async def aclose(self) -> None:
        """Close all connections; may be called again."""
        await self._engine.dispose()
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    async def forget_deleted(self) -> None:
        """Take what was deleted out of SQLite's side files and its index for searches.

        PostgreSQL does so by itself, when it vacuums.

        Raises:
            StoreUnavailable: If that can't be done now.
        """
        if self.is_postgres:
            return
        async with self.writing() as connection:
            await connection.execute(text(_OPTIMIZE))
        async with _translated(), asyncio.timeout(ANSWER_TIMEOUT), self._engine.connect() as raw:
            # Not within a transaction; where others read, the next time does more of it.
            await raw.exec_driver_sql("COMMIT")
            await raw.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            await raw.exec_driver_sql("BEGIN")

    async def ping(self) -> None:
        """Check that the database answers.

        Raises:
            StoreUnavailable: If it doesn't.
        """
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Ask something.

        Raises:
            StoreUnavailable: If there is no answer within `ANSWER_TIMEOUT`.
        """
        async with (
            _translated(),
            asyncio.timeout(ANSWER_TIMEOUT),
            self._engine.connect() as connection,
        ):
            yield connection

    @asynccontextmanager
    async def writing(self, alone: Lock | None = None) -> AsyncIterator[AsyncConnection]:
        """Change something; an exception takes all of it back.

        Args:
            alone: Wait until no other transaction holds this lock, and hold it to the end. SQLite
                has one writer at a time anyway.

        Raises:
            StoreUnavailable: If it wasn't done within `ANSWER_TIMEOUT`. A commit whose answer was
                lost may have been done nevertheless.
        """
        async with (
            _translated(),
            asyncio.timeout(ANSWER_TIMEOUT),
            self._writer.begin() as connection,
        ):
            if alone is not None:
                await self._take(connection, alone)
            yield connection

    async def _take(self, connection: AsyncConnection, lock: Lock) -> None:
        if self.is_postgres:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:space, :lock)"),
                {"space": _LOCK_SPACE, "lock": int(lock)},
            )


_REFUSALS: Final = ("22", "54")
"""Classes of SQLSTATE that stand for the data: it is wrong, or more than there is a limit for.

All others may pass: locks (40, 55), time-outs (57), a full disk (53), lost connections (08).

*Source*: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

_MIGRATING: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]] = WeakKeyDictionary()
"""Alembic keeps what it is doing in globals, so two databases of one process take turns."""


def migration_config() -> Config:
    """Tell Alembic where the migrations are."""
    config = Config()
    config.set_main_option("script_location", "relay.store:migrations")
    return config


def _upgrade(connection: Connection) -> None:
    config = migration_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _sqlite_engine(path: str, *, pool_size: int = POOL_SIZE) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=pool_size,
        max_overflow=0,
        # What was said and who people are must not get into logs by way of an error's text.
        hide_parameters=True,
        # Transactions begin where we say, not before the first write, as the driver would have it.
        connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later can't wait for another writer: what it
        # has read would be out of date. So it takes the lock before it reads.
        takes_lock = connection.get_execution_options().get("takes_write_lock", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if takes_lock else "BEGIN")

    return engine


def _postgres_engine(url: str) -> AsyncEngine:
    # asyncpg reads the URL itself: SQLAlchemy would hand it `sslmode` and others as arguments that
    # it doesn't have. Hosted databases add `channel_binding`, which asyncpg would send to the
    # server as a setting.
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "channel_binding"]
    url = urlunsplit(parts._replace(query=urlencode(query)))

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url, timeout=ANSWER_TIMEOUT)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=ANSWER_TIMEOUT,
        hide_parameters=True,
        # A restart of the server costs nobody an error.
        pool_pre_ping=True,
    )


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise
    except (
        DBAPIError,
        PoolExhausted,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
    ) as error:
        if (code := _sqlstate(error)).startswith(_REFUSALS):
            raise StoreRefused(code) from error
        raise StoreUnavailable(_reason(error)) from error


def _sqlstate(error: BaseException) -> str:
    """The code of PostgreSQL's error; empty where there is none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) or ""


def _reason(error: BaseException) -> str:
    """Say why in one line; the drivers' texts name hosts and users but no password."""
    if isinstance(error, TimeoutError | PoolExhausted):
        return f"no answer within {ANSWER_TIMEOUT:g} s"
    if isinstance(error, DBAPIError) and error.orig is not None:
        # asyncpg's own error stands behind the one that SQLAlchemy makes of it.
        error = error.orig.__cause__ or error.orig
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
