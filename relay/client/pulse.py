"""Waking tasks that wait for something to change."""

import asyncio


class Pulse:
    """Wakes everybody who waits, and remembers nothing: look first, then wait."""

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self._event = asyncio.Event()

    def beat(self) -> None:
        """Wake all that wait now."""
        self._event.set()
        self._event.clear()

    async def wait(self) -> None:
        """Wait for the next beat."""
        await self._event.wait()
