"""In Chromium, with its microphone: `@elevenlabs/client` and `@elevenlabs/react`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import chromium
from tests.browser.microphone import LEAD_SECONDS, best_match, hearing, write_speech
from tests.browser.serving import served
from tests.browser.visiting import visit
from tests.sdk.heard import MAX_MICROPHONE_ERRORS, Heard, check_broken, check_heard, check_words
from tests.sdk.said import SENTENCE, sentence
from tests.sdk.targets import Target
from tests.support.audio_files import RATE
from tests.support.node import install, npm

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES: Final = Path(__file__).parent / "browser"

MAX_WAIT_MS: Final = 60_000


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sentence between silences, as a file."""
    return write_speech(tmp_path_factory.mktemp("speech") / "speech.wav", [SENTENCE])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(speech: Path) -> AsyncIterator[Browser]:
    """A Chromium whose microphone hears it, from the beginning each time it is opened."""
    async with chromium(*hearing(speech)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def origin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where the pages are, which is neither the relay nor the simulator."""
    built = tmp_path_factory.mktemp("pages")
    await install(PAGES)
    await npm("exec", "--", "vite", "build", PAGES, "--outDir", built, "--emptyOutDir")
    async with served(built) as url:
        yield url


@asynccontextmanager
async def opened(browser: Browser, origin: str, name: str, target: Target) -> AsyncIterator[Page]:
    """Show a page that knows the target, and press its button."""
    query = urlencode({"relay": target.websocket_url, "token": await target.token()})
    async with visit(browser) as page:
        await page.goto(f"{origin}/{name}?{query}")
        await page.get_by_role("button", name="Start").click()
        yield page


async def told(page: Page) -> Heard:
    """What the page's handlers were called with."""
    return Heard.of(await page.evaluate("heard"))


async def dictate(browser: Browser, origin: str, speech: Path, target: Target) -> None:
    """Let `Scribe.connect` hear the sentence, up to the pause behind it."""
    async with opened(browser, origin, "client.html", target) as page:
        await page.wait_for_function(
            "heard.some(([kind]) => kind === 'committed_transcript')", timeout=MAX_WAIT_MS
        )
        check_heard(await told(page), max_errors=MAX_MICROPHONE_ERRORS)
        await page.evaluate("stop()")
    correlation, moved = best_match(speech, target.committed)
    # The SDK resamples linearly.
    assert correlation > 0.98
    assert all(abs(each) <= 2 for each in moved), moved


async def test_scribe_connect(browser: Browser, origin: str, speech: Path, target: Target) -> None:
    await dictate(browser, origin, speech, target)


async def test_scribe_connect_does_not_notice_that_the_provider_breaks(
    browser: Browser, origin: str, speech: Path, breaking: Target
) -> None:
    await dictate(browser, origin, speech, breaking)
    check_broken(breaking)


async def use_scribe(browser: Browser, origin: str, target: Target) -> None:
    """Let `useScribe` hear the sentence, and commit it."""
    async with opened(browser, origin, "react.html", target) as page:
        # Half a second behind the last word.
        end = round((LEAD_SECONDS + 0.5) * RATE) + sentence().size
        await target.simulator.wait_for(
            lambda: any(session.samples > end for session in target.sessions), 60
        )
        status = page.get_by_role("status")
        await expect(status).to_have_text("transcribing", timeout=MAX_WAIT_MS)
        await page.get_by_role("button", name="Commit").click()
        await expect(page.get_by_role("listitem")).to_have_count(1, timeout=MAX_WAIT_MS)
        shown = await page.get_by_role("listitem").inner_text()
        check_words(shown, max_errors=MAX_MICROPHONE_ERRORS)
        check_heard(await told(page), max_errors=MAX_MICROPHONE_ERRORS)
        await page.get_by_role("button", name="Stop").click()
        await expect(status).to_have_text("disconnected", timeout=MAX_WAIT_MS)


@pytest.mark.slow
async def test_use_scribe(browser: Browser, origin: str, target: Target) -> None:
    await use_scribe(browser, origin, target)


@pytest.mark.slow
async def test_use_scribe_does_not_notice_that_the_provider_breaks(
    browser: Browser, origin: str, breaking: Target
) -> None:
    await use_scribe(browser, origin, breaking)
    check_broken(breaking)
