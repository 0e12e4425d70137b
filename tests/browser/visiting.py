"""Pages opened in a browser profile of their own, in which nothing may go wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, Response


@asynccontextmanager
async def visit(browser: Browser, *, tolerates: str = "", **options: Any) -> AsyncIterator[Page]:
    """Open a page; at its end nothing may stand in the console, and no file may be missing.

    Args:
        browser: A running one.
        tolerates: Part of the console's messages that the test itself brings about, such as those
            of a relay that is away.
        options: Of the profile.
    """
    context = await browser.new_context(**options)
    page = await context.new_page()
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A page that says an error is one; Chromium notes its status.
        is_expected = "the server responded" in message.text
        is_brought_about = tolerates != "" and tolerates in message.text
        if message.type in ("error", "warning") and not is_expected and not is_brought_about:
            faults.append(message.text)

    def see(response: Response) -> None:
        if response.request.resource_type != "document" and response.status >= 400:
            faults.append(f"{response.status} {response.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", see)
    try:
        yield page
    finally:
        # A page that stayed would go on recording during the tests that follow.
        await context.close()
    assert not faults, faults
