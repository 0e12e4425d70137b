"""Pages of somebody else's, at an origin of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web


@asynccontextmanager
async def served(folder: Path, *, policy: str | None = None) -> AsyncIterator[str]:
    """Serve files; the URL.

    Args:
        folder: With an `index.html`.
        policy: The Content-Security-Policy that each of them has.
    """
    headers = {} if policy is None else {"content-security-policy": policy}

    async def answer(request: web.Request) -> web.FileResponse:
        name = request.match_info["name"] or "index.html"
        return web.FileResponse(folder / name, headers=headers)

    application = web.Application()
    application.router.add_get("/{name:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()
