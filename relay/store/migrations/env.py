"""What Alembic runs: on the connection that `Database.start` gives, or alone for a developer.

A developer who has changed the tables writes a migration with

    CONFIG=relay/store/migrations/alembic.ini
    alembic -c $CONFIG -x url=sqlite:///dev.db upgrade head
    alembic -c $CONFIG -x url=sqlite:///dev.db revision --autogenerate --rev-id 0002 -m words
"""

import asyncio
import logging
from typing import Literal

from alembic import context
from sqlalchemy import Connection

from relay.store.database import Database
from relay.store.tables import METADATA, Tokens, Utc, is_described


def migrate(connection: Connection) -> None:
    """Do what the command says, in the connection's transaction."""
    # SQLite can't change a column in place, so there a table is copied.
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        render_item=render_item,
        include_name=is_described,
    )
    with context.begin_transaction():
        context.run_migrations()


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own types as what they are in SQLite; False leaves the rest to Alembic."""
    if kind != "type":
        return False
    match item:
        case Utc():
            return "sa.DateTime(timezone=True)"
        case Tokens():
            return "sa.Text()"  # in PostgreSQL it is TSVECTOR
        case _:
            return False


async def migrate_alone(url: str) -> None:
    """Do what the command says in a database of the developer's."""
    database = Database(url)
    async with database.writing() as connection:
        await connection.run_sync(migrate)
    await database.aclose()


logging.getLogger("alembic").setLevel(logging.WARNING)

if (given := context.config.attributes.get("connection")) is not None:
    migrate(given)
else:
    asyncio.run(migrate_alone(context.get_x_argument(as_dictionary=True)["url"]))
