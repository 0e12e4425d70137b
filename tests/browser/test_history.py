"""What was said, in a browser: found by a word, read with its times, taken along, deleted."""

import json
from pathlib import Path

import pytest
import soundfile
from playwright.async_api import Browser, Page, expect

from relay.exports import FORMATS
from relay.recording.formats import AUDIO_FORMATS
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.server import Simulator
from relay.store.transcripts import Filter
from tests.browser.archive import TALKS, converse
from tests.browser.scene import become
from tests.browser.studio import finals, record, recorder, stop
from tests.browser.test_recorder import heard_by_ffmpeg, words
from tests.browser.visiting import visit
from tests.support.people import Person, person
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAID = ("Good morning, the train leaves at nine.", "Доброе утро, поезд уходит в девять.")


async def search(page: Page, query: str) -> None:
    await page.get_by_label("Search what was said").fill(query)
    await page.get_by_role("button", name="Search").click()


async def take(page: Page, name: str, folder: Path) -> Path:
    """Choose a format in the menu; the file that comes."""
    if not await page.get_by_role("link", name="(.txt)").is_visible():
        await page.get_by_text("Export", exact=True).click()
    async with page.expect_download() as coming:
        await page.get_by_role("link", name=f"(.{name})").click()
    file = await coming.value
    path = folder / file.suggested_filename
    await file.save_as(path)
    assert path.suffix == f".{name}"
    return path


async def test_every_word_says_its_time_by_mouse_and_by_keyboard(
    browser: Browser, relay: Relay
) -> None:
    anna = await person(relay)
    await converse(relay, anna)
    async with visit(browser, timezone_id="Asia/Yekaterinburg") as page:
        await become(page.context, relay, anna)
        await page.goto(f"{relay.url}/")
        await page.get_by_role("link", name="Transcripts").click()
        await expect(page.locator("time").first).to_contain_text("12:30")  # 07:30 UTC
        await search(page, "погод*")
        await expect(page.locator("mark")).to_have_text(["погоду", "Погода"])
        await page.locator(".found a").last.click()
        await expect(page.locator("li:target mark")).to_have_text("Погода")
        status = page.get_by_role("status")
        await page.get_by_text("вторник", exact=True).click()
        await expect(status).to_contain_text("“вторник”, 0:")
        await page.locator("#said").focus()
        await page.keyboard.press("ArrowRight")
        await expect(status).to_contain_text("“обещает”")
        await expect(page.locator(".chosen")).to_have_text("обещает")
        # The address leads there again.
        await page.reload()
        await expect(status).to_contain_text("“обещает”")

        await page.get_by_role("link", name="Back to what was found").click()
        export = page.get_by_role("button", name="Export the selected")
        await expect(export).to_be_disabled()
        await page.get_by_label("All on this page").check()
        await page.get_by_label("Format").select_option("srt")
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Export the selected (1)").click()
        assert (await coming.value).suggested_filename.endswith(".srt")
        await page.goto(f"{relay.url}/history/{TALKS[0].id}")
        await page.get_by_text("Delete", exact=True).click()
        await page.get_by_role("button", name="Delete for good").click()
        await expect(page.get_by_role("status")).to_have_text("The transcript is deleted.")
        await expect(page.get_by_text(TALKS[0].title or "")).to_have_count(0)


@pytest.mark.slow
async def test_what_somebody_records_they_find_take_along_and_delete_and_nobody_else(
    listener: Browser, browser: Browser, tmp_path: Path
) -> None:
    async with (
        Simulator(api_keys=(KEY,), engine=ScriptedEngine(SAID)) as simulator,
        relay_to(simulator.url, data_dir=tmp_path / "data", audio_days=1) as relay,
        recorder(listener, relay, "anna") as page,
    ):
        await record(page)
        await expect(page.get_by_text("The sound is recorded and kept.")).to_be_visible()
        await expect(finals(page)).to_have_count(2, timeout=30_000)
        await stop(page)
        said = await finals(page).all_inner_texts()
        await until(lambda: _is_stored(relay, len(said)), "the transcript in the database")
        await page.get_by_role("link", name="Transcripts").click()
        await expect(page.locator(".transcripts > li")).to_have_count(1)
        for query, mark in (("train", "train"), ("поез*", "поезд")):
            await search(page, query)
            await expect(page.locator("mark").first).to_have_text(mark)
        await page.locator(".found a").first.click()
        await expect(page.locator("#said mark").first).to_have_text("поезд")
        await page.get_by_text("поезд").first.click()
        await expect(page.get_by_role("status")).to_contain_text("“поезд”, 0:")

        await _play_along(page)

        await _rename(page, "Trains")
        for name in AUDIO_FORMATS:
            spoken, rate = soundfile.read(await take(page, name, tmp_path), dtype="int16")
            assert rate == 16_000
            assert len(spoken) / rate == pytest.approx(
                simulator.connections[0].samples / rate, abs=1
            )
        files = {name: await take(page, name, tmp_path) for name in FORMATS}
        # What is said last may be nothing, and is a segment all the same.
        assert [line for line in files["txt"].read_text().splitlines() if line] == said
        for name in ("srt", "vtt"):
            assert heard_by_ffmpeg(files[name]) == words(" ".join(said))
        written = json.loads(files["json"].read_text())
        assert (written["title"], written["name"]) == ("Trains", "anna")
        assert all(segment["words"] for segment in written["segments"] if segment["text"])
        assert files["md"].read_text().startswith("# Trains\n")
        assert len(files["csv"].read_text().splitlines()) >= 1 + len(said)

        await _check_that_nobody_else_sees_it(browser, relay, await person(relay, "ben"), page)
        await page.get_by_text("Delete", exact=True).click()
        await page.get_by_role("button", name="Delete for good").click()
        await expect(page.get_by_role("status")).to_have_text("The transcript is deleted.")
        await expect(page.get_by_text("Nothing has been said yet")).to_be_visible()


async def _is_stored(relay: Relay, segments: int) -> bool:
    async for transcript in relay.services.transcripts.each(Filter()):
        return transcript.segments >= segments and transcript.ended_at is not None
    return False


async def _play_along(page: Page) -> None:
    """Play from the chosen word on: the recording begins there, and the words follow it."""
    chosen = page.locator(".chosen")
    began = float(await chosen.get_attribute("data-t") or "nan")
    audio = page.locator("audio")
    heard_at = await audio.evaluate("audio => audio.currentTime")
    assert heard_at == pytest.approx(began, abs=0.05)
    await page.locator("#said").focus()
    await page.keyboard.press("Space")
    await expect(page.locator(".heard")).to_have_count(1)
    after = chosen.locator("xpath=following-sibling::*[@data-t]").first
    await expect(after).to_have_class("heard")
    assert await audio.evaluate("audio => !audio.paused && audio.error === null")
    await audio.evaluate("audio => audio.pause()")


async def _rename(page: Page, title: str) -> None:
    await page.get_by_text("Rename", exact=True).click()
    await page.get_by_label("Title").fill(title)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(title)


async def _check_that_nobody_else_sees_it(
    browser: Browser, relay: Relay, ben: Person, theirs: Page
) -> None:
    async with visit(browser) as page:
        await become(page.context, relay, ben)
        await page.goto(f"{relay.url}/history?q=train")
        await expect(page.get_by_text("Nothing was found")).to_be_visible()
        answer = await page.goto(theirs.url)
        assert answer is not None
        assert answer.status == 404
