"""A record for each worker that lives, on all hosts, and what operators ask of it."""

from enum import StrEnum
from typing import Final

import msgspec

from relay.errors import NotFound
from relay.state import SharedState
from relay.state.scripts import read_script

LASTS: Final = 10.0
"""Seconds after which a worker that says nothing is gone."""

MAX_LISTED: Final = 1_000

WORKERS: Final = "relay:workers"
RECORD: Final = "relay:worker:"
ASKED: Final = "relay:worker-asked:"


class Duty(StrEnum):
    """Whether a worker takes sessions."""

    SERVING = "serving"
    DRAINING = "draining"
    """It takes none, and its sessions move to other workers; without sessions it is drained."""
    LEAVING = "leaving"
    """The same, and then its process ends."""


class Wish(StrEnum):
    """What an operator wants of a worker."""

    DRAIN = "drain"
    SERVE = "serve"


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may know of a worker."""

    worker: str
    """Host and process: its name among all."""
    group: str
    """Host and port: workers of one share what reaches it."""
    version: str
    started_at: float
    """Seconds since 1970."""
    duty: Duty
    sessions: int
    """Live and parked."""
    sessions_limit: int


class Workers:
    """The records of all workers."""

    def __init__(self, state: SharedState, *, lasts: float = LASTS) -> None:
        """Keep records in `state`; each is gone after `lasts` seconds unless renewed."""
        self._state = state
        self._lasts_ms = round(lasts * 1000)
        self._work = state.script(read_script(__package__, "work"))
        self._list = state.script(read_script(__package__, "list"))

    async def beat(self, record: WorkerRecord) -> Wish | None:
        """Renew a worker's record.

        Returns:
            What was asked of it last, if anything.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        name = record.worker
        asked = await self._state.run(
            self._work,
            [WORKERS, RECORD + name, ASKED + name],
            [name, msgspec.json.encode(record).decode(), self._lasts_ms],
        )
        return Wish(asked) if asked else None

    async def ask(self, worker: str, wish: Wish) -> None:
        """Let a worker know with its next beat what is wanted of it.

        Raises:
            NotFound: If there is no such worker.
            StateUnavailable: If Redis can't be asked.
        """
        async with self._state.asking() as redis:
            if not await redis.exists(RECORD + worker):
                raise NotFound("There is no such worker.")
            await redis.set(ASKED + worker, str(wish), px=self._lasts_ms)

    async def remove(self, worker: str) -> None:
        """Forget a worker that ends.

        Raises:
            StateUnavailable: If Redis can't be asked; the record then ends by itself.
        """
        async with self._state.asking() as redis:
            await redis.zrem(WORKERS, worker)
            await redis.delete(RECORD + worker, ASKED + worker)

    async def list(self) -> list[WorkerRecord]:
        """All workers that live, by name.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        found = await self._state.run(self._list, [WORKERS], [RECORD, MAX_LISTED])
        records = [msgspec.json.decode(text, type=WorkerRecord) for text in found]
        return sorted(records, key=lambda record: record.worker)
