"""The provider's sessions: how many may be open at once, and a fair queue for them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relay.errors import StateUnavailable
from relay.limits.limiter import LEASE
from relay.state import SharedState
from relay.state.scripts import read_script

PATIENCE: Final = 4.0
"""Seconds after which one who waits and no longer asks loses the place in the queue."""

SETTLING: Final = 6.0
"""Seconds after Redis was away or emptied in which no slot is handed out by its count, so that all
workers can tell it what they hold: longer than the time between two of their renewals."""

SLOTS: Final = "relay:slots"
QUEUE: Final = "relay:slots:queue"
WAITING: Final = "relay:slots:waiting"
TURNS: Final = "relay:slots:turns"
SERVED: Final = "relay:slots:served"
HELD: Final = "relay:slots:held"
COUNTS_SINCE: Final = "relay:slots:counts-since"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session stands."""

    position: int
    """In the queue, from 1; 0 if it has its slot."""
    estimated_wait: float | None = None
    """Seconds, from how long slots were held lately; None if nobody knows."""

    @property
    def has_slot(self) -> bool:
        return self.position == 0


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How the provider's slots are used."""

    limit: int
    taken: int
    waiting: int
    """Sessions in the queue."""


HAS_SLOT: Final = Place(0)


class Slots:
    """Leases on the provider's sessions, for all workers and hosts together."""

    def __init__(
        self,
        state: SharedState,
        *,
        limit: int | None,
        lease: float = LEASE,
        patience: float = PATIENCE,
        settling: float = SETTLING,
        counts_alone: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hand out slots.

        Args:
            state: Shared by all who hand out the same slots.
            limit: How many there are; None for as many as are asked for.
            lease: Seconds that a slot is held unless it is renewed.
            patience: Seconds after which one who waits has to ask again.
            settling: Seconds without handing out any after Redis was away or emptied.
            counts_alone: Hand out `limit` slots by this worker's own count while Redis is away;
                else who waits goes on waiting then.
            clock: Seconds that never run backwards.
        """
        self._state = state
        self._counts_alone = counts_alone
        self._clock = clock
        self._has_begun = False
        self._held: set[str] = set()
        self._places: dict[str, Place] = {}
        self._away_until = -math.inf
        self._limit = limit
        self._lease_ms = round(lease * 1000)
        self._settling = settling
        self._patience_ms = round(patience * 1000)
        self._ask, self._hold, self._give_back = (
            state.script(read_script(__package__, name)) for name in ("ask", "hold", "give_back")
        )

    async def begin(self) -> None:
        """Vouch for the count of a Redis that has none yet: no slot is held here so far.

        Whoever finds later that this is gone knows that Redis was emptied meanwhile.

        Raises:
            StateUnavailable: If Redis can't be asked; the first who asks for a slot does it then.
        """
        if not self._has_begun and self._limit is not None:
            async with self._state.asking() as redis:
                await redis.set(COUNTS_SINCE, 0, nx=True)
            self._has_begun = True

    async def ask(self, session_id: str, account: str, *, goes_first: bool = False) -> Place:
        """Take a slot or a place in the queue; ask again, at least every second, until it has one.

        Accounts take turns, so that one with many sessions can't keep the others out. It never
        fails: while Redis is away, the worker decides by itself.

        Args:
            session_id: Who asks.
            account: Whose turn it takes.
            goes_first: Before all that wait, since it had a slot already.
        """
        if self._limit is None:
            return HAS_SLOT
        try:
            if self._clock() < self._away_until:
                # Redis may have lost which slots are held: those who hold them say so first.
                await self._state.ping()
                place = self._place_without_redis(session_id, is_away=False)
            else:
                place = await self._ask_redis(self._limit, session_id, account, goes_first)
        except StateUnavailable:
            self._away_until = self._clock() + self._settling
            place = self._place_without_redis(session_id, is_away=True)
        if place.has_slot:
            self._places.pop(session_id, None)
            self._held.add(session_id)
        else:
            self._places[session_id] = place
        return place

    async def _ask_redis(
        self, limit: int, session_id: str, account: str, goes_first: bool
    ) -> Place:
        await self.begin()
        answer = await self._state.run(
            self._ask,
            [SLOTS, QUEUE, WAITING, TURNS, SERVED, HELD, COUNTS_SINCE],
            [
                session_id,
                account,
                limit,
                self._lease_ms,
                self._patience_ms,
                int(goes_first),
                round(self._settling * 1000),
            ],
        )
        position, held_ms = map(int, answer)
        if position == 0:
            return HAS_SLOT
        wait = None if held_ms < 0 else position * held_ms / limit / 1000
        return Place(position, wait)

    def _place_without_redis(self, session_id: str, *, is_away: bool) -> Place:
        assert self._limit is not None
        has_room = is_away and self._counts_alone and len(self._held) < self._limit
        if has_room or session_id in self._held:
            return HAS_SLOT
        return Place(self._places.get(session_id, Place(len(self._places) + 1)).position)

    async def occupancy(self) -> Occupancy | None:
        """How many slots are taken, by whichever worker; None where there is no limit.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        if self._limit is None:
            return None
        async with self._state.asking() as redis:
            seconds, microseconds = await redis.time()
            now = seconds * 1000 + microseconds // 1000
            taken = await redis.zcount(SLOTS, now, "+inf")
            waiting = await redis.zcount(WAITING, now, "+inf")
        return Occupancy(self._limit, taken, waiting)

    async def hold(self) -> None:
        """Renew the leases of all slots that were handed out here.

        Raises:
            StateUnavailable: If Redis can't be asked; the sessions go on all the same.
        """
        if self._held:
            try:
                keys = [SLOTS, COUNTS_SINCE]
                await self._state.run(self._hold, keys, [self._lease_ms, *self._held])
            except StateUnavailable:
                self._away_until = self._clock() + self._settling
                raise

    def let_go(self, session_id: str) -> None:
        """Renew a session's slot no more: another worker has the session."""
        self._held.discard(session_id)
        self._places.pop(session_id, None)

    async def give_back(self, session_id: str, *, held: float) -> None:
        """Give back a slot that was held for so many seconds, or a place in the queue.

        Raises:
            StateUnavailable: If Redis can't be asked; the lease then ends by itself.
        """
        self._held.discard(session_id)
        self._places.pop(session_id, None)
        if self._limit is not None:
            keys = [SLOTS, QUEUE, WAITING, HELD]
            await self._state.run(self._give_back, keys, [session_id, round(held * 1000)])
