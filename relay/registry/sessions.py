"""A record for each live session, renewed by its worker; no transcript is ever in one."""

from collections.abc import Iterable
from typing import Final

import msgspec

from relay.state import SharedState
from relay.state.scripts import read_script

LASTS: Final = 12.0
"""Seconds after which a record that nobody renews is gone."""

ENDING_LASTS: Final = 60.0
"""Seconds for which an ending is asked for: more than a worker takes to come back to Redis."""

MAX_LISTED: Final = 10_000

LIVE: Final = "relay:live"
ENDINGS: Final = "relay:endings"
RECORD: Final = "relay:session:"


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may know of a live session, short of what is said in it."""

    session_id: str
    worker: str
    """Host and process that serve it."""
    account: str
    kind: str
    """`user`, `kiosk` or `key`."""
    name: str
    """Of the user, the kiosk or the key."""
    address: str | None
    started_at: float
    """Seconds since 1970, by the worker's clock."""
    state: str
    """`queued`, `opening`, `open`, `parked` or `ending`."""
    sample_rate: int
    encoding: str
    channels: int
    commit_strategy: str
    language_code: str | None
    received_ms: int
    sent_ms: int
    segments: int
    warnings: tuple[str, ...] = ()
    """Codes of what is wrong with its sound now."""
    recent: str = ""
    """A letter for each ten seconds of the last ten minutes: `relay.logbook.Mark`."""
    added_latency_ms: float | None = None
    """What the relay added lately, 99th percentile."""
    speech_to_final_ms: float | None = None
    """What finals took lately, the median."""
    reconnects: int = 0
    """Sockets that followed one that had failed, on this worker."""
    gap_ms: int = 0
    """Audio that no final will cover, on this worker."""


class Registry:
    """The records of all live sessions."""

    def __init__(self, state: SharedState, *, lasts: float = LASTS) -> None:
        """Keep records in `state`; each is gone after `lasts` seconds unless renewed."""
        self._state = state
        self._lasts_ms = round(lasts * 1000)
        self._beat = state.script(read_script(__package__, "beat"))
        self._list = state.script(read_script(__package__, "list"))

    async def beat(self, records: Iterable[SessionRecord]) -> dict[str, str]:
        """Renew the records of a worker's sessions in one round trip.

        Returns:
            Which of them `ask_to_end` was called for, and why.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        arguments: list[str | int] = [RECORD, self._lasts_ms]
        for record in records:
            arguments += [record.session_id, msgspec.json.encode(record).decode()]
        if len(arguments) == 2:
            return {}
        told = await self._state.run(self._beat, [LIVE, ENDINGS], arguments)
        return dict(zip(told[::2], told[1::2], strict=True))

    async def ask_to_end(self, session_id: str, reason: str) -> None:
        """Let a session's worker know with its next beat that it is to end.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        async with self._state.asking() as redis:
            await redis.hset(ENDINGS, session_id, reason)
            await redis.pexpire(ENDINGS, round(ENDING_LASTS * 1000))

    async def remove(self, session_id: str) -> None:
        """Forget a session that has ended.

        Raises:
            StateUnavailable: If Redis can't be asked; the record then ends by itself.
        """
        async with self._state.asking() as redis:
            await redis.zrem(LIVE, session_id)
            await redis.delete(RECORD + session_id)
            await redis.hdel(ENDINGS, session_id)

    async def list(self) -> list[SessionRecord]:
        """All live sessions, at most `MAX_LISTED`, the longest living first.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        found = await self._state.run(self._list, [LIVE], [RECORD, MAX_LISTED])
        records = [msgspec.json.decode(text, type=SessionRecord) for text in found]
        return sorted(records, key=lambda record: record.started_at)

    async def find(self, session_id: str) -> SessionRecord | None:
        """One live session, if it is there.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        async with self._state.asking() as redis:
            text = await redis.get(RECORD + session_id)
        return None if text is None else msgspec.json.decode(text, type=SessionRecord)
