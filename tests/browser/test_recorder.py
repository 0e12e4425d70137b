"""The recorder page with a microphone: what is said is read, and nothing of it is lost."""

import asyncio
import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from playwright.async_api import Browser, Page, expect

from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.browser.chromium import chromium
from tests.browser.microphone import best_match, hearing
from tests.browser.scene import become
from tests.browser.studio import (
    REFUSED,
    SENTENCES,
    Restarting,
    check_all_was_committed,
    finals,
    record,
    recorder,
    status,
    stop,
)
from tests.browser.visiting import visit
from tests.support.people import person
from tests.support.proxy import Proxy
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY
from tests.support.waiting import until
from tests.support.words import word_error_rate

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse"


async def test_what_is_said_is_read_and_every_sample_of_it_arrives(speech: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="there is no wheel for this Python")
    async with (
        Simulator(engine="pocketsphinx", api_keys=(KEY,), record_audio=True) as simulator,
        relay_to(simulator.url, commit_timeout=30, stop_timeout=60) as relay,
        chromium(*hearing(speech)) as browser,
        visit(browser) as page,
    ):
        hasher = PasswordHasher.from_parameters(CHEAPEST)
        await relay.services.users.add("anna", hasher.hash(PASSWORD))
        await page.goto(relay.url)
        await page.get_by_label("Name").fill("anna")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await record(page)
        await expect(page.get_by_test_id("partial")).to_contain_text(" ", timeout=20_000)
        await expect(finals(page)).to_have_count(2, timeout=40_000)
        await stop(page)

        for sentence, line in zip(SENTENCES, await finals(page).all(), strict=True):
            assert word_error_rate(sentence, await line.inner_text()) < 0.5
        await expect(page.locator("dl")).to_contain_text("segments2")
        (connection,) = simulator.connections
        correlation, moved = best_match(speech, connection.audio)
        assert correlation > 0.99
        # Half a sample is the resamplers'; a message lost would be 800 of them.
        assert all(abs(each) <= 1 for each in moved), moved


async def test_the_space_bar_starts_and_stops_and_m_mutes(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station) as page:
        await page.keyboard.press("Space")
        await expect(status(page)).to_contain_text("Live")
        # The key that is M on an English keyboard, on a Russian one.
        await page.evaluate(
            "document.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyM', key: 'ь' }))"
        )
        await expect(status(page)).to_have_text("Muted")
        await expect(page.get_by_role("status")).to_have_text("The microphone is muted")
        await page.keyboard.press("m")
        await expect(status(page)).to_contain_text("Live")
        await page.keyboard.press("Space")
        await expect(status(page)).to_have_text("Ready")
        await expect(page.get_by_role("status")).to_have_text("Recording has stopped")


async def test_a_control_with_the_focus_keeps_the_space_bar_for_itself(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station) as page:
        await page.get_by_text("Sound", exact=True).focus()
        await page.keyboard.press("Space")
        await expect(page.get_by_label("Suppress noise")).to_be_visible()
        await expect(status(page)).to_have_text("Ready")
        await page.keyboard.press("Escape")
        await expect(page.get_by_label("Suppress noise")).to_be_hidden()
        await record(page)
        await page.get_by_role("button", name="Mute").focus()
        await page.keyboard.press("Space")
        await expect(status(page)).to_have_text("Muted")


async def test_the_text_can_be_copied_and_downloaded(
    listener: Browser, station: Relay, tmp_path: Path
) -> None:
    permissions = ["microphone", "clipboard-read", "clipboard-write"]
    async with recorder(listener, station, permissions=permissions) as page:
        await record(page)
        await expect(finals(page)).to_have_count(2, timeout=30_000)
        await stop(page)
        said = await finals(page).all_inner_texts()

        await page.get_by_role("button", name="Copy").click()
        await expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied.splitlines() == said

        files = {
            kind: await download(page, kind, tmp_path) for kind in ("txt", "srt", "vtt", "json")
        }
        assert files["txt"].read_text().splitlines() == said
        written = json.loads(files["json"].read_text())
        assert [segment["text"] for segment in written["segments"]] == said
        assert all(segment["words"] for segment in written["segments"])
        for kind in ("srt", "vtt"):
            assert heard_by_ffmpeg(files[kind]) == words(" ".join(said))


