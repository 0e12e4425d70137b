"""uvicorn around the app: how the relay listens."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

import uvicorn
import uvloop
from starlette.applications import Starlette

from relay.app import create_app
from relay.edge import BoundedHttp, BoundedWebSocket
from relay.settings import Settings

MAX_FRAME_BYTES = 1024 * 1024
"""uvicorn closes with 1009 beyond this; the protocol's own limit, and 4413, lie well below."""

PING_INTERVAL = 20.0
"""Seconds between pings. Source: the shortest idle timeouts of proxies are 30 s and 60 s."""

BACKLOG = 2048
"""Connections that may wait to be taken; as uvicorn's own."""

GRACE = 10
"""Seconds that connections have to end after SIGTERM."""


class RelayServer:
    """The relay on a socket of its own, within the running event loop.

    async with RelayServer(settings) as server:
        print(server.url)
    """

    def __init__(self, settings: Settings, app: Starlette | None = None) -> None:
        """Prepare to serve `app`, by default the one that `settings` describe."""
        self._settings = settings
        self._server = _Embedded(_config(app or create_app(settings), settings))
        self.url = ""
        """Base URL, with the port that was really taken; empty before the context is entered."""
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: If the address can't be had.
        """
        async with contextlib.AsyncExitStack() as stack:
            listener = stack.enter_context(_listen(self._settings))
            self.url = _url(self._settings, listener)
            await stack.enter_async_context(_serving(self._server, listener))
            self._exit = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection with 1012 and stop listening."""
        await self._exit.aclose()


class _Embedded(uvicorn.Server):
    """A server that leaves signals to whoever owns the event loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.started_serving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # uvicorn's own is a generator
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.started_serving.set()


@contextlib.asynccontextmanager
async def _serving(server: _Embedded, listener: socket.socket) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.serve(sockets=[listener]), name="uvicorn")
        task.add_done_callback(lambda _: server.started_serving.set())
        await server.started_serving.wait()
        try:
            yield
        finally:
            server.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        # uvicorn would do so later, when it is too late to tell that another was faster.
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _config(app: Starlette, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http=BoundedHttp,
        ws=BoundedWebSocket,
        ws_max_size=MAX_FRAME_BYTES,
        ws_ping_interval=PING_INTERVAL,
        # A paused reader can't see pongs; liveness is the session's own affair.
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        lifespan="off",
        # Forwarding headers are believed from nobody.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        # Logging is set up by the command, and URLs stay out of it.
        log_config=None,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE,
    )


def _url(settings: Settings, listener: socket.socket) -> str:
    """Base URL, with the port that was really taken."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}"


def serve(settings: Settings, on_listening: Callable[[str], None]) -> None:
    """Serve until a signal comes.

    Args:
        settings: The relay's.
        on_listening: Called with the base URL as soon as connections are taken.

    Raises:
        OSError: If the address can't be had.
    """
    _allow_many_files()
    listener = _listen(settings)
    with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        server = uvicorn.Server(_config(create_app(settings), settings))
        on_listening(_url(settings, listener))
        runner.run(server.serve(sockets=[listener]))


def _allow_many_files() -> None:
    """Take as many open files as the system lets us: a session has two sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
