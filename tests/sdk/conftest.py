"""A recognising simulator for each file of tests, and a relay to it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from relay.simulator.engines.sphinx import SphinxEngine
from relay.simulator.server import Simulator
from tests.sdk.said import IN_MID_SENTENCE
from tests.sdk.targets import Target
from tests.support.relay import relay_to
from tests.support.settings import KEY


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    """A Scribe that recognises speech, and keeps it."""
    pytest.importorskip("pocketsphinx", reason="there is no wheel for this Python")
    # Room for streams of the tests before that haven't ended yet.
    engine = SphinxEngine(processes=1, streams_per_process=8)
    async with Simulator(engine=engine, api_keys=(KEY,), record_audio=True) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relay(simulator: Simulator) -> AsyncIterator[Target]:
    """A relay to it."""
    async with relay_to(simulator.url, commit_timeout=30, stop_timeout=60) as running:
        yield Target(running.url, running.key, simulator)


@pytest.fixture
def alone(simulator: Simulator) -> Target:
    """The simulator, with nothing from the tests before."""
    simulator.connections.clear()
    return Target(simulator.url.replace("ws", "http", 1), KEY, simulator)


@pytest.fixture
def relayed(relay: Target) -> Target:
    """The relay, with nothing from the tests before."""
    relay.simulator.connections.clear()
    return relay


@pytest.fixture(params=["alone", "relayed"])
def target(request: pytest.FixtureRequest) -> Target:
    """Each of the two in turn."""
    either: Target = request.getfixturevalue(request.param)
    return either


@pytest.fixture
def breaking(relayed: Target) -> Target:
    """The relay, whose next socket to the provider is reset in mid-sentence."""
    relayed.simulator.faults.add(IN_MID_SENTENCE)
    return relayed
