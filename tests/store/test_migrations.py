import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from relay.errors import StoreUnavailable
from relay.store import Database
from relay.store.database import migration_config
from relay.store.tables import METADATA, SEARCH, is_described

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "relay/store/migrations"


def tables(connection: Connection) -> set[str]:
    names = set(inspect(connection).get_table_names()) - {"alembic_version"}
    return {name for name in names if not name.startswith(SEARCH)}


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"include_name": is_described})
    return list(compare_metadata(context, METADATA))


def index_conditions(connection: Connection) -> set[str]:
    found = set()
    for table in tables(connection):
        for index in inspect(connection).get_indexes(table):
            options = index.get("dialect_options", {})
            where = options.get("sqlite_where", options.get("postgresql_where"))
            if where is not None:
                found.add(f"{index['name']}: {str(where).strip('()')}")
    return found


def migrate(connection: Connection, revision: str, run: Any = command.upgrade) -> None:
    config = migration_config()
    config.attributes["connection"] = connection
    run(config, revision)


async def test_the_migrations_make_the_tables_that_the_code_describes(shared_url: str) -> None:
    database = Database(shared_url)
    await database.start()
    async with database.reading() as connection:
        assert await connection.run_sync(tables) == set(METADATA.tables)
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(index_conditions) == {
            "uq_kiosks_folded: revoked_at IS NULL",
            "uq_api_keys_folded: revoked_at IS NULL",
        }
    await database.aclose()


async def test_every_migration_can_be_taken_back(shared_url: str) -> None:
    database = Database(shared_url)
    await database.start()
    async with database.writing() as connection:
        await connection.run_sync(migrate, "base", command.downgrade)
        assert await connection.run_sync(tables) == set()
        await connection.run_sync(migrate, "head")
        assert await connection.run_sync(differences) == []
    await database.aclose()


async def test_flags_outlive_the_change_of_their_table_and_its_way_back(shared_url: str) -> None:
    database = Database(shared_url)
    await database.start()

    async def flags() -> list[tuple[Any, ...]]:
        async with database.reading() as connection:
            rows = await connection.execute(text("SELECT * FROM segment_flags ORDER BY flag"))
            return [tuple(row) for row in rows]

    async with database.writing() as connection:
        await connection.run_sync(migrate, "0002", command.downgrade)
        await connection.execute(
            text(
                "INSERT INTO transcripts (id, account, kind, name, started_at, updated_at,"
                " audio_ms, segments, words, epoch)"
                " VALUES ('s1', 'a', 'user', 'a', '2026-01-01', '2026-01-01', 0, 0, 0, 0)"
            )
        )
        await connection.execute(
            text("INSERT INTO segment_flags VALUES ('s1', 0, 'threat', 0.9), ('s1', 0, 'x', NULL)")
        )
        await connection.run_sync(migrate, "0003")
        await connection.execute(
            text(
                "INSERT INTO segment_flags"
                " (transcript_id, number, flag, score, analyser, is_raised)"
                " VALUES ('s1', 0, 'threat', 0.95, 'http', true),"
                " ('s1', 0, 'y', 0.2, 'http', false)"
            )
        )
    assert len(await flags()) == 4
    async with database.writing() as connection:
        await connection.run_sync(migrate, "0002", command.downgrade)
    assert await flags() == [("s1", 0, "threat", 0.95), ("s1", 0, "x", None)]
    await database.aclose()


async def test_starting_again_changes_nothing(shared_url: str) -> None:
    for _ in range(2):
        database = Database(shared_url)
        await database.start()
        async with database.reading() as connection:
            assert await connection.run_sync(differences) == []
        await database.aclose()


async def test_tables_of_a_newer_release_are_left_alone(shared_url: str) -> None:
    database = Database(shared_url)
    await database.start()
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match=r"a newer release made its tables .*9999"):
        await database.start()
    await database.aclose()


def test_migrations_follow_one_another_in_one_line() -> None:
    script = ScriptDirectory.from_config(migration_config())
    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert Path(revision.path).name.startswith(f"{revision.revision}_")


def alembic(*arguments: str, folder: Path = FOLDER, url: str) -> str:
    """Run the developers' command."""
    command = [sys.executable, "-m", "alembic", "-c", str(folder / "alembic.ini"), "-x"]
    printed = subprocess.run(
        [*command, f"url={url}", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return printed.stdout


def test_developers_can_compare_the_tables_with_the_migrations(shared_url: str) -> None:
    assert alembic("upgrade", "head", url=shared_url) == ""
    assert "No new upgrade operations detected." in alembic("check", url=shared_url)


def test_the_template_makes_a_migration(tmp_path: Path) -> None:
    for name in ("env.py", "alembic.ini", "script.py.mako"):
        (tmp_path / name).write_text((FOLDER / name).read_text())
    (tmp_path / "versions").mkdir()
    url = f"sqlite:///{tmp_path}/relay.db"
    options = ("--autogenerate", "--rev-id", "0001", "-m", "Everything")
    alembic("revision", *options, folder=tmp_path, url=url)
    made = (tmp_path / "versions/0001_everything.py").read_text()
    assert made.startswith('"""Everything."""\n')
    assert "sa.DateTime(timezone=True)" in made
    alembic("upgrade", "head", folder=tmp_path, url=url)
    assert "No new upgrade" in alembic("check", folder=tmp_path, url=url)
