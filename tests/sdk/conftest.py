"""A recognising simulator for each file of tests, and a relay to it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from relay.simulator.engines.sphinx import SphinxEngine
from relay.simulator.server import Simulator
from tests.sdk.said import IN_MID_SENTENCE
from tests.sdk.targets import TARGETS, Target
from tests.support.relay import relay_to
from tests.support.settings import KEY


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    """A Scribe that recognises speech, and keeps it."""
    pytest.importorskip("pocketsphinx", reason="there is no wheel for this Python")
    engine = SphinxEngine(processes=1)
    async with Simulator(engine=engine, api_keys=(KEY,), record_audio=True) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relay(simulator: Simulator) -> AsyncIterator[Target]:
    """A relay to it."""
    async with relay_to(simulator.url, commit_timeout=30, stop_timeout=60) as running:
        yield Target(running.url, running.key, simulator)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, simulator: Simulator) -> Target:
    """Each of the two in turn, with nothing from the tests before."""
    simulator.connections.clear()
    if request.param == "relay":
        through: Target = request.getfixturevalue("relay")
        return through
    return Target(simulator.url.replace("ws", "http", 1), KEY, simulator)


@pytest.fixture
def breaking(relay: Target) -> Target:
    """The relay, whose next socket to the provider is reset in mid-sentence."""
    simulator = relay.simulator
    simulator.connections.clear()
    simulator.faults.add(IN_MID_SENTENCE)
    return relay
