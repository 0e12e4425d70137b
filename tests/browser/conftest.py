"""Chromium and relays; for those who record, a Chromium that hears speech."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from relay.simulator.server import Simulator
from tests.browser.chromium import chromium
from tests.browser.microphone import hearing, write_speech
from tests.browser.studio import REMARKS, SENTENCES
from tests.http.conftest import NOWHERE
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium that gives its microphone to nobody."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def relay() -> AsyncIterator[Relay]:
    """A relay with the default settings."""
    async with relay_to(NOWHERE) as running:
        yield running


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sentences with pauses, as a file."""
    return write_speech(tmp_path_factory.mktemp("speech") / "speech.wav", SENTENCES)


@pytest.fixture(scope="session")
def remarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short sentences with pauses, as a file."""
    return write_speech(tmp_path_factory.mktemp("speech") / "remarks.wav", REMARKS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def listener(remarks: Path) -> AsyncIterator[Browser]:
    """A Chromium whose microphone hears the remarks again and again."""
    async with chromium(*hearing(remarks, loops=True)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def scripted() -> AsyncIterator[Simulator]:
    """A Scribe that says which samples it heard, and keeps them."""
    async with Simulator(api_keys=(KEY,), record_audio=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def station(scripted: Simulator) -> AsyncIterator[Relay]:
    """A relay to it."""
    async with relay_to(scripted.url) as running:
        yield running
