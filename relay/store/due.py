"""Work that waits in a table until it is due: whoever takes it has it for a time.

After that it is another one's, so a worker that dies costs a delay.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Table, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.database import Database

Taken = TypeVar("Taken")

Read = Callable[[AsyncConnection, Mapping[str, Sequence[Any]]], Awaitable[Sequence[Taken]]]
"""Reads what was taken: its `ids` are in the mapping, as a statement takes them."""


class Due:
    """The due rows of one table, which has `id` and `due_at`."""

    def __init__(
        self,
        database: Database,
        table: Table,
        *conditions: ColumnElement[bool],
        counters: Sequence[str],
    ) -> None:
        """Prepare the statements.

        Args:
            database: Where the table is.
            table: Of the work.
            conditions: Which of it; their parameters are given to `take`.
            counters: Columns that grow by one with each taking.
        """
        self._database = database
        of = table.c
        due = select(of.id).where(of.due_at <= bindparam("now"), *conditions)
        some = due.order_by(of.due_at, of.id).limit(bindparam("most"))
        if database.is_postgres:
            some = some.with_for_update(skip_locked=True)
        self._look = due.limit(1)
        self._take = (
            update(table)
            .where(of.id.in_(some))
            .values(due_at=bindparam("until"), **{name: of[name] + 1 for name in counters})
            .returning(of.id)
        )

    async def take(
        self,
        read: Read[Taken],
        now: datetime,
        *,
        lasts: float,
        limit: int,
        **parameters: object,
    ) -> Sequence[Taken]:
        """Take what is due, first what has waited the longest, and read it in one transaction.

        Args:
            read: Called with what was taken, if anything.
            now: What is due by then.
            lasts: Seconds after which another one may take it.
            limit: How much at most.
            parameters: Of the conditions.
        """
        parameters["now"] = now
        async with self._database.reading() as connection:
            # Most looks find nothing, and a look must not keep others from writing.
            if (await connection.execute(self._look, parameters)).first() is None:
                return []
        parameters |= {"until": now + timedelta(seconds=lasts), "most": limit}
        async with self._database.writing() as connection:
            taken = await connection.execute(self._take, parameters)
            ids = list(taken.scalars())
            return await read(connection, {"ids": ids}) if ids else []
