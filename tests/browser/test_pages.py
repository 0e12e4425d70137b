"""The pages in a real browser: without scripts, by keyboard, by day and by night."""

from typing import Any, Literal

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it has none
from playwright.async_api import Browser, Page, expect

from relay.auth.gate import KIOSK_COOKIE
from tests.browser.archive import TALKS
from tests.browser.scene import SIGHTS, become, furnish, wait_for_approval
from tests.browser.visiting import visit
from tests.support.people import operator
from tests.support.relay import Relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse"

PHONE = {"width": 360, "height": 740}

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


async def add_anna(relay: Relay) -> None:
    hasher = PasswordHasher.from_parameters(CHEAPEST)
    await relay.services.users.add("anna", hasher.hash(PASSWORD))


@pytest.mark.parametrize("has_scripts", [False, True])
async def test_somebody_signs_in_and_out_by_keyboard(
    browser: Browser, relay: Relay, has_scripts: bool
) -> None:
    await add_anna(relay)
    async with visit(browser, java_script_enabled=has_scripts) as page:
        await page.goto(f"{relay.url}/")
        await expect(page.get_by_label("Name")).to_be_focused()
        await page.keyboard.type("anna")
        await page.keyboard.press("Tab")
        await page.keyboard.type("wrong horse")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("don’t go together")
        await expect(page.get_by_label("Name")).to_have_value("anna")
        await expect(page.get_by_label("Password")).to_be_focused()
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("banner").get_by_text("anna")).to_be_visible()
        await page.get_by_role("button", name="Sign out").press("Enter")
        await expect(page).to_have_url(f"{relay.url}/login")


@pytest.mark.parametrize("has_scripts", [False, True])
async def test_a_device_becomes_a_kiosk_without_anybody_touching_it_again(
    browser: Browser, relay: Relay, has_scripts: bool
) -> None:
    olga = await operator(relay)
    options: dict[str, Any] = {"java_script_enabled": has_scripts}
    async with visit(browser, **options) as kiosk, visit(browser, **options) as page:
        await kiosk.goto(f"{relay.url}/kiosk")
        await kiosk.get_by_role("button", name="Show a code").click()
        code = await kiosk.locator("#code").inner_text()

        await become(page.context, relay, olga)
        await page.goto(f"{relay.url}/ops")
        await page.get_by_role("link", name=f"Enter this code {code}").click()
        await page.get_by_label("Name of the kiosk").fill("lobby")
        await page.get_by_label("Language", exact=True).select_option(label="Русский")
        await page.get_by_role("button", name="Approve", exact=True).click()
        await expect(page.get_by_text("The kiosk is approved")).to_be_visible()

        # The page asks again by itself.
        heading = kiosk.get_by_role("heading", level=1)
        ready = "lobby" if has_scripts else "This kiosk is ready."
        await expect(heading).to_have_text(ready, timeout=15_000)
        assert KIOSK_COOKIE in {each.get("name") for each in await kiosk.context.cookies()}

        await page.get_by_text("Revoke lobby").click()
        await page.get_by_role("button", name="Revoke now lobby").click()
        await expect(page.get_by_text("The kiosk is revoked")).to_be_visible()
        await kiosk.reload()
        await expect(heading).to_have_text("This device is no longer a kiosk.")


async def check_rules(page: Page) -> None:
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 10


@pytest.mark.parametrize("sight", SIGHTS)
async def test_everybody_can_read_and_use_it(browser: Browser, relay: Relay, sight: str) -> None:
    await furnish(relay)
    await wait_for_approval(relay)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        async with visit(browser, color_scheme=scheme) as page:
            await SIGHTS[sight](page, relay)
            await check_rules(page)


@pytest.mark.parametrize(
    "sight",
    [
        "login",
        "recorder",
        "recorder-problem",
        "kiosk-new",
        "kiosk-ready",
        "ops",
        "transcript",
        "error",
    ],
)
async def test_everybody_can_read_it_in_russian(browser: Browser, relay: Relay, sight: str) -> None:
    await furnish(relay)
    await wait_for_approval(relay)
    async with visit(browser, locale="ru") as page:
        await SIGHTS[sight](page, relay)
        await expect(page.locator("html")).to_have_attribute("lang", "ru")
        await check_rules(page)


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_phone_need_not_scroll_sideways(
    browser: Browser, relay: Relay, language: str
) -> None:
    olga = await furnish(relay)
    await wait_for_approval(relay)
    # What people write may be long.
    await relay.services.users.add("W" * 64, None)
    for name in ("login", "recorder-problem", "kiosk-new", "error"):
        async with visit(browser, viewport=PHONE, locale=language) as page:
            await SIGHTS[name](page, relay)
            await check_width(page)
    async with visit(browser, viewport=PHONE, locale=language) as page:
        await page.goto(f"{relay.url}/kiosk")
        await page.locator("button").click()
        await expect(page.locator("#code")).to_be_visible()
        await check_width(page)
        await page.context.clear_cookies()
        await become(page.context, relay, olga)
        one = f"/history/{TALKS[0].id}"
        for path in ("/", "/kiosk", "/ops", "/history?q=morning&language=en", one, "/account"):
            await page.goto(f"{relay.url}{path}")
            await check_width(page)


async def check_width(page: Page) -> None:
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], page.url


async def test_a_kiosk_fits_its_screen(browser: Browser, relay: Relay) -> None:
    for width, height in ((1280, 720), (1920, 1080), (1080, 1920), (800, 480)):
        size = {"width": width, "height": height}
        for sight in ("kiosk-new", "kiosk-ready"):
            async with visit(browser, viewport=size) as page:
                await SIGHTS[sight](page, relay)
                tall = await page.evaluate("document.documentElement.scrollHeight")
                assert tall <= height, (sight, size)


async def test_forced_colours_keep_what_can_be_pressed_apart(
    browser: Browser, relay: Relay
) -> None:
    async with visit(browser, forced_colors="active") as page:
        await page.goto(f"{relay.url}/login")
        width = await page.locator("button").evaluate(
            "element => getComputedStyle(element).borderTopWidth"
        )
        assert width == "1px"


async def test_whoever_asks_for_less_motion_gets_none(browser: Browser, relay: Relay) -> None:
    async with visit(browser, reduced_motion="reduce") as page:
        await page.goto(f"{relay.url}/login")
        moving = await page.evaluate(
            "[...document.querySelectorAll('*')].filter(element => {"
            " const style = getComputedStyle(element);"
            " return style.transitionDuration !== '0s' || style.animationName !== 'none'; }).length"
        )
        assert moving == 0
