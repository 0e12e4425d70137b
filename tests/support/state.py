"""Shared state for tests: the same contract on a real Redis and on the embedded engine."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from relay.state import SharedState
from tests.support.redis import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis for all tests that only need a clean database."""
    with RedisServer() as server:
        yield server


@pytest_asyncio.fixture(params=["redis", "embedded"])
async def state(request: pytest.FixtureRequest) -> AsyncIterator[SharedState]:
    """Empty shared state, once real and once embedded."""
    url = request.getfixturevalue("redis_server").url if request.param == "redis" else None
    shared = SharedState.connect(url)
    async with shared.asking() as redis:
        await redis.flushdb()
    yield shared
    await shared.aclose()
