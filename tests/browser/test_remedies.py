"""What goes wrong when people record, each with its own words and its own next step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.async_api import Browser, Page, Route, expect

from relay.auth.gate import SESSION_COOKIE
from relay.simulator.server import Simulator
from tests.browser.chromium import chromium
from tests.browser.microphone import RATE, hearing, permitted
from tests.browser.scene import become
from tests.browser.studio import (
    REFUSED,
    REMARKS,
    Restarting,
    check_all_was_committed,
    finals,
    problem,
    record,
    recorder,
    status,
    stop,
)
from tests.browser.visiting import visit
from tests.support.people import person
from tests.support.relay import Relay, relay_to

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def press(page: Page) -> None:
    await page.get_by_role("button", name="Start recording").click()


async def check(page: Page, kind: str, title: str, action: str | None) -> None:
    """A notice says what happened, and has the button of its next step."""
    notice = problem(page, kind)
    await expect(notice).to_contain_text(title, timeout=15_000)
    await expect(notice).to_have_attribute("role", "alert")
    button = notice.get_by_role("button")
    if action is None:
        await expect(button).to_have_count(0)
    else:
        await expect(button).to_have_text(action)


async def test_a_page_that_is_not_secure(scripted: Simulator) -> None:
    name = "relay.test"
    hosts = f"--host-resolver-rules=MAP {name} 127.0.0.1"
    async with (
        relay_to(scripted.url, allowed_hosts=name) as relay,
        chromium(*permitted(), hosts) as browser,
        # Chromium says of every header that asks for more than such a page may have.
        visit(browser, tolerates="Cross-Origin-Opener-Policy") as page,
    ):
        anna = await person(relay)
        url = relay.url.replace("127.0.0.1", name)
        cookie: Any = {"name": SESSION_COOKIE, "value": anna.cookie, "url": url}
        await page.context.add_cookies([cookie])
        await page.goto(url)
        await press(page)
        await check(page, "insecure_origin", "secure pages only", None)
        await expect(status(page)).to_have_text("Ready")


async def test_a_microphone_that_is_not_allowed(station: Relay) -> None:
    async with (
        chromium("--use-fake-device-for-media-stream") as browser,
        recorder(browser, station) as page,
    ):
        await press(page)
        await check(page, "microphone_denied", "is blocked for this page", "Try again")
        await page.context.grant_permissions(["microphone"])
        await problem(page, "microphone_denied").get_by_role("button").click()
        await expect(status(page)).to_contain_text("Live")
        await expect(problem(page, "microphone_denied")).to_have_count(0)


async def test_no_microphone(station: Relay) -> None:
    async with (
        chromium("--use-fake-ui-for-media-stream") as browser,
        recorder(browser, station) as page,
    ):
        await press(page)
        await check(page, "no_microphone", "No microphone was found", "Look again")


async def test_a_microphone_that_is_busy(listener: Browser, station: Relay) -> None:
    """No fake device can be busy: the page is told what browsers say then."""
    async with recorder(listener, station) as page:
        await page.evaluate(
            "() => { navigator.mediaDevices.getUserMedia = () =>"
            " Promise.reject(new DOMException('Could not start', 'NotReadableError')); }"
        )
        await press(page)
        await check(page, "microphone_busy", "can’t be opened", "Open it again")


async def test_a_microphone_that_a_policy_forbids(listener: Browser, station: Relay) -> None:
    async def forbid(route: Route) -> None:
        response = await route.fetch()
        headers = {**response.headers, "permissions-policy": "microphone=()"}
        await route.fulfill(response=response, headers=headers)

    anna = await person(station)
    async with visit(listener, tolerates="policy") as page:
        await page.route(f"{station.url}/", forbid)
        await become(page.context, station, anna)
        await page.goto(station.url)
        await press(page)
        await check(page, "blocked_by_policy", "A rule keeps this page", None)


async def test_a_microphone_that_gives_only_silence(tmp_path: Path, station: Relay) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(RATE), RATE)
    async with (
        chromium(*hearing(silence, loops=True)) as browser,
        recorder(browser, station) as page,
    ):
        await record(page)
        await check(page, "silent_microphone", "gives only silence", "Choose another microphone")
        await problem(page, "silent_microphone").get_by_role("button").click()
        await expect(page.get_by_role("combobox", name="Microphone")).to_be_focused()
        await expect(status(page)).to_contain_text("Live")


async def test_whoever_is_not_signed_in_any_more_keeps_the_text(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station) as page:
        await record(page)
        await expect(page.get_by_test_id("partial")).to_contain_text("heard", timeout=20_000)
        await station.services.users.remove("anna")
        await check(page, "not_signed_in", "You are no longer signed in", "Sign in")
        await expect(status(page)).to_have_text("Ready")
        async with page.context.expect_page() as opened:
            await problem(page, "not_signed_in").get_by_role("button").click()
        login = await opened.value
        await expect(login.get_by_label("Password")).to_be_visible()
        await expect(page.get_by_role("log")).to_contain_text("heard")


@pytest.mark.slow
async def test_a_limit(listener: Browser, scripted: Simulator) -> None:
    async with (
        relay_to(scripted.url, limit_user_sessions=1) as relay,
        recorder(listener, relay) as page,
        recorder(listener, relay, "boris") as other,
    ):
        await record(page)
        # The same account in another tab.
        second = await page.context.new_page()
        await second.goto(relay.url)
        await press(second)
        await check(second, "limit_reached", "Too many recordings run at once", None)
        await record(other)
        await page.get_by_role("button", name="Stop recording").click()
        await expect(status(second)).to_contain_text("Live", timeout=20_000)
        await expect(problem(second, "limit_reached")).to_have_count(0)


async def test_minutes_that_are_used_up(listener: Browser, scripted: Simulator) -> None:
    async with (
        relay_to(scripted.url, limit_user_minutes_per_day=0.05) as relay,
        recorder(listener, relay) as page,
    ):
        await record(page)
        await check(page, "limit_reached", "minutes for today are used up", None)
        await expect(page.get_by_role("log")).to_contain_text("heard")


@pytest.mark.slow
async def test_a_relay_that_is_away(remarks: Path, scripted: Simulator, tmp_path: Path) -> None:
    restarting = Restarting(tmp_path, scripted.url)
    async with chromium(*hearing(remarks)) as browser, visit(browser, tolerates=REFUSED) as page:
        async with restarting.first() as relay:
            await become(page.context, relay, await person(relay))
            await page.goto(relay.url)
            await expect(page.get_by_role("button", name="Start recording")).to_be_visible()
        await press(page)
        await check(page, "relay_away", "The connection is interrupted", None)
        await expect(problem(page, "relay_away")).to_contain_text("What you say is kept")
        async with restarting.again():
            await expect(status(page)).to_contain_text("Live", timeout=25_000)
            await expect(problem(page, "relay_away")).to_have_count(0)
            await expect(finals(page)).to_have_count(len(REMARKS), timeout=20_000)
            await stop(page)
    check_all_was_committed(remarks, scripted)
