"""Joins recordings whose sessions are over, and deletes those that are kept no longer."""

import asyncio
import random
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from relay.errors import StateUnavailable, StoreUnavailable
from relay.recording.parts import Name, owner_of
from relay.recording.shelf import Shelf
from relay.registry import Registry
from relay.retention import Retention
from relay.store.database import Database
from relay.store.erasure import Erasure
from relay.store.expiry import expired, spelled_as_stored, still_kept
from relay.store.lineage import Lineage, count_sweep, lineage_of

JOIN_INTERVAL: Final = 30.0
"""Seconds between two looks for sessions that nobody has ended, on average."""

SWEEP_INTERVAL: Final = 3600.0
"""Seconds between two sweeps of a worker, on average."""

LATE: Final = 60.0
"""Seconds of grace for clocks, and for what a session's last owner has yet to write."""

ORPHANED_AFTER: Final = 24 * 3600.0
"""Seconds after which a recording is deleted of which no transcript is known, from a folder of this
database alone; by then it would be stored, if it were to be."""

ERASED_AFTER: Final = 3600.0
"""Seconds after which that is so where its account was erased."""

ASKED_AT_ONCE: Final = 500
"""Recordings that the database is asked about in one query."""

_log: Final = structlog.get_logger("relay.recording")


@dataclass(frozen=True)
class Tidying:
    """What time settles of recordings; call `run` beside the sessions."""

    shelf: Shelf
    database: Database
    registry: Registry
    retention: Retention
    """Of recordings."""
    resumable_for: float
    """Seconds for which a session can go on that nobody has."""

    async def run(self) -> None:
        """Join and sweep until cancelled; any number of workers may."""
        sweep_at = time.monotonic()
        while True:
            await _attempt(self.join_abandoned(datetime.now(UTC)))
            if time.monotonic() >= sweep_at:
                await _attempt(self.sweep(datetime.now(UTC)))
                sweep_at = time.monotonic() + SWEEP_INTERVAL * random.uniform(0.5, 1.5)  # noqa: S311
            await asyncio.sleep(JOIN_INTERVAL * random.uniform(0.5, 1.5))  # noqa: S311  # jitter

    async def join_abandoned(self, now: datetime) -> int:
        """Join the parts of sessions that are over and that nobody has ended.

        Returns:
            How many recordings there are more.

        Raises:
            OSError: If the disk doesn't take one.
            StateUnavailable: If nobody can tell what goes on.
        """
        parts = await asyncio.to_thread(self.shelf.parts)
        since = now.timestamp() - self.resumable_for - LATE
        silent = [name for name, written_at in parts.items() if written_at < since]
        if not silent:
            return 0
        live = {record.session_id for record in await self.registry.list()}
        over = [name for name in silent if name.session_id not in live]
        return sum([await asyncio.to_thread(self.shelf.join, name) for name in over])

    async def sweep(self, now: datetime) -> int:
        """Delete what is kept no longer, and what nothing is known of any more.

        Returns:
            How many files were deleted.

        Raises:
            OSError: If one can't be deleted.
            StoreUnavailable: If the database can't be asked; what was done by then stays so.
        """
        found = await asyncio.to_thread(self.shelf.everything)
        if not found:
            return 0
        over = expired(await spelled_as_stored(self.database, self.retention), now)
        kept: dict[str, bool] = {}
        ids = sorted(name.session_id for name in found)
        for begin in range(0, len(ids), ASKED_AT_ONCE):
            kept |= await still_kept(self.database, ids[begin : begin + ASKED_AT_ONCE], over)
        orphans = {
            name: now.timestamp() - written_at
            for name, written_at in found.items()
            if name.session_id not in kept
        }
        doomed = {session_id for session_id, is_kept in kept.items() if not is_kept}
        # Before the database is asked how far it has come: other workers' sweeps count it on.
        marks = await asyncio.to_thread(self.shelf.marks)
        lineage = await lineage_of(self.database)
        doomed |= await self._condemned(orphans, _why_kept(marks, lineage, self.shelf))
        count = await asyncio.to_thread(self.shelf.delete, doomed)
        if count:
            _log.info("recordings deleted", files=count)
        if _may_mark(marks, lineage, knows_some=bool(kept)):
            counted = await count_sweep(self.database)
            await asyncio.to_thread(self.shelf.mark, *counted)
        return count

    async def _condemned(self, orphans: Mapping[Name, float], why_kept: str | None) -> set[str]:
        """Those that nobody will ask for any more, of some that have no transcript.

        Args:
            orphans: Those, and how long ago they were written, in seconds.
            why_kept: Why those stay of which nothing is known at all; None if they don't.
        """
        if not orphans:
            return set()
        erased = await Erasure(self.database).erased()
        owners = {owner_of(subject) for subject in erased}
        doomed = {name.session_id for name in orphans if name.session_id in erased}
        try:
            live = {record.session_id for record in await self.registry.list()}
        except StateUnavailable:
            return doomed  # nobody can tell what goes on
        unknown: set[str] = set()
        for name, age in orphans.items():
            if name.session_id in live or name.session_id in doomed:
                continue
            if name.owner in owners:
                if age > ERASED_AFTER:
                    doomed.add(name.session_id)
            elif age > ORPHANED_AFTER:
                unknown.add(name.session_id)
        if unknown and why_kept is not None:
            _log.warning(
                "recordings of no known transcript are kept", sessions=len(unknown), why=why_kept
            )
            return doomed
        return doomed | unknown


def _why_kept(marks: Mapping[str, int | None], lineage: Lineage, shelf: Shelf) -> str | None:
    """Why a folder's recordings may have their transcripts elsewhere, and what to do; None if not.

    That this database knows none is no proof: it may be another one, or restored from a backup.
    """
    if others := sorted(marks.keys() - {lineage.id}):
        paths = ", ".join(str(shelf.mark_of(each)) for each in others)
        return (
            "the folder is another database's (too). Check RELAY_DATABASE_URL and RELAY_AUDIO_DIR;"
            f" if that database is gone for good, delete {paths}"
        )
    seen = marks.get(lineage.id)
    if seen is None:
        return (
            "the folder isn't known yet to be this database's. If this lasts, check"
            " RELAY_DATABASE_URL and RELAY_AUDIO_DIR"
        )
    if seen > lineage.sweeps:
        return (
            "the database is older than the folder, as one that was restored from a backup."
            f" To have them deleted, delete {shelf.mark_of(lineage.id)}"
        )
    return None


def _may_mark(marks: Mapping[str, int | None], lineage: Lineage, *, knows_some: bool) -> bool:
    """Whether to mark the folder as this database's: it knows one of the recordings, or it is."""
    seen = marks.get(lineage.id)
    return knows_some if seen is None else seen <= lineage.sweeps


async def _attempt(work: Coroutine[Any, Any, object]) -> None:
    """Do it as far as it goes now; it is done again later."""
    try:
        await work
    except StateUnavailable:
        pass  # the sessions' renewal says so in the log
    except StoreUnavailable as error:
        _log.warning("recordings can't be swept now", text=str(error))
    except Exception as error:
        _log.error("recordings can't be kept in order", exc_info=error)
