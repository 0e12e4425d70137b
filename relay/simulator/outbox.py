"""Messages and endings, in the order and at the time they are due."""

import asyncio
import heapq

from relay.simulator.actions import Outgoing, Send


class Outbox:
    """A queue by time. One task takes; what it took counts as left until `task_done`."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Outgoing]] = []
        self._count = 0
        self._unfinished = 0
        self._last_in_order = 0.0
        self._changed = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def __len__(self) -> int:
        return self._unfinished

    def put(self, action: Outgoing, now: float) -> None:
        """Schedule an action as its `delay` and `follows` say."""
        due = now + action.delay
        if action.follows:
            due = max(now, self._last_in_order) + action.delay
        elif isinstance(action, Send):
            due = self._last_in_order = max(due, self._last_in_order)
        # The count keeps what is due at the same time in order, and actions from being compared.
        heapq.heappush(self._waiting, (due, self._count, action))
        self._count += 1
        self._unfinished += 1
        self._is_empty.clear()
        self._changed.set()

    async def take(self) -> Outgoing:
        """Wait until something is due, and take it. Cancelling is safe: nothing is lost."""
        clock = asyncio.get_running_loop().time
        while True:
            self._changed.clear()
            if not self._waiting:
                await self._changed.wait()
                continue
            due = self._waiting[0][0]
            if (wait := due - clock()) <= 0:
                return heapq.heappop(self._waiting)[2]
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def task_done(self) -> None:
        """Say that what was taken last is dealt with."""
        self._unfinished -= 1
        if not self._unfinished:
            self._is_empty.set()

    async def join(self) -> None:
        """Wait until everything is dealt with."""
        await self._is_empty.wait()
