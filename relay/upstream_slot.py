"""A session's place among those that the provider has open at once."""

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

from relay.limits.slots import Place

SLOT_INTERVAL = 0.5
"""Seconds between two questions for a place at the provider."""

QUEUED_INTERVAL = 5.0
"""Seconds after which a client in the queue is told again, though its place is the same."""


class Slot(Protocol):
    """A session's claim to one of the provider's places, and to a second one for a moment."""

    async def ask(self) -> Place:
        """Take it, or a place in the queue; ask again until it is there."""

    async def give_back(self) -> None:
        """Give it back; it is asked for again when there is something to say."""

    async def ask_another(self) -> bool:
        """Take a second one if one is free that nobody waits for."""

    async def give_another_back(self) -> None:
        """Give the second one back."""


class UpstreamSlot:
    """Waits in the queue for a session's slot, and knows whether it is there."""

    def __init__(self, slot: Slot, queued: Callable[[Place], None]) -> None:
        """Ask for `slot`; `queued` is told where the session stands, every few seconds."""
        self._slot = slot
        self._queued = queued
        self._position: int | None = None
        self._is_held = False

    @property
    def is_queued(self) -> bool:
        """Whether the session waits for it."""
        return self._position is not None

    async def take(self) -> bool:
        """Return when it is there; whether it had to be asked for."""
        if self._is_held:
            return False
        loop, told_at = asyncio.get_running_loop(), -math.inf
        while not (place := await self._slot.ask()).has_slot:
            now = loop.time()
            if place.position != self._position or now - told_at >= QUEUED_INTERVAL:
                self._position, told_at = place.position, now
                self._queued(place)
            await asyncio.sleep(SLOT_INTERVAL)
        self._position = None
        self._is_held = True
        return True

    async def give_back(self) -> None:
        """Give it back until the next `take`."""
        self._is_held = False
        await self._slot.give_back()
