"""Write the pictures of the pages: `python -m tests.browser.pictures docs/images/pages`."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, Page, ViewportSize, expect

from relay.auth.gate import KIOSK_COOKIE
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.server import Simulator
from tests.browser.chromium import chromium
from tests.browser.microphone import hearing, write_speech
from tests.browser.scene import (
    SIGHTS,
    become,
    furnish,
    set_cookie,
    wait_for_approval,
)
from tests.browser.studio import finals
from tests.support.people import device
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY

VIEWPORTS: Final[dict[str, ViewportSize]] = {
    "desktop": {"width": 1280, "height": 720},
    "phone": {"width": 360, "height": 740},
}

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

PICTURED: Final = (
    "login",
    "link",
    "recorder-problem",
    "kiosk-new",
    "kiosk-waiting",
    "kiosk-ready",
    "ops",
    "history",
    "transcript",
    "account",
    "error",
)

SAID: Final = (
    "Good morning. This is the handover for ward three, the night was quiet apart from room "
    "twelve.",
    "Room twelve had a temperature of thirty-eight four at two o’clock, paracetamol was given and "
    "it came down by four.",
    "Please check the drip in room nine before the round, the pump gave two warnings.",
    "The physiotherapist will come at ten instead of eleven.",
)
"""Invented; what the simulator claims to have heard."""


async def show(browser: Browser, folder: Path, name: str, scheme: str, on: str) -> None:
    """Take a picture of a page that stands still."""
    async with Simulator(api_keys=(KEY,)) as simulator, relay_to(simulator.url) as relay:
        await furnish(relay)
        await wait_for_approval(relay)
        page = await open_page(browser, scheme, on)
        await SIGHTS[name](page, relay)
        path = folder / f"{name}-{on}-{scheme}.png"
        await page.screenshot(path=path, full_page=on == "desktop")
        await page.context.close()


async def record(browser: Browser, folder: Path, scheme: str, on: str) -> None:
    """Take pictures of the pages at which somebody speaks."""
    async with (
        Simulator(api_keys=(KEY,), engine=ScriptedEngine(SAID)) as simulator,
        relay_to(simulator.url) as relay,
    ):
        olga = await furnish(relay)
        page = await open_page(browser, scheme, on)
        await become(page.context, relay, olga)
        await page.goto(relay.url)
        await page.locator(".scribe-record").click()
        await expect(finals(page)).to_have_count(3, timeout=60_000)
        await expect(page.get_by_test_id("partial")).to_contain_text("will come")
        await page.screenshot(path=folder / f"recorder-{on}-{scheme}.png")
        await page.context.close()
        await speak_to_kiosk(browser, folder, relay, scheme, on)


async def speak_to_kiosk(
    browser: Browser, folder: Path, relay: Relay, scheme: str, on: str
) -> None:
    shown = await device(relay, "reception")
    page = await open_page(browser, scheme, on)
    await set_cookie(page.context, relay, KIOSK_COOKIE, shown.cookie)
    await page.goto(f"{relay.url}/kiosk")
    await page.get_by_role("button").click()
    await expect(page.locator(".utterances .old")).to_be_visible(timeout=60_000)
    await page.screenshot(path=folder / f"kiosk-{on}-{scheme}.png")
    await page.context.close()


async def open_page(browser: Browser, scheme: str, on: str) -> Page:
    """Open an empty page of a size, by day or by night."""
    assert scheme in ("light", "dark")
    chosen: Literal["light", "dark"] = "dark" if scheme == "dark" else "light"
    context = await browser.new_context(viewport=VIEWPORTS[on], color_scheme=chosen)
    return await context.new_page()


async def main(folder: Path) -> None:
    """Show every page to a desktop and a phone, by day and by night."""
    with tempfile.TemporaryDirectory() as scratch:
        speech = write_speech(Path(scratch) / "speech.wav", [text.lower() for text in SAID])
        async with chromium() as deaf, chromium(*hearing(speech, loops=True)) as listener:
            for scheme in SCHEMES:
                for on in VIEWPORTS:
                    for name in PICTURED:
                        await show(deaf, folder, name, scheme, on)
                    await record(listener, folder, scheme, on)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(target))
