"""What the commands' tests run against: a relay and the simulator, in the test's own process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.server import Simulator
from tests.support.commands import folder
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY
from tests.support.store import postgres_server

__all__ = ["folder", "postgres_server"]

TEXTS = ("hello world", "good bye")
"""What the simulator says of each connection's first segments."""


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run commands where there is no `.env`, and keep the servers' logs out of what they print."""
    monkeypatch.chdir(tmp_path)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A Scribe that knows what it will say, and keeps what it hears."""
    async with Simulator(
        engine=ScriptedEngine(TEXTS), api_keys=(KEY,), record_audio=True
    ) as running:
        yield running


@pytest.fixture
async def relay(simulator: Simulator) -> AsyncIterator[Relay]:
    """A relay with the default settings."""
    async with relay_to(simulator.url) as running:
        yield running