async def download(page: Page, kind: str, folder: Path) -> Path:
    """Choose a format in the menu; the file that comes."""
    await page.get_by_text("Download", exact=True).click()
    async with page.expect_download() as coming:
        await page.get_by_role("button", name=f"(.{kind})").click()
    file = await coming.value
    assert file.suggested_filename.endswith(f".{kind}")
    path = folder / file.suggested_filename
    await file.save_as(path)
    return path


def heard_by_ffmpeg(path: Path) -> list[str]:
    """The words of subtitles, as a player reads them."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "srt", "-"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [line for line in shown.splitlines() if line and "-->" not in line]
    return words(" ".join(line for line in lines if not line.isdigit()))


def words(text: str) -> list[str]:
    return text.split()


async def test_choices_are_remembered_and_reach_the_provider(
    listener: Browser, scripted: Simulator, station: Relay
) -> None:
    async with recorder(listener, station) as page:
        await page.get_by_label("Spoken language").select_option(label="Russian")
        await page.get_by_text("Sound", exact=True).click()
        await page.get_by_label("Take out the echo").check()
        await page.reload()
        await expect(page.get_by_label("Spoken language")).to_have_value("ru")
        await record(page)
        await page.get_by_text("Sound", exact=True).click()
        await expect(page.get_by_label("Take out the echo")).to_be_checked()
        await expect(page.locator(".menu .note").last).to_contain_text("kHz")
        await expect(page.get_by_label("Spoken language")).to_be_disabled()
        devices = page.get_by_role("combobox", name="Microphone")
        await devices.select_option(index=1)
        chosen = await devices.input_value()
        assert chosen
        await stop(page)
        await page.reload()
        await record(page)
        await expect(devices).to_have_value(chosen)
        await stop(page)
    assert scripted.connections[0].parameters is not None
    assert scripted.connections[0].parameters.language_code == "ru"


async def test_processing_is_asked_for_as_chosen_and_what_came_of_it_is_shown(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station) as page:
        # A device that evens out loudness whatever it is asked.
        await page.evaluate(
            "() => { window.asked = []; const { mediaDevices } = navigator;"
            " const ask = mediaDevices.getUserMedia.bind(mediaDevices);"
            " mediaDevices.getUserMedia = wanted => (asked.push(wanted.audio), ask(wanted));"
            " const { getSettings } = MediaStreamTrack.prototype;"
            " MediaStreamTrack.prototype.getSettings = function () {"
            "   return { ...getSettings.call(this), autoGainControl: true }; }; }"
        )
        menu = page.locator(".menu").filter(has_text="Suppress noise")
        await menu.locator("summary").click()
        await menu.get_by_label("Suppress noise").check()
        await record(page)
        (asked,) = await page.evaluate("asked")
        assert asked["noiseSuppression"] is True
        assert asked["echoCancellation"] is False
        assert asked["autoGainControl"] is False
        await menu.locator("summary").click()
        differing = menu.locator("label").filter(has=page.locator(".note"))
        await expect(differing).to_have_text(["Even out loudness Stays on with this device"])


async def test_processing_that_is_switched_while_recording_counts_from_the_next_one_at_the_latest(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station) as page:
        menu = page.locator(".menu").filter(has_text="Suppress noise")
        differing = menu.locator("label .note")
        await menu.locator("summary").click()
        switch = menu.get_by_label("Suppress noise")
        await switch.check()
        await record(page)
        await menu.locator("summary").click()
        await switch.uncheck()
        await expect(differing).to_have_text("On until the recording stops")
        await stop(page)
        await expect(differing).to_have_count(0)
        await record(page)
        await expect(menu).to_contain_text("In use")
        await expect(differing).to_have_count(0)


async def test_a_new_recording_asks_before_it_removes_the_text(
    listener: Browser, station: Relay
) -> None:
    async with recorder(listener, station) as page:
        await record(page)
        await expect(finals(page)).to_have_count(1, timeout=30_000)
        await stop(page)
        before = await finals(page).count()
        await record(page)
        await stop(page)
        assert await finals(page).count() >= before  # it goes on below
        await page.get_by_role("button", name="New recording").click()
        await page.get_by_role("button", name="Keep the text").click()
        assert await finals(page).count() >= before
        await page.get_by_role("button", name="New recording").click()
        await page.get_by_role("button", name="Remove it").click()
        await expect(finals(page)).to_have_count(0)
        await expect(page.locator("dl")).to_contain_text("words0")


async def test_signing_out_ends_the_session(listener: Browser, station: Relay) -> None:
    async with recorder(listener, station) as page:
        await record(page)
        # Whoever leaves while it records is asked first.
        async with page.expect_event("dialog") as asked:
            leaving = asyncio.get_running_loop().create_task(
                page.get_by_role("button", name="Sign out").click()
            )
        await (await asked.value).accept()
        await leaving
        await expect(page.get_by_label("Password")).to_be_visible()
        await until(lambda: no_sessions(station), "the session's end")


async def no_sessions(relay: Relay) -> bool:
    return not await relay.services.registry.list()


async def test_what_is_said_while_the_relay_is_away_is_not_lost(
    speech: Path, scripted: Simulator, tmp_path: Path
) -> None:
    restarting = Restarting(tmp_path, scripted.url)
    async with chromium(*hearing(speech)) as browser, visit(browser, tolerates=REFUSED) as page:
        async with restarting.first() as relay:
            await become(page.context, relay, await person(relay))
            await page.goto(relay.url)
            await record(page)
            await expect(finals(page)).to_have_count(1, timeout=20_000)
            await expect(page.get_by_test_id("partial")).to_contain_text("heard")
        await expect(status(page)).to_have_text("Reconnecting")
        await page.wait_for_timeout(1_500)  # in which somebody speaks
        async with restarting.again():
            await expect(status(page)).to_contain_text("Live", timeout=20_000)
            await expect(finals(page)).to_have_count(2, timeout=30_000)
            await stop(page)
        lines = await page.get_by_role("log").locator("p").all_inner_texts()
        assert "heard" in lines[0]
        assert sum("heard" in line for line in lines) >= 2, lines
        assert any("nothing missing" in line for line in lines), lines
        assert not any("are missing" in line for line in lines), lines
    check_all_was_committed(speech, scripted)


async def test_a_line_that_breaks_costs_no_word_and_the_session_goes_on(
    speech: Path, scripted: Simulator, station: Relay
) -> None:
    async with (
        Proxy(urlsplit(station.url).port or 0) as line,
        chromium(*hearing(speech)) as browser,
        visit(browser, tolerates="net::ERR_") as page,
    ):
        await become(page.context, station, await person(station, "mover"))
        await page.goto(f"http://127.0.0.1:{line.port}")
        await record(page)
        await expect(page.get_by_test_id("partial")).to_contain_text("heard", timeout=20_000)
        line.cut()
        line.refuse(1)
        await expect(status(page)).to_have_text("Reconnecting")
        await expect(status(page)).to_contain_text("Live", timeout=20_000)
        await expect(finals(page)).to_have_count(2, timeout=30_000)
        await stop(page)
        await expect(page.get_by_role("log")).to_contain_text("nothing missing")
    assert len(scripted.connections) == 1  # it was the same session all along
    check_all_was_committed(speech, scripted)


@pytest.mark.slow
async def test_a_session_that_has_lasted_as_long_as_it_may_goes_on_in_the_next(
    remarks: Path, scripted: Simulator
) -> None:
    async with (
        relay_to(scripted.url, limit_user_session_minutes=0.05) as relay,
        chromium(*hearing(remarks)) as browser,
        recorder(browser, relay) as page,
    ):
        await record(page)
        await expect(page.get_by_role("log")).to_contain_text("nothing missing", timeout=15_000)
        await until(lambda: has_connected(scripted, 4), "the fourth session", seconds=20)
        await stop(page)
        await expect(page.get_by_role("alert")).to_have_count(0)
    check_all_was_committed(remarks, scripted)


async def has_connected(simulator: Simulator, times: int) -> bool:
    return len(simulator.connections) >= times


async def test_a_provider_that_breaks_off_costs_no_word(
    speech: Path, scripted: Simulator, station: Relay
) -> None:
    scripted.faults.add(Fault(FaultKind.DROP, after_samples=32_000))
    async with chromium(*hearing(speech)) as browser, recorder(browser, station) as page:
        await record(page)
        await expect(finals(page)).to_have_count(2, timeout=40_000)
        await stop(page)
    check_all_was_committed(speech, scripted)
