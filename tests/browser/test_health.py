"""What the pages that record cost, and that everybody can use them in every state."""

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.async_api import Browser, CDPSession, Page, WebSocketRoute, expect

from relay.auth.gate import KIOSK_COOKIE, SESSION_COOKIE
from relay.http.assets import Assets
from relay.simulator.server import Simulator
from tests.browser.scene import set_cookie
from tests.browser.studio import finals, record, recorder, stop
from tests.browser.test_pages import PHONE, check_rules, check_width
from tests.browser.visiting import visit
from tests.support.people import ask, device, person
from tests.support.relay import Relay, relay_to

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_BUNDLE_BYTES: Final = 120_000
"""Of all that the recorder page runs and looks by, compressed."""

MAX_LAYOUT_SHIFT: Final = 0.05
"""Half of what counts as good. Source: web.dev, "Cumulative Layout Shift"."""


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", ["en", "ru"])
async def test_everybody_can_record(
    listener: Browser, station: Relay, scheme: str, language: str
) -> None:
    options: dict[str, Any] = {"color_scheme": scheme, "locale": language, "viewport": PHONE}
    anna = await person(station)
    async with visit(listener, **options) as page:
        await set_cookie(page.context, station, SESSION_COOKIE, anna.cookie)
        await page.goto(station.url)
        button = page.locator(".scribe-record")
        await button.click()
        await expect(finals(page)).to_have_count(1, timeout=30_000)
        await check_rules(page)
        await check_width(page)
        await button.click()
        await expect(page.locator(".clear")).to_be_visible(timeout=15_000)
        await page.locator(".menu summary").last.click()
        await check_rules(page)
        await check_width(page)


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "ru")])
async def test_everybody_can_speak_to_a_kiosk(
    listener: Browser, station: Relay, scheme: Literal["light", "dark"], language: str
) -> None:
    lobby = await device(station)
    async with visit(listener, color_scheme=scheme, locale=language) as page:
        await set_cookie(page.context, station, KIOSK_COOKIE, lobby.cookie)
        await page.goto(f"{station.url}/kiosk")
        await page.get_by_role("button").click()
        await expect(page.locator(".utterances > p").first).to_contain_text("heard", timeout=20_000)
        await check_rules(page)
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
        await set_cookie(page.context, station, SESSION_COOKIE, anna.cookie)
        await page.goto(station.url)
        await record(page)
        await expect(finals(page)).to_have_count(2, timeout=30_000)
        await stop(page)
        shifts = await page.evaluate("shifts")
        assert sum(value for value, *_ in shifts) < MAX_LAYOUT_SHIFT, shifts


MOVING: Final = (
    "[...document.querySelectorAll('*')].flatMap(element => ['', '::before', '::after'].map("
    "  part => [element.className, part, getComputedStyle(element, part)]))"
    " .filter(([, , style]) => style.transitionDuration !== '0s' || style.animationName !== 'none')"
    " .map(([name, part]) => name + part)"
)
"""What moves by itself, or would if it changed."""


async def test_whoever_asks_for_less_motion_gets_none_while_recording(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station, reduced_motion="reduce") as page:
        await record(page)
        await expect(page.get_by_test_id("partial")).to_contain_text("heard", timeout=20_000)
        assert await page.evaluate(MOVING) == []
        await stop(page)
        await page.context.clear_cookies()
        lobby = await device(station)
        await set_cookie(page.context, station, KIOSK_COOKIE, lobby.cookie)
        await page.goto(f"{station.url}/kiosk")
        await page.get_by_role("button", name="Touch to speak").click()
        await expect(page.locator(".utterances > p").first).to_contain_text("heard", timeout=20_000)
        assert await page.evaluate(MOVING) == []


async def test_forced_colours_keep_the_one_control_in_sight(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station, forced_colors="active") as page:
        for is_recording in (False, True):
            background, border, disc = await page.locator(".scribe-record").evaluate(
                "button => [getComputedStyle(document.body).backgroundColor,"
                " getComputedStyle(button).borderTopColor,"
                " getComputedStyle(button, '::before').backgroundColor]"
            )
            assert border != background, is_recording
            assert disc != background, is_recording
            if not is_recording:
                await record(page)


@pytest.mark.parametrize("path", ["/", "/kiosk"])
async def test_the_policy_allows_nothing_but_the_relays_own_files(
    station: Relay, path: str
) -> None:
    lobby = await device(station)
    headers = (await person(station)).headers if path == "/" else lobby.headers
    answer = await ask(station, "GET", path, headers)
    assert "<script" in answer.text
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


