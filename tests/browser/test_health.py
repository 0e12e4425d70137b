"""What the pages that record cost, and that everybody can use them in every state."""

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it has none
from playwright.async_api import Browser, CDPSession, Page, WebSocketRoute, expect

from relay.auth.gate import KIOSK_COOKIE
from relay.http.assets import Assets
from relay.simulator.server import Simulator
from tests.browser.scene import set_cookie
from tests.browser.studio import finals, record, recorder, status, stop
from tests.browser.test_pages import PHONE, RULES, check_width
from tests.browser.visiting import visit
from tests.support.people import ask, device, person
from tests.support.relay import Relay, relay_to

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_BUNDLE_BYTES: Final = 120_000
"""Of all that the recorder page runs and looks by, compressed."""

MAX_LAYOUT_SHIFT: Final = 0.05
"""Half of what counts as good. Source: web.dev, "Cumulative Layout Shift"."""


async def check_for_everybody(page: Page) -> None:
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", ["en", "ru"])
async def test_everybody_can_record(
    listener: Browser, station: Relay, scheme: str, language: str
) -> None:
    options: dict[str, Any] = {"color_scheme": scheme, "locale": language, "viewport": PHONE}
    anna = await person(station)
    async with visit(listener, **options) as page:
        await set_cookie(page.context, station, "scribe_relay_session", anna.cookie)
        await page.goto(station.url)
        button = page.locator(".scribe-record")
        await button.click()
        await expect(finals(page)).to_have_count(1, timeout=30_000)
        await check_for_everybody(page)
        await check_width(page)
        await button.click()
        await expect(page.locator(".clear")).to_be_visible(timeout=15_000)
        await page.locator(".menu summary").last.click()
        await check_for_everybody(page)
        await check_width(page)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_everybody_can_speak_to_a_kiosk(
    listener: Browser, station: Relay, scheme: Literal["light", "dark"]
) -> None:
    lobby = await device(station)
    async with visit(listener, color_scheme=scheme) as page:
        await set_cookie(page.context, station, KIOSK_COOKIE, lobby.cookie)
        await page.goto(f"{station.url}/kiosk")
        await page.get_by_role("button").click()
        await expect(page.locator(".utterances > p").first).to_contain_text("heard", timeout=20_000)
        await check_for_everybody(page)
        tall = await page.evaluate("document.documentElement.scrollHeight - innerHeight")
        assert tall <= 0


async def test_nothing_moves_that_nobody_has_moved(listener: Browser, station: Relay) -> None:
    anna = await person(station)
    async with visit(listener) as page:
        await page.add_init_script(
            "window.shifts = []; new PerformanceObserver(list => shifts.push(...list.getEntries()"
            " .filter(entry => !entry.hadRecentInput).map(({ value, sources }) => ["
            "   value, ...sources.map(({ node }) => node?.className ?? node?.nodeName)])"
            ")).observe({ type: 'layout-shift', buffered: true })"
        )
        await set_cookie(page.context, station, "scribe_relay_session", anna.cookie)
        await page.goto(station.url)
        await record(page)
        await expect(finals(page)).to_have_count(2, timeout=30_000)
        await stop(page)
        shifts = await page.evaluate("shifts")
        assert sum(value for value, *_ in shifts) < MAX_LAYOUT_SHIFT, shifts


async def test_whoever_asks_for_less_motion_sees_no_caret_blink(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station, reduced_motion="reduce") as page:
        await record(page)
        names = await page.locator(".scribe-caret").evaluate(
            "e => getComputedStyle(e).animationName"
        )
        assert names == "none"


async def test_the_policy_allows_nothing_but_the_relays_own_files(station: Relay) -> None:
    answer = await ask(station, "GET", "/", (await person(station)).headers)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert not {word for word in ("unsafe", "blob:", "*", "http") if word in policy}
    assert "<style" not in answer.text
    assert "style=" not in answer.text


async def test_the_recorder_is_small() -> None:
    entry = Assets().entry("recorder")
    assert entry is not None
    folder = Path(__file__).parents[2] / "relay/http"
    loaded = {
        url.split("/")[-1].split("?")[0] for url in (entry.script, *entry.preloads, *entry.styles)
    }
    loaded |= {path.name for path in (folder / "built").glob("capture.worklet-*.js")}
    files = [folder / "built" / name for name in loaded]
    files += list((folder / "static").glob("*.css"))
    size = sum(len(gzip.compress(file.read_bytes())) for file in files)
    assert len(files) >= 5
    assert size <= MAX_BUNDLE_BYTES


