"""One relay for all tests of a module, since a start takes a while; nobody is known to it.

A module that imports both fixtures also runs its tests in its own event loop:

    pytestmark = pytest.mark.asyncio(loop_scope="module")
"""

from collections.abc import AsyncIterator

import pytest_asyncio

from relay.store.tables import METADATA
from tests.http.conftest import NOWHERE
from tests.support.relay import Relay, relay_to


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Relay]:
    """Serve for as long as the module's tests run."""
    async with relay_to(NOWHERE) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def relay(running: Relay) -> Relay:
    """Give it to one test, with nothing in its database."""
    async with running.services.database.writing() as connection:
        for table in reversed(METADATA.sorted_tables):
            await connection.execute(table.delete())
    return running
