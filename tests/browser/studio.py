"""What tests of recording share: people who record, and relays that restart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.async_api import Browser, Locator, Page, expect

from relay.audio.pcm import Int16
from relay.server import RelayServer
from relay.simulator.server import Simulator
from relay.upstream.session import MIN_COMMIT
from tests.browser.microphone import best_match
from tests.browser.scene import become
from tests.browser.visiting import visit
from tests.support.people import person
from tests.support.ports import free_port
from tests.support.relay import Relay, relay_to
from tests.support.settings import settings_for

SENTENCES: Final = [
    "the train to the city leaves at nine in the morning",
    "please open the window because it is very warm in here",
]
"""Words that the recogniser's dictionary knows."""

REMARKS: Final = ["good morning", "thank you", "one moment"]
"""For where words don't matter, only that they come soon, and one after the other."""

SCRIBE_RATE: Final = 16_000
"""Hz, of what the simulator keeps."""

REFUSED: Final = "ERR_CONNECTION_REFUSED"
"""What Chromium notes in its console while a relay is away."""


@asynccontextmanager
async def recorder(
    browser: Browser, relay: Relay, name: str = "anna", **options: Any
) -> AsyncIterator[Page]:
    """Open the recorder in somebody's name."""
    somebody = await person(relay, name)
    async with visit(browser, **options) as page:
        await become(page.context, relay, somebody)
        await page.goto(relay.url)
        await expect(page.get_by_role("button", name="Start recording")).to_be_visible()
        yield page


async def record(page: Page) -> None:
    """Press the one control, and wait until the relay hears."""
    await page.get_by_role("button", name="Start recording").click()
    await expect(status(page)).to_contain_text("Live", timeout=15_000)


async def stop(page: Page) -> None:
    """Press it again, and wait for the last words."""
    await page.get_by_role("button", name="Stop recording").click()
    await expect(status(page)).to_contain_text("Ready", timeout=20_000)


def status(page: Page) -> Locator:
    """The pill."""
    return page.locator("#status")


def finals(page: Page) -> Locator:
    """The committed lines."""
    return page.get_by_role("log").locator("p.scribe-text")


def problem(page: Page, kind: str) -> Locator:
    """The notice of a problem."""
    return page.locator(f"[data-problem={kind}]")


def check_all_was_committed(speech: Path, simulator: Simulator) -> None:
    """What the provider's sockets committed, one after the other, is what was said."""
    committed = [
        _without_padding(connection.audio[commit.start : commit.end])
        for connection in simulator.connections
        for commit in connection.commits
    ]
    correlation, moved = best_match(speech, np.concatenate(committed))
    is_same = correlation > 0.99 and all(abs(each) <= 2 for each in moved)
    assert is_same, (correlation, moved, [len(audio) for audio in committed])


def _without_padding(segment: Int16) -> Int16:
    """The relay lengthens what is too short for Scribe, such as the rest at a session's end."""
    is_padded = len(segment) == round(MIN_COMMIT * SCRIBE_RATE)
    return np.trim_zeros(segment, "b") if is_padded else segment


class Restarting:
    """A relay that can go away and come back, at the same address and with the same accounts."""

    def __init__(self, folder: Path, upstream_url: str, **values: Any) -> None:
        self._upstream_url = upstream_url
        self._values = {
            "port": free_port(),
            "database_url": f"sqlite+aiosqlite:///{folder / 'relay.db'}",
            **values,
        }

    def first(self) -> Any:
        """The relay, for the first time."""
        return relay_to(self._upstream_url, **self._values)

    def again(self) -> RelayServer:
        """The relay, once more."""
        return RelayServer(settings_for(self._upstream_url, **self._values))
