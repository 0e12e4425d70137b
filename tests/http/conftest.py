"""A relay on a real socket, whose provider nobody needs."""

from collections.abc import AsyncIterator

import pytest

from relay.simulator.server import Simulator
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY

NOWHERE = "ws://127.0.0.1:9"
"""Where nobody listens: the port of the discard service."""


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """A relay with the default settings."""
    async with relay_to(NOWHERE) as running:
        yield running


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A provider, for the few tests in which somebody speaks."""
    async with Simulator(api_keys=(KEY,)) as running:
        yield running
