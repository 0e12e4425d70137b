"""One worker's time as the owner of one session: what it writes, and whether it still may."""

import asyncio
import hmac
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec
import structlog

from relay.errors import StateError, StateUnavailable
from relay.registry.journal import Journal
from relay.registry.ownership import (
    Event,
    Heading,
    Missed,
    Ownership,
    Piece,
    Progress,
    Resumable,
    Snapshot,
    Standing,
    Write,
)

REMEMBERED_BYTES: Final = 48 * 1024
"""Of a session's last events, which are written again where Redis has lost all that it knew. They
need to reach back for as long as it takes to store an event, a quarter of a second."""

_log: Final = structlog.get_logger("relay.registry")


class Tenure:
    """Writes down how far a session has come, in the name of its owner."""

    def __init__(self, ownership: Ownership, journal: Journal, session: Resumable) -> None:
        """Own `session`; `begin` lets it be resumed, unless it was taken over from another."""
        self._ownership = ownership
        self._journal = journal
        self._session = session
        self._heading = heading_of(session)
        self._remembered: deque[Event] = deque()
        self._remembered_bytes = 0

    @property
    def epoch(self) -> int:
        return self._session.epoch

    @property
    def snapshot(self) -> Snapshot:
        """What the session was begun with."""
        return self._session.snapshot

    def is_shown(self, token_digest: str) -> bool:
        """Whether a digest is that of the session's resume token; in constant time."""
        return hmac.compare_digest(self._session.token_digest, token_digest)

    async def begin(self) -> None:
        """Let the session be resumed by others; where Redis is away, `renew` does so later."""
        try:
            await self._ownership.begin(self._session)
        except StateUnavailable as error:
            _log.warning("only this worker can resume a session", text=str(error))
        except StateError:
            pass  # another attempt, whose answer was lost, has begun it
        else:
            if self._remembered:
                self._submit(list(self._remembered), self._session.pieces)

    def write(
        self, progress: Progress, events: Sequence[Event], pieces: Sequence[Piece]
    ) -> asyncio.Future[Standing | None]:
        """Write down committed events, and how far the session has come with them.

        Returns:
            What the journal says: send the events unless it is `LOST`.
        """
        known = self._session
        self._session = replace(known, progress=progress, pieces=tuple(pieces))
        changed = None if self._session.pieces == tuple(known.pieces) else pieces
        self._remember(events)
        return self._submit(events, changed)

    def _submit(
        self, events: Sequence[Event], pieces: Sequence[Piece] | None
    ) -> asyncio.Future[Standing | None]:
        write = Write(
            session_id=self._session.session_id,
            epoch=self._session.epoch,
            progress=self._session.progress,
            events=events,
            pieces=pieces,
            heading=self._heading,
        )
        return self._journal.submit(write)

    def _remember(self, events: Sequence[Event]) -> None:
        self._remembered += events
        self._remembered_bytes += sum(len(event.text) for event in events)
        while self._remembered_bytes > REMEMBERED_BYTES and len(self._remembered) > 1:
            self._remembered_bytes -= len(self._remembered.popleft().text)

    async def missed(self, after_segment: int | None) -> Missed:
        """Read the events that came after a segment's plain one; none where Redis is away."""
        try:
            return await self._ownership.missed(
                self._session.session_id, after_segment=after_segment
            )
        except StateUnavailable as error:
            _log.warning("events that a client lacks can't be read", text=str(error))
            return Missed((), is_whole=False)

    async def standing(self) -> Standing | None:
        """What this worker is to the session; None where Redis is away."""
        session_id = self._session.session_id
        try:
            return (await self._ownership.touch({session_id: self.epoch}))[session_id]
        except StateUnavailable:
            return None

    async def end(self, usage: Mapping[str, int]) -> Standing | None:
        """End the session for good, after what it used; without Redis it expires by itself."""
        progress = msgspec.structs.replace(self._session.progress, usage=usage)
        try:
            return await self._ownership.end(
                self._session.session_id, self.epoch, progress=progress, heading=self._heading
            )
        except StateUnavailable as error:
            _log.warning("a session is left to expire", text=str(error))
            return None


def heading_of(session: Resumable) -> Heading | None:
    """Say whose transcript a session makes; None where nothing of it is to be stored."""
    snapshot = session.snapshot
    if not snapshot.is_stored:
        return None
    return Heading(
        account=session.account,
        kind=str(snapshot.bearer.get("kind", "")),
        name=str(snapshot.bearer.get("name", "")),
        started_at=snapshot.started_at,
        language=dict(snapshot.query).get("language_code"),
    )
