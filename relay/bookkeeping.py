"""What the sessions of a worker have used, on its way into the database."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

import structlog

from relay.bridge_config import NOTHING_USED, Consumption
from relay.errors import StoreUnavailable
from relay.store.usage import Usage, UsageRow

MAX_UNWRITTEN: Final = 100_000
"""Rows of usage kept while the database is away."""

_log = structlog.get_logger("relay.sessions")


class Bookkeeping:
    """Writes down what sessions have used; what can't be written is kept for later."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._unwritten: dict[tuple[str, date], UsageRow] = {}
        self._writing = asyncio.Lock()
        self._writes_begun = 0

    def keep(self, rows: Collection[UsageRow]) -> None:
        """Take rows to be written; each takes the place of the one before it."""
        for row in rows:
            self._unwritten[row.session_id, row.day] = row
        while len(self._unwritten) > MAX_UNWRITTEN:
            _log.error("usage is lost: the database has been away for too long")
            del self._unwritten[next(iter(self._unwritten))]

    async def write(self) -> None:
        """Write what is kept."""
        begun_before = self._writes_begun
        # One at a time: of two writes of the same row the older one could else come last.
        async with self._writing:
            if self._writes_begun > begun_before:
                return  # it began after this was asked for, so it has taken all of it
            self._writes_begun += 1
            await self._write_rows(list(self._unwritten.values()))

    async def _write_rows(self, rows: Sequence[UsageRow]) -> None:
        try:
            await self._usage.record(rows)
        except StoreUnavailable as error:
            _log.warning("usage can't be written now", text=str(error), rows=len(rows))
            return
        for row in rows:
            if self._unwritten.get((row.session_id, row.day)) is row:
                del self._unwritten[row.session_id, row.day]

    async def used_before(
        self, session_id: str, day: date, *, began_on: date, used: Consumption
    ) -> Consumption:
        """What a session that was another worker's had used before a day.

        The rows of the days before tell: with the day's own, they have to come to what it used in
        all. Where they can't be read, all that it `used` until now counts as written down.
        """
        if began_on >= day:
            return NOTHING_USED
        try:
            return Consumption(**await self._usage.of_session(session_id, before=day))
        except StoreUnavailable as error:
            _log.warning("a session's usage can't be looked up", text=str(error))
            return used
