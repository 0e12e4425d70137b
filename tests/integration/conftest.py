"""A relay and the simulator on real sockets, in the test's own event loop."""

from collections.abc import AsyncIterator

import pytest

from relay.simulator.server import Simulator
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A Scribe that says which samples it heard, and keeps them."""
    async with Simulator(api_keys=(KEY,), record_audio=True) as running:
        yield running


@pytest.fixture
async def relay(simulator: Simulator) -> AsyncIterator[Relay]:
    """A relay with the default settings."""
    async with relay_to(simulator.url) as running:
        yield running
