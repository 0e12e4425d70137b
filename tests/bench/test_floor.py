"""What a session costs, against the least that it could: a ratio of two servers side by side."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from bench import systems
from bench.provider import Certificate, serving_provider
from bench.runs import Run, running

SESSIONS: Final = 24
MESSAGE_MS: Final = 50
SECONDS: Final = 2.0

MOST: Final = 4.0
"""Times the floor. On a quiet machine it is about two (docs/topics/performance.md); others who use
the same core make it dearer, since there is more to be fetched into the caches anew."""


async def test_a_session_costs_a_few_times_the_floor_at_most(tmp_path: Path) -> None:
    certificate, runs = Certificate.make(tmp_path), []
    async with AsyncExitStack() as stack:
        for system in (systems.floor, systems.Relay()):
            provider = await stack.enter_async_context(serving_provider(certificate))
            runs.append(await stack.enter_async_context(running(system, provider, MESSAGE_MS)))
        for run in runs:
            await run.grow(SESSIONS)
        await asyncio.sleep(1.0)
        # At the same time, so that whatever else the machine does is the same for both.
        floor, relay = await asyncio.gather(*(run.sample(SECONDS) for run in runs))
        assert relay.price < MOST * floor.price, f"{relay.price / floor.price:.2f} times the floor"
        await asyncio.gather(*map(check_all_arrived, runs))


async def check_all_arrived(run: Run) -> None:
    """A server that does less than all of it would be cheap."""
    run.speaking.cancel()
    await asyncio.sleep(0.5)
    for client in run.load.clients:
        assert client.inflow is not None
        assert client.is_open
        missing = client.frames / 3 - client.inflow.total
        assert 0 <= missing <= 0.25 * 16_000
