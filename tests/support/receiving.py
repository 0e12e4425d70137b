"""A server of somebody else's on loopback: takes what is posted, and answers as it is told to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    """Their names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered to one request."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    delay: float = 0.0
    """Seconds."""


class Receiver:
    """Answers with each of `replies` in turn, then with the last one again and again."""

    def __init__(self, *replies: Reply) -> None:
        self.replies: Sequence[Reply] = replies or (Reply(),)
        self.received: list[Received] = []
        self.url = ""
        self._gone = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._gone.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.path, headers, body))
        reply: Any = self.replies[min(len(self.received), len(self.replies)) - 1]
        await asyncio.sleep(reply.delay)
        if reply.hangs:
            await self._gone.wait()
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
