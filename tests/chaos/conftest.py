"""One rig for all sessions of a file: it takes longer to start than most rows take."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.chaos.rig import Rig, running_rig


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig() -> AsyncIterator[Rig]:
    """Two hosts and all that they stand on."""
    async with running_rig() as running:
        yield running
