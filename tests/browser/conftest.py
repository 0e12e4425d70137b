"""A Chromium and a relay for each test."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.http.conftest import NOWHERE
from tests.support.relay import Relay, relay_to


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium of one's own: it lives in the test's event loop."""
    async with chromium() as running:
        yield running


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """A relay with the default settings."""
    async with relay_to(NOWHERE) as running:
        yield running