# Hours of text, and hours of recording.


class FastTalker:
    """A relay in the browser's stead, which says many segments at once."""

    def __init__(self, route: WebSocketRoute) -> None:
        self._route = route
        self._segments = 0
        self._say(
            "session_started",
            session_id="0" * 32,
            config={},
            limits={"minutes_left": None, "max_session_seconds": None},
        )

    def talk(self, segments: int) -> None:
        """Commit so many segments, each some milliseconds long."""
        for _ in range(segments):
            self._say(
                "committed_transcript",
                text=f"segment {self._segments} says what a sentence says",
                segment=self._segments,
                end_sample=self._segments,
                cause="vad",
            )
            self._segments += 1

    def _say(self, message_type: str, **fields: object) -> None:
        self._route.send(json.dumps({"message_type": message_type, "seq": 0, **fields}))


@asynccontextmanager
async def long_talk(browser: Browser, relay: Relay) -> AsyncIterator[tuple[Page, FastTalker]]:
    """Record from somebody who says as much as one likes."""
    talkers: list[FastTalker] = []
    anna = await person(relay)
    async with visit(browser) as page:
        await page.route_web_socket("**/v1/stream*", lambda ws: talkers.append(FastTalker(ws)))
        await set_cookie(page.context, relay, "scribe_relay_session", anna.cookie)
        await page.goto(relay.url)
        await page.get_by_role("button", name="Start recording").click()
        await expect(status(page)).to_contain_text("Live")
        yield page, talkers[0]


async def cost_of(page: Page, devtools: CDPSession, talker: FastTalker, segments: int) -> float:
    """Seconds that the page works for so many more segments, and for nothing else."""
    before = await worked(devtools)
    shown = await finals(page).count()
    for number in range(segments):
        talker.talk(1)
        await expect(finals(page)).to_have_count(shown + number + 1)
    return await worked(devtools) - before


async def worked(devtools: CDPSession) -> float:
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    kinds = {"LayoutDuration", "RecalcStyleDuration"}
    return sum(float(metric["value"]) for metric in metrics if metric["name"] in kinds)


async def test_a_long_transcript_costs_no_more_for_each_segment(
    listener: Browser, station: Relay
) -> None:
    async with long_talk(listener, station) as (page, talker):
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable")
        talker.talk(200)
        await expect(finals(page)).to_have_count(200)
        short = await cost_of(page, devtools, talker, 20)
        talker.talk(4_780)
        await expect(finals(page)).to_have_count(5_000, timeout=60_000)
        long = await cost_of(page, devtools, talker, 20)
        assert long < 4 * short, (short, long)
        # All of it is still there to be searched and copied.
        said = await page.locator("[role=log]").text_content()
        assert said is not None
        assert "segment 17 says" in said


async def heap(devtools: CDPSession) -> float:
    """Bytes that the page's scripts hold."""
    await devtools.send("HeapProfiler.collectGarbage")
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    (size,) = (metric["value"] for metric in metrics if metric["name"] == "JSHeapUsedSize")
    return float(size)


@pytest.mark.parametrize(
    "minutes",
    [
        pytest.param(0.5, id="short"),
        pytest.param(30, id="long", marks=[pytest.mark.slow, pytest.mark.timeout(2_400)]),
    ],
)
async def test_recording_keeps_memory_and_frames_flat(
    listener: Browser, scripted: Simulator, minutes: float
) -> None:
    async with relay_to(scripted.url) as relay, recorder(listener, relay) as page:
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable")
        await record(page)
        await page.wait_for_timeout(6_000)  # the first sentences, which make everything once
        await page.evaluate(
            "() => { window.late = 0; let last = performance.now(); const look = now => {"
            " if (now - last > 100) late++; last = now; requestAnimationFrame(look); };"
            " requestAnimationFrame(look); }"
        )
        first = await heap(devtools)
        parts = 5
        heaps = []
        for _ in range(parts):
            await page.wait_for_timeout(minutes * 60_000 / parts)
            heaps.append(await heap(devtools))
        segments = await finals(page).count()
        late = await page.evaluate("late")
        await stop(page)
    # Some kilobytes of text for each segment, and nothing for the audio.
    assert heaps[-1] - first < 1_500_000 + 20_000 * segments, (first, heaps)
    # The garbage collections asked for above may each cost a frame.
    assert late <= 2 * parts + minutes * 2, late
