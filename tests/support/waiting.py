"""The one way in which tests wait for what others do: look again and again, until a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable

INTERVAL = 0.02
"""Seconds between two looks."""


def wait_until(is_met: Callable[[], bool], what: str, *, seconds: float = 10.0) -> None:
    """Look until `is_met`, outside of an event loop.

    Raises:
        AssertionError: If that takes longer than `seconds`.
    """
    end = time.monotonic() + seconds
    while not is_met():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(INTERVAL)


async def until(
    is_met: Callable[[], Awaitable[bool]],
    what: str,
    *,
    seconds: float = 10.0,
    interval: float = INTERVAL,
) -> float:
    """Look until `is_met`.

    Returns:
        Seconds that it took.

    Raises:
        AssertionError: If that takes longer than `seconds`.
    """
    begin = time.monotonic()
    while not await is_met():
        assert time.monotonic() - begin < seconds, f"waited {seconds:g} s for {what}"
        await asyncio.sleep(interval)
    return time.monotonic() - begin
