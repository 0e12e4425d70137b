"""Writes committed events down before they are sent: those of all sessions of a worker together.

One write is under way at a time, and what comes meanwhile goes with the next one. So the order of
each session's events is kept, a busy worker asks Redis no more often than it answers, and an idle
one waits for one answer. While Redis is away nobody waits: what couldn't be written is kept, and
written when Redis is back.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Final

import structlog

from relay.errors import StateUnavailable
from relay.registry.ownership import Ownership, Standing, Write

WRITES_AT_ONCE: Final = 64
"""In one script, which keeps Redis from others for some two milliseconds then."""

RETRY_INTERVAL: Final = 1.0
"""Seconds between two attempts while Redis is away."""

WRITE_BYTES: Final = 1024
"""What a write without events takes, timeline and future included."""

MAX_KEPT_BYTES: Final = 16 * 1024 * 1024
"""Of events that wait for Redis; beyond that the oldest are lost to whoever takes over."""

_log = structlog.get_logger("relay.registry")


@dataclass(frozen=True, slots=True)
class _Waiting:
    write: Write
    answer: asyncio.Future[Standing | None]

    @property
    def size_bytes(self) -> int:
        return WRITE_BYTES + sum(len(event.text) for event in self.write.events)

    def settle(self, standing: Standing | None) -> None:
        if not self.answer.done():
            self.answer.set_result(standing)


class Journal:
    """What the sessions of one worker write down; call `run` beside it."""

    def __init__(
        self,
        ownership: Ownership,
        *,
        retry_interval: float = RETRY_INTERVAL,
        max_kept_bytes: int = MAX_KEPT_BYTES,
    ) -> None:
        """Write through `ownership`."""
        self._ownership = ownership
        self._retry_interval = retry_interval
        self._max_kept_bytes = max_kept_bytes
        self._waiting: deque[_Waiting] = deque()
        self._kept_bytes = 0
        self._mail = asyncio.Event()
        self._is_away = False
        self._lost = 0

    def submit(self, write: Write) -> asyncio.Future[Standing | None]:
        """Write something down, after all that was submitted before.

        Returns:
            What the writer is to its session; send the events unless that is `LOST`. None where
            Redis is away: send them all the same.
        """
        waiting = _Waiting(write, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._kept_bytes += waiting.size_bytes
        if self._is_away:
            waiting.settle(None)
            self._drop_oldest()
        self._mail.set()
        return waiting.answer

    async def run(self) -> None:
        """Write until cancelled; what waits then, or comes later, is answered with None."""
        try:
            while True:
                await self._mail.wait()
                self._mail.clear()
                while self._waiting:
                    await self._write_some()
        finally:
            self._is_away = True
            self._answer_all()

    async def _write_some(self) -> None:
        batch = list(islice(self._waiting, WRITES_AT_ONCE))
        try:
            standings = await self._ownership.append([waiting.write for waiting in batch])
        except StateUnavailable as error:
            self._note_away(str(error))
            await asyncio.sleep(self._retry_interval)
            return
        self._note_back()
        for waiting, standing in zip(batch, standings, strict=True):
            self._forget(waiting)
            waiting.settle(standing)

    def _note_away(self, text: str) -> None:
        if not self._is_away:
            _log.warning("events can't be written down now", text=text)
        self._is_away = True
        self._answer_all()
        self._drop_oldest()

    def _note_back(self) -> None:
        if self._lost:
            _log.error("Redis was away for too long: other workers lack events", writes=self._lost)
        self._is_away, self._lost = False, 0

    def _answer_all(self) -> None:
        for waiting in self._waiting:
            waiting.settle(None)

    def _drop_oldest(self) -> None:
        while self._kept_bytes > self._max_kept_bytes:
            self._forget(self._waiting[0])
            self._lost += 1

    def _forget(self, waiting: _Waiting) -> None:
        """Take out the first that waits, if it is still this one."""
        if self._waiting and self._waiting[0] is waiting:
            self._waiting.popleft()
            self._kept_bytes -= waiting.size_bytes
