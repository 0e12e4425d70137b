"""Deletes what is kept no longer, and settles what nobody ended, beside the sessions."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from relay.errors import StateUnavailable, StoreUnavailable
from relay.registry import Registry
from relay.retention import Retention
from relay.store.database import Database
from relay.store.erasure import REMEMBERED_FOR, Erasure
from relay.store.expiry import end_abandoned, expired, spelled_as_stored
from relay.store.usage import Usage

INTERVAL: Final = 3600.0
"""Seconds between two sweeps of a worker, on average; drawn, so that workers take turns."""

ABANDONED_AFTER: Final = 900.0
"""Seconds after which a session is over that was heard no more and that no worker has."""

_log = structlog.get_logger("relay.transcripts")


class Sweep:
    """What time settles; call `run` beside the sessions."""

    def __init__(self, database: Database, registry: Registry, retention: Retention) -> None:
        """Delete what `retention` says, of all that is in `database`."""
        self._database = database
        self._erasure = Erasure(database)
        self._registry = registry
        self._retention = retention

    async def run(self) -> None:
        """Sweep until cancelled; any number of workers may."""
        while True:
            try:
                await self.sweep(datetime.now(UTC))
            except StoreUnavailable as error:
                _log.warning("transcripts can't be swept now", text=str(error))
            except Exception as error:
                # Its text might quote what was said.
                _log.error("transcripts can't be swept", error=type(error).__name__)
            await asyncio.sleep(INTERVAL * random.uniform(0.5, 1.5))  # noqa: S311  # jitter

    async def sweep(self, now: datetime) -> int:
        """Do it once.

        Returns:
            How many transcripts were deleted.

        Raises:
            StoreUnavailable: If the database can't be asked; what was done by then stays so.
        """
        retention = await spelled_as_stored(self._database, self._retention)
        count = await self._erasure.delete_all(expired(retention, now))
        if count:
            _log.info("transcripts deleted, as they are kept no longer", transcripts=count)
        # Of whoever was interrupted while they erased themselves, and can't sign in to go on.
        await Usage(self._database).erase_removed()
        await self._database.forget_deleted()  # also what people have deleted
        await self._erasure.forget(now - timedelta(seconds=REMEMBERED_FOR))
        try:
            live = [record.session_id for record in await self._registry.list()]
        except StateUnavailable:
            return count  # nobody can tell what goes on
        silent_since = now - timedelta(seconds=ABANDONED_AFTER)
        await end_abandoned(self._database, before=silent_since, live=live)
        return count
