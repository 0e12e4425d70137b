"""Operators at their page: real sessions of several workers, charts, ends, drains, kiosks."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from relay.simulator.server import Simulator
from tests.browser.crowd import Speaker, crowd, kiosk_waits, sign_in
from tests.browser.scene import become
from tests.browser.test_pages import PHONE, check_rules
from tests.browser.visiting import visit
from tests.multi.cluster import Cluster, running_cluster
from tests.support.people import operator
from tests.support.relay import Relay
from tests.support.talk import caller, speak
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SESSIONS = 50


def row(page: Page, session_id: str) -> Locator:
    return page.locator(f'[data-session="{session_id}"]')


async def test_an_operator_watches_a_session_and_ends_it(
    browser: Browser, scripted: Simulator, station: Relay
) -> None:
    olga = await operator(station)
    async with (
        visit(browser, color_scheme="dark") as page,
        caller(station.url, station.key) as client,
    ):
        session_id = (await client.event("session_started"))["session_id"]
        await speak(client, 0.5)
        await client.say("commit")
        said = (await client.event("committed_transcript"))["text"]
        await station.services.presence.beat()
        await station.services.sessions.renew()
        await become(page.context, station, olga)
        await page.goto(f"{station.url}/ops")
        await row(page, session_id).get_by_role("button", name="Course of session").click()
        await expect(page.locator(".entries li")).to_have_count(2)
        await page.get_by_label("Finals and lag too").check()
        await expect(page.locator(".entries")).to_contain_text("final")
        await check_rules(page)
        assert said not in await page.content()
        await row(page, session_id).get_by_role("button", name="End session").press("Enter")
        await page.keyboard.press("Enter")
        assert await client.closed() == 1000
        assert client.events[-1]["reason"] == "ended_by_operator"
        await expect(row(page, session_id)).to_have_count(0)
        await expect(page.get_by_role("status").first).to_contain_text("was told to end")


@pytest.mark.slow
async def test_fifty_sessions_of_two_workers(browser: Browser, tmp_path: Path) -> None:
    fault = ("--fault", "drop,after_samples=64000,skip=9")
    with running_cluster(workers=2, simulate=fault) as cluster:
        async with crowd(cluster, SESSIONS) as speakers, visit(browser) as page:
            await sign_in(page, cluster, "olga")
            await check_all_are_shown(page)
            await check_trouble_is_shown(page, speakers)
            await check_charts(page)
            await take_pictures(browser, page, cluster, tmp_path)
            await check_an_end(page, speakers[7])
            await check_a_kiosk(page, cluster)
            await check_a_drain(page, speakers)
            assert [speaker.ended for speaker in speakers].count(None) == SESSIONS - 1


async def check_all_are_shown(page: Page) -> None:
    await expect(page.locator("[data-session]")).to_have_count(SESSIONS, timeout=30_000)
    figure = page.locator(".kpi .num").first
    await expect(figure).to_have_text(str(SESSIONS), timeout=20_000)
    await expect(page.locator("[data-worker]")).to_have_count(2)


async def check_trouble_is_shown(page: Page, speakers: list[Speaker]) -> None:
    gap, loud = (row(page, speaker.session_id) for speaker in speakers[:2])
    await expect(gap).to_contain_text("audio lost 1.50 s", timeout=20_000)
    await expect(loud).to_contain_text("too loud", timeout=20_000)
    await page.get_by_label("Show").select_option("attention")
    # The gap, the microphone, and the socket that the provider dropped.
    await expect(page.locator("[data-session]")).to_have_count(3, timeout=20_000)
    await gap.get_by_role("button", name="Course of session").click()
    await expect(page.locator(".entries .trouble").first).to_contain_text("client_buffer")
    await gap.get_by_role("button", name="Course of session").click()
    await page.get_by_label("Show").select_option("all")


async def check_charts(page: Page) -> None:
    await expect(page.locator(".chart canvas")).to_have_count(6)
    legend = page.locator(".legend").first
    await expect(legend).to_contain_text(f"open {SESSIONS}", timeout=20_000)
    frame = page.locator(".chart-frame").first
    await frame.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(frame.locator("[aria-live]")).to_contain_text("open")
    await check_rules(page)


async def take_pictures(browser: Browser, page: Page, cluster: Cluster, folder: Path) -> None:
    """Nothing may be wrong at any of these, and nobody scrolls sideways; to be looked at."""
    state = await page.context.storage_state()
    sights: dict[str, dict[str, Any]] = {
        "light": {},
        "dark": {"color_scheme": "dark"},
        "phone": {"viewport": PHONE},
        "russian": {"locale": "ru"},
        "russian phone": {"viewport": PHONE, "locale": "ru"},
    }
    for name, options in sights.items():
        async with visit(browser, storage_state=state, **options) as shown:
            await shown.goto(f"{cluster.url}/ops")
            await expect(shown.locator("[data-session]")).to_have_count(SESSIONS)
            await expect(shown.locator(".chart canvas")).to_have_count(6)
            await shown.screenshot(path=folder / f"{name}.png", full_page=True)
            is_wide = "document.documentElement.scrollWidth > innerWidth"
            assert not await shown.evaluate(is_wide), name


async def check_an_end(page: Page, speaker: Speaker) -> None:
    await page.get_by_role("searchbox").fill(speaker.session_id[:12])
    ended = row(page, speaker.session_id)
    await ended.get_by_role("button", name="End session").click()
    await ended.get_by_role("button", name="End now").click()
    await expect(ended).to_have_count(0, timeout=20_000)
    assert speaker.ended == "ended_by_operator"
    await page.get_by_role("searchbox").fill("")


async def check_a_kiosk(page: Page, cluster: Cluster) -> None:
    code = await kiosk_waits(cluster)
    await page.get_by_role("link", name=f"Enter this code {code}").click(timeout=20_000)
    await expect(page.get_by_label("Name of the kiosk")).to_be_focused()
    await page.keyboard.type("lobby")
    await page.get_by_role("button", name="Approve", exact=True).click()
    await expect(page.get_by_text("The kiosk is approved")).to_be_visible()
    await expect(page.get_by_text(code)).to_have_count(0)


async def check_a_drain(page: Page, speakers: list[Speaker]) -> None:
    drained, other = await page.locator("[data-worker]").all()
    name = await drained.get_attribute("data-worker")
    assert name is not None
    await drained.get_by_role("button", name="Drain").click()
    await drained.get_by_role("button", name="Drain now").click()
    await expect(drained).to_contain_text("drained", timeout=40_000)

    async def have_all_moved() -> bool:
        live = [speaker for speaker in speakers if speaker.ended is None]
        return len(live) == SESSIONS - 1 and await page.locator("[data-session]").count() == len(
            live
        )

    await until(have_all_moved, "all sessions at the other worker", seconds=40, interval=0.5)
    await expect(other).to_contain_text(f"{SESSIONS - 1} / 400", timeout=20_000)
    assert 0 < sum(speaker.moves for speaker in speakers) < SESSIONS
    # Those that came from the other worker are measured here as well.
    await expect(page.locator("[data-session]", has_text="–")).to_have_count(0, timeout=20_000)
    await drained.get_by_role("button", name="Take sessions again").click()
    await expect(drained).to_contain_text("takes sessions", timeout=20_000)
