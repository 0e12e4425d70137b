"""A kiosk's screen: how it becomes one, what is said at it, and that it always comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from relay.auth.gate import KIOSK_COOKIE, SESSION_COOKIE
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.server import Simulator
from tests.browser.chromium import chromium
from tests.browser.microphone import best_match, hearing
from tests.browser.scene import become, set_cookie
from tests.browser.studio import REFUSED, SENTENCES, Restarting, problem
from tests.browser.visiting import visit
from tests.support.people import device, operator
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY
from tests.support.words import word_error_rate

pytestmark = pytest.mark.asyncio(loop_scope="module")

WITHOUT_A_TOUCH = "--autoplay-policy=no-user-gesture-required"
"""What an operator sets on a device that is to listen by itself."""

COUNT_UTTERANCES = (
    "() => { window.most = 0; const shown = document.querySelector('.utterances');"
    " new MutationObserver(() => {"
    "   most = Math.max(most, shown.querySelectorAll(':scope > p:not([role])').length);"
    " }).observe(shown, { childList: true, subtree: true, characterData: true }); }"
)
"""Keeps in `most` how many utterances have stood on the screen at once."""


@asynccontextmanager
async def kiosk(browser: Browser, relay: Relay, **options: Any) -> AsyncIterator[Page]:
    """Open the screen of a device that has been approved."""
    lobby = await device(relay)
    async with visit(browser, **options) as page:
        await set_cookie(page.context, relay, KIOSK_COOKIE, lobby.cookie)
        await page.goto(f"{relay.url}/kiosk")
        yield page


def pill(page: Page) -> Locator:
    return page.locator(".scribe-pill")


def shown(page: Page) -> Locator:
    """The utterances on the screen."""
    return page.locator(".utterances > p:not([role])")


async def test_what_is_said_after_enrolment_is_read_and_every_sample_arrives(
    speech: Path,
) -> None:
    pytest.importorskip("pocketsphinx", reason="there is no wheel for this Python")
    async with (
        Simulator(engine="pocketsphinx", api_keys=(KEY,), record_audio=True) as simulator,
        relay_to(simulator.url, commit_timeout=30, stop_timeout=60) as relay,
        chromium(*hearing(speech)) as browser,
        visit(browser) as page,
        visit(browser) as desk,
    ):
        await page.goto(f"{relay.url}/kiosk")
        await page.get_by_role("button", name="Show a code").click()
        code = await page.locator("#code").inner_text()
        await become(desk.context, relay, await operator(relay))
        await desk.goto(f"{relay.url}/ops?code={code}")
        await desk.get_by_label("Name of the kiosk").fill("lobby")
        await desk.get_by_role("button", name="Approve", exact=True).click()

        await page.get_by_role("button", name="Touch to speak").click(timeout=15_000)
        # What is read out is what is said and done with.
        await expect(page.get_by_role("log")).to_contain_text("window", timeout=40_000)
        await expect(pill(page)).to_have_text("Listening")
        for sentence, utterance in zip(SENTENCES, await shown(page).all(), strict=True):
            assert word_error_rate(sentence, await utterance.inner_text()) < 0.5
        await page.get_by_role("button", name="Touch to finish").click()
        await expect(pill(page)).to_have_text("Ready", timeout=20_000)

        (connection,) = simulator.connections
        correlation, moved = best_match(speech, connection.audio)
        assert correlation > 0.99
        assert all(abs(each) <= 1 for each in moved), moved


@pytest.mark.slow
async def test_a_remote_starts_and_finishes_and_the_screen_forgets(remarks: Path) -> None:
    engine = ScriptedEngine(["first remark", "second remark", "third remark"])
    async with (
        Simulator(api_keys=(KEY,), engine=engine) as simulator,
        relay_to(simulator.url, kiosk_clear_after=3) as relay,
        chromium(*hearing(remarks)) as browser,
        kiosk(browser, relay) as page,
    ):
        await expect(page.get_by_role("button", name="Touch to speak")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(pill(page)).to_have_text("Listening")
        await page.evaluate(COUNT_UTTERANCES)
        await expect(shown(page)).to_have_text(["second remark", "third remark"], timeout=30_000)
        assert await page.evaluate("most") == 2
        # The file is over: nobody speaks any more, so the screen forgets and stops listening.
        await expect(shown(page)).to_have_count(0, timeout=15_000)
        await expect(pill(page)).to_have_text("Ready", timeout=10_000)
        assert "remark" not in await page.content()
        await page.keyboard.press("Enter")
        await expect(pill(page)).to_have_text("Listening")
        await page.keyboard.press("Enter")
        await expect(pill(page)).to_have_text("Ready")


async def test_one_that_listens_always_needs_no_touch_and_outlives_the_relay(
    remarks: Path, scripted: Simulator, tmp_path: Path
) -> None:
    restarting = Restarting(tmp_path, scripted.url, kiosk_always_on=True)
    async with (
        chromium(*hearing(remarks, loops=True), WITHOUT_A_TOUCH) as browser,
        visit(browser, tolerates=REFUSED) as page,
    ):
        async with restarting.first() as relay:
            lobby = await device(relay)
            await set_cookie(page.context, relay, KIOSK_COOKIE, lobby.cookie)
            await page.goto(f"{relay.url}/kiosk")
            await expect(shown(page).first).to_contain_text("heard", timeout=20_000)
            await expect(page.get_by_role("button")).to_have_count(0)
        await expect(pill(page)).to_have_text("Reconnecting")
        await expect(problem(page, "relay_away")).to_contain_text("Your words are kept")
        async with restarting.again():
            await expect(pill(page)).to_have_text("Listening", timeout=20_000)
            await expect(shown(page).first).to_contain_text("heard", timeout=20_000)


async def test_a_touch_while_the_relay_is_away_is_not_in_vain(
    listener: Browser, tmp_path: Path, scripted: Simulator
) -> None:
    restarting = Restarting(tmp_path, scripted.url)
    async with visit(listener, tolerates=REFUSED) as page:
        async with restarting.first() as relay:
            lobby = await device(relay)
            await set_cookie(page.context, relay, KIOSK_COOKIE, lobby.cookie)
            await page.goto(f"{relay.url}/kiosk")
            await expect(pill(page)).to_have_text("Ready")
        await page.get_by_role("button", name="Touch to speak").click()
        await expect(pill(page)).to_have_text("Connecting")
        async with restarting.again():
            await expect(pill(page)).to_have_text("Listening", timeout=20_000)
            await expect(shown(page).first).to_contain_text("heard", timeout=20_000)


async def test_the_code_stays_on_the_screen_while_the_relay_is_away(
    browser: Browser, tmp_path: Path, scripted: Simulator
) -> None:
    restarting = Restarting(tmp_path, scripted.url)
    async with visit(browser, tolerates=REFUSED) as page:
        async with restarting.first() as relay:
            olga = await operator(relay)
            await page.goto(f"{relay.url}/kiosk")
            await page.get_by_role("button", name="Show a code").click()
            code = await page.locator("#code").inner_text()
        async with page.expect_event("requestfailed"):
            pass
        await expect(page.locator("#code")).to_have_text(code)
        async with restarting.again():
            async with visit(browser) as desk:
                await set_cookie(desk.context, relay, SESSION_COOKIE, olga.cookie)
                await desk.goto(f"{relay.url}/ops?code={code}")
                await desk.get_by_label("Name of the kiosk").fill("lobby")
                await desk.get_by_role("button", name="Approve", exact=True).click()
            await expect(pill(page)).to_have_text("Ready", timeout=15_000)


async def test_a_press_while_the_relay_is_away_leaves_the_page_where_it_is(
    browser: Browser, tmp_path: Path, scripted: Simulator
) -> None:
    restarting = Restarting(tmp_path, scripted.url)
    async with visit(browser, tolerates=REFUSED) as page:
        async with restarting.first() as relay:
            await page.goto(f"{relay.url}/kiosk")
        await page.get_by_role("button", name="Show a code").click()
        await expect(page.get_by_role("button", name="Show a code")).to_be_visible()
        async with restarting.again():
            await page.get_by_role("button", name="Show a code").click()
            await expect(page.locator("#code")).to_be_visible()


async def test_one_that_is_revoked_while_it_listens_says_so(
    listener: Browser, station: Relay
) -> None:
    async with kiosk(listener, station) as page:
        await page.get_by_role("button", name="Touch to speak").click()
        await expect(pill(page)).to_have_text("Listening")
        (lobby,) = await station.services.kiosks.list()
        await station.services.kiosks.revoke(lobby.id)
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text("This device is no longer a kiosk.", timeout=15_000)


async def test_one_that_is_known_by_its_place_needs_nothing_else(
    listener: Browser, scripted: Simulator
) -> None:
    async with (
        relay_to(scripted.url, kiosk_networks="hall=127.0.0.0/8") as relay,
        visit(listener) as page,
    ):
        await page.goto(f"{relay.url}/kiosk")
        await page.get_by_role("button", name="Touch to speak").click()
        await expect(shown(page).first).to_contain_text("heard", timeout=20_000)
        await expect(page.get_by_role("banner")).to_contain_text("hall")
