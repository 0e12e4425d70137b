"""Write the pictures of the pages: `python -m tests.browser.pictures docs/images/pages`."""

import asyncio
import sys
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import ViewportSize

from relay.simulator.server import Simulator
from tests.browser.chromium import chromium
from tests.browser.scene import SIGHTS, furnish, wait_for_approval
from tests.support.relay import relay_to
from tests.support.settings import KEY

VIEWPORTS: Final[dict[str, ViewportSize]] = {
    "desktop": {"width": 1280, "height": 720},
    "phone": {"width": 360, "height": 740},
}

PICTURED: Final = (
    "login",
    "link",
    "start",
    "kiosk-new",
    "kiosk-waiting",
    "kiosk-ready",
    "ops",
    "error",
)

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


async def main(folder: Path) -> None:
    """Show every page to a desktop and a phone, by day and by night."""
    async with chromium() as browser, Simulator(api_keys=(KEY,)) as simulator:
        for scheme in SCHEMES:
            for device, viewport in VIEWPORTS.items():
                for name in PICTURED:
                    async with relay_to(simulator.url) as relay:
                        await furnish(relay)
                        await wait_for_approval(relay)
                        context = await browser.new_context(viewport=viewport, color_scheme=scheme)
                        page = await context.new_page()
                        await SIGHTS[name](page, relay)
                        path = folder / f"{name}-{device}-{scheme}.png"
                        await page.screenshot(path=path, full_page=device == "desktop")
                        await context.close()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(target))