def said(message_type: str, **fields: object) -> str:
    """What a relay says, as text."""
    return json.dumps({"message_type": message_type, "seq": 0, **fields})


def begin(route: WebSocketRoute) -> None:
    """Let a session begin, at which nothing is heard."""
    limits = {"minutes_left": None, "max_session_seconds": None}
    route.send(said("session_started", session_id="0" * 32, config={}, limits=limits))


def committed(first: int, last: int) -> list[str]:
    """Segments `first` to `last`, without `last`, each one sample long."""
    return [
        said(
            "committed_transcript",
            text=f"segment {number} says what a sentence says",
            segment=number,
            end_sample=number,
            cause="vad",
        )
        for number in range(first, last)
    ]


KEEP_LINE: Final = (
    "const Plain = WebSocket; window.WebSocket = class extends Plain {"
    " constructor(...options) { super(...options); window.line = this; } }"
)
"""Keeps the page's WebSocket in `line`."""

HEAR: Final = (
    "messages => messages.forEach("
    "  data => line.dispatchEvent(new MessageEvent('message', { data })))"
)
"""Lets the page hear messages, all at once."""

HEAR_EACH: Final = """async messages => {
    const log = document.querySelector("[role=log]");
    const costs = [];
    for (const data of messages) {
        const began = performance.now();
        const drawn = new Promise((done) => {
            const observer = new MutationObserver(() => (observer.disconnect(), done()));
            observer.observe(log, { childList: true, subtree: true });
        });
        line.dispatchEvent(new MessageEvent("message", { data }));
        await drawn;
        log.getBoundingClientRect(); // lays it out, now
        costs.push(performance.now() - began);
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    }
    return costs.sort((a, b) => a - b)[costs.length >> 1];
}"""
"""Lets the page hear messages one by one; the milliseconds of work that the median one takes, from
the message to the line that is laid out."""


@asynccontextmanager
async def fed(browser: Browser, relay: Relay) -> AsyncIterator[Page]:
    """Record at a page that hears what `HEAR` tells it."""
    anna = await person(relay)
    async with visit(browser) as page:
        await page.route_web_socket("**/v1/stream*", begin)
        await page.add_init_script(KEEP_LINE)
        await set_cookie(page.context, relay, SESSION_COOKIE, anna.cookie)
        await page.goto(relay.url)
        await record(page)
        yield page


async def test_a_long_transcript_costs_no_more_for_each_segment(
    listener: Browser, station: Relay
) -> None:
    async with fed(listener, station) as page:
        await page.evaluate(HEAR, committed(0, 180))
        short = await page.evaluate(HEAR_EACH, committed(180, 220))
        await page.evaluate(HEAR, committed(220, 4_980))
        await expect(finals(page)).to_have_count(4_980, timeout=30_000)
        long = await page.evaluate(HEAR_EACH, committed(4_980, 5_020))
        assert long < 3 * short, (short, long)
        # All of it is still there to be searched and copied.
        await expect(page.get_by_role("log")).to_contain_text("segment 17 says")


PARTS: Final = 5
"""In which memory and work are looked at."""


async def cost(devtools: CDPSession) -> tuple[float, float]:
    """Bytes that the page's scripts hold, and seconds that its thread has worked so far."""
    await devtools.send("HeapProfiler.collectGarbage")
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    values = {metric["name"]: metric["value"] for metric in metrics}
    return float(values["JSHeapUsedSize"]), float(values["TaskDuration"])


@pytest.mark.parametrize(
    "minutes",
    [
        pytest.param(0.2, id="short"),
        pytest.param(30, id="long", marks=[pytest.mark.slow, pytest.mark.timeout(2_400)]),
    ],
)
async def test_recording_keeps_memory_and_work_flat(
    listener: Browser, scripted: Simulator, minutes: float
) -> None:
    async with relay_to(scripted.url) as relay, recorder(listener, relay) as page:
        devtools = await page.context.new_cdp_session(page)
        # Of the thread, because what else the machine does must not count.
        await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        await record(page)
        await page.wait_for_timeout(6_000)  # the first sentences, which make everything once
        first, before = await cost(devtools)
        heaps, works = [], []
        for _ in range(PARTS):
            await page.wait_for_timeout(minutes * 60_000 / PARTS)
            heap, after = await cost(devtools)
            heaps.append(heap)
            works.append(after - before)
            before = after
        segments = await finals(page).count()
        await stop(page)
    # Some kilobytes of text for each segment, and nothing for the audio.
    assert heaps[-1] - first < 1_500_000 + 20_000 * segments, (first, heaps)
    # A frame has as much to do after a long time as after a short one.
    assert works[-1] < 1.5 * works[0], works
