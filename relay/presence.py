"""Lets operators see a worker, and what happens in its sessions, and hears what they want of it."""

import asyncio
import time
from contextlib import suppress
from typing import Final

import structlog

import relay
from relay.errors import StateUnavailable
from relay.registry import Duty, Timelines, Wish, WorkerRecord, Workers
from relay.sessions import LiveSessions

INTERVAL: Final = 2.0
"""Seconds between two beats."""

_log = structlog.get_logger("relay.sessions")


class Presence:
    """One worker among all; call `run` beside its sessions."""

    def __init__(
        self, sessions: LiveSessions, workers: Workers, timelines: Timelines, *, port: int
    ) -> None:
        """Speak for the worker that has `sessions`, and listens at `port`."""
        self._sessions = sessions
        self._workers = workers
        self._timelines = timelines
        host, _, _ = sessions.worker.rpartition(":")
        self._group = f"{host}:{port}"
        self._started_at = time.time()

    async def run(self) -> None:
        """Beat until cancelled."""
        try:
            # In a container a process may have the name of one that was killed while it drained.
            with suppress(StateUnavailable):
                await self._workers.remove(self._sessions.worker)
            while True:
                try:
                    await self.beat()
                except StateUnavailable:
                    pass  # others say so
                except Exception:
                    _log.exception("operators can't see this worker")
                await asyncio.sleep(INTERVAL)
        finally:
            with suppress(StateUnavailable):
                await self._workers.remove(self._sessions.worker)

    async def beat(self) -> None:
        """Say what there is to say, and do what is asked for.

        Raises:
            StateUnavailable: If Redis can't be asked; timelines wait until it can.
        """
        wish = await self._workers.beat(self.record())
        if wish is not None:
            self._sessions.obey(wish)
        elif self._sessions.duty is Duty.DRAINING:
            # Redis has lost what was asked, and this worker hasn't.
            await self._workers.ask(self._sessions.worker, Wish.DRAIN)
        books = self._sessions.logbooks()
        news = {session_id: book.unsent for session_id, book in books.items()}
        await self._timelines.add(news)
        for session_id, entries in news.items():
            books[session_id].forget(entries)

    def record(self) -> WorkerRecord:
        """What others may know of this worker."""
        return WorkerRecord(
            worker=self._sessions.worker,
            group=self._group,
            version=relay.__version__,
            started_at=self._started_at,
            duty=self._sessions.duty,
            sessions=len(self._sessions),
            sessions_limit=self._sessions.limit,
        )

    async def is_out_of_service(self) -> bool:
        """Whether what reaches this worker's port finds no worker that takes sessions.

        Workers of one host share a port, so a probe may come to any of them.
        """
        if self._sessions.duty is Duty.SERVING:
            return False
        try:
            workers = await self._workers.list()
        except StateUnavailable:
            return True
        return not any(
            each.duty is Duty.SERVING and each.group == self._group
            for each in workers
            if each.worker != self._sessions.worker
        )
