"""The events of all sessions that wait for the database; workers share the work.

`append.lua` and `end.lua` write them, in the same step in which they let the client have them. Each
entry goes to one worker (a consumer group), stays that worker's until it says that it is stored,
and becomes another's where it doesn't say so in time. So an entry may be stored twice, never not at
all; whoever stores it must be content with that.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog
from redis.exceptions import ResponseError

from relay.registry.ownership import (
    UNSTORED,
    UNSTORED_BYTES,
    UNSTORED_LOST,
    Heading,
    Progress,
)
from relay.state import SharedState
from relay.state.scripts import read_script

GROUP: Final = "store"

TAKEN_AT_ONCE: Final = 64
"""Entries, some milliseconds of work, so that sessions on the same loop don't wait for it."""

CLAIM_AFTER: Final = 15.0
"""Seconds after which what a worker took and didn't store is another's. A transaction has 10; two
workers that store the same only do it twice."""

CLAIMS: Final = 6
"""Looks for what others left behind, within that time."""

FORGET_AFTER: Final = 3600.0
"""Seconds after which a worker that has nothing and asks for nothing is forgotten."""

_log = structlog.get_logger("relay.registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be stored: a committed event, or that a session has ended."""

    id: str
    session_id: str
    epoch: int
    is_fenced: bool
    """Whether its writer owned the session for certain; else Redis had forgotten whose it was."""
    heading: Heading
    progress: Progress
    starts_at: float | None
    ends_at: float | None
    event: str
    """As it was sent to the client; empty where the session has ended."""
    size: int
    """What it counts for, in bytes."""

    @property
    def at(self) -> float:
        """When it was written, in seconds since 1970, by Redis's clock."""
        return int(self.id.partition("-")[0]) / 1000


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for the database."""

    entries: int
    size_bytes: int
    lost: int
    """Entries that were dropped since there was no more room, ever."""


class Unstored:
    """What waits for the database, as one worker takes it."""

    def __init__(
        self, state: SharedState, worker: str, *, claim_after: float = CLAIM_AFTER
    ) -> None:
        """Take entries as `worker`, a name that no other one has."""
        self._state = state
        self._worker = worker
        self._claim_after_ms = round(claim_after * 1000)
        self._claim_at = 0.0
        self._stored = state.script(read_script(__package__, "stored"))
        self._leave = state.script(read_script(__package__, "leave"))

    async def take(self) -> list[Entry]:
        """Take what is to be stored next, at most `TAKEN_AT_ONCE`; say `stored` of it then.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        try:
            found = await self._take()
        except ResponseError as error:
            if "XGROUP" not in str(error) and not str(error).startswith("NOGROUP"):
                raise
            await self._make_group()
            found = await self._take()
        entries, unreadable = [], []
        for entry_id, fields in found:
            if (entry := _read(entry_id, fields or {})) is not None:
                entries.append(entry)
            elif fields:  # else it was dropped meanwhile, as there was no room
                unreadable.append((entry_id, int(fields.get("size", 0))))
        if unreadable:
            _log.error("events can't be read, and are not stored", entries=len(unreadable))
            await self._take_away(unreadable)
        return entries

    async def stored(self, entries: Sequence[Entry]) -> int:
        """Let entries go, which are in the database or need not get there.

        Returns:
            How many entries of all workers were dropped since there was no more room, ever.

        Raises:
            StateUnavailable: If Redis can't be asked; they come again then.
        """
        return await self._take_away([(entry.id, entry.size) for entry in entries])

    async def backlog(self) -> Backlog:
        """Count what waits.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        async with self._state.asking() as redis:
            entries = await redis.xlen(UNSTORED)
            size, lost = await redis.mget(UNSTORED_BYTES, UNSTORED_LOST)
        return Backlog(entries, int(size or 0), int(lost or 0))

    async def leave(self) -> None:
        """Be forgotten, and forget those who have been gone for long.

        Raises:
            StateUnavailable: If Redis can't be asked; another worker does it then.
        """
        arguments: list[str | int] = [GROUP, self._worker, round(FORGET_AFTER * 1000)]
        await self._make_group()
        await self._state.run(self._leave, [UNSTORED], arguments)

    async def _take_away(self, entries: Sequence[tuple[str, int]]) -> int:
        arguments: list[str | int] = [GROUP]
        for entry_id, size in entries:
            arguments += [entry_id, size]
        keys = [UNSTORED, UNSTORED_BYTES, UNSTORED_LOST]
        return int(await self._state.run(self._stored, keys, arguments))

    async def _take(self) -> Sequence[tuple[str, Mapping[str, str] | None]]:
        async with self._state.asking() as redis:
            if (now := time.monotonic()) >= self._claim_at:
                # What others left behind is older than anything new.
                answer = await redis.xautoclaim(
                    UNSTORED, GROUP, self._worker, self._claim_after_ms, count=TAKEN_AT_ONCE
                )
                if answer[1]:
                    claimed: Sequence[tuple[str, Mapping[str, str] | None]] = answer[1]
                    return claimed
                self._claim_at = now + self._claim_after_ms / 1000 / CLAIMS
            streams: Any = await redis.xreadgroup(
                GROUP, self._worker, {UNSTORED: ">"}, count=TAKEN_AT_ONCE
            )
        found: Sequence[tuple[str, Mapping[str, str] | None]] = streams[0][1] if streams else []
        return found

    async def _make_group(self) -> None:
        """Make the group, which a new Redis doesn't have, nor one that was emptied."""
        async with self._state.asking() as redis:
            try:
                # From the first entry on: what came before the group is to be stored too.
                await redis.xgroup_create(UNSTORED, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise


def _read(entry_id: str, fields: Mapping[str, str]) -> Entry | None:
    try:
        return Entry(
            id=entry_id,
            session_id=fields["session"],
            epoch=int(fields["epoch"]),
            is_fenced=fields["fenced"] == "1",
            heading=msgspec.json.decode(fields["heading"], type=Heading),
            progress=msgspec.json.decode(fields["progress"], type=Progress),
            starts_at=_number(fields["start"]),
            ends_at=_number(fields["end"]),
            event=fields["event"],
            size=int(fields["size"]),
        )
    except (KeyError, ValueError):  # msgspec's errors are ValueErrors
        return None


def _number(text: str) -> float | None:
    return float(text) if text else None
