"""The npm package, as an application of somebody else's installs and uses it."""

import shutil
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, expect

import relay
from tests.browser.serving import served
from tests.browser.visiting import visit
from tests.support.node import ROOT, npm
from tests.support.people import ticket
from tests.support.relay import Relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP: Final = Path(__file__).parent / "app"

NEEDED: Final = ("@types", "@vitejs", "react", "react-dom", "scheduler", "typescript", "vite")
"""Of `web/node_modules`: what such an application has anyway, so that nothing is downloaded."""


async def build(folder: Path) -> Path:
    """Pack the package, install it into a copy of the application, check and build that."""
    await npm("pack", "--pack-destination", folder)
    packed = folder / f"scribe-relay-client-{relay.__version__}.tgz"
    app = folder / "app"
    shutil.copytree(APP, app)
    await npm("install", "--prefix", app, "--offline", "--legacy-peer-deps", packed)
    modules = ROOT / "web/node_modules"
    for name in NEEDED:
        (app / "node_modules" / name).symlink_to(modules / name)
    await npm("exec", "--", "tsc", "--project", app)
    await npm("exec", "--", "vite", "build", app)
    return app / "dist"


async def test_an_application_installs_it_and_hears_words(
    listener: Browser, station: Relay, tmp_path: Path
) -> None:
    files = await build(tmp_path)
    assert list(files.glob("assets/capture.worklet-*.js"))  # a file of its own, not inlined
    key = {"xi-api-key": station.key}
    tickets = ",".join([await ticket(station, key) for _ in range(3)])
    sockets = station.url.replace("http", "ws", 1)
    policy = f"default-src 'self'; connect-src 'self' {sockets}"
    async with served(files, policy=policy) as origin, visit(listener) as page:
        await page.goto(f"{origin}/?relay={station.url}&tickets={tickets}")
        hook = page.get_by_role("region", name="Hook")
        await hook.get_by_role("button", name="Go").click()
        await expect(hook.get_by_role("listitem")).to_have_count(2, timeout=30_000)
        await expect(hook).to_contain_text("connected, 2 segments, 2 listed")
        await hook.get_by_role("button", name="Stop").click()
        await expect(hook).to_contain_text("idle")

        client = page.get_by_role("region", name="Client")
        await client.get_by_role("button", name="Send").click()
        await expect(client).to_contain_text("stopped, 1000 ms", timeout=20_000)

        await page.get_by_role("button", name="Начать запись").click()
        said = page.get_by_role("log").locator("p")
        await expect(said.first).to_contain_text("heard", timeout=30_000)
        await page.get_by_role("button", name="Остановить запись").click()
        await expect(page.locator(".scribe-pill")).to_have_text("Готово к записи", timeout=20_000)
        ground = await page.locator(".scribe-recorder").evaluate(
            "element => getComputedStyle(element).borderRadius"
        )
        assert ground == "12px"


async def test_it_brings_its_licence_and_no_test() -> None:
    listed = await npm("pack", "--dry-run", "--ignore-scripts")
    for name in ("LICENSE", "README.md", "dist/index.d.ts", "dist/react/index.d.ts"):
        assert name in listed
    assert ".test." not in listed
    assert "node_modules" not in listed
