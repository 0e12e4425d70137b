"""uvicorn around the app: how the relay listens."""

import asyncio
import contextlib
import errno
import gc
import resource
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import uvicorn
import uvloop
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from relay.app import create_app
from relay.edge import BoundedHttp, BoundedWebSocket
from relay.errors import ConfigError, StateError
from relay.logs import Redactor, configure
from relay.services import Services
from relay.settings import Settings

MAX_FRAME_BYTES = 1024 * 1024
"""uvicorn closes with 1009 beyond this; the protocol's own limit, and 4413, lie well below."""

PING_INTERVAL = 20.0
"""Seconds between pings. Source: the shortest idle timeouts of proxies are 30 s and 60 s."""

MAX_SEGMENT_BYTES = 1460
"""Of TCP on an IPv4 Ethernet. Source: RFC 6691."""

BACKLOG = 2048
"""Connections that may wait to be taken; as uvicorn's own."""

COLLECTED_AFTER = 20_000
"""Objects that are new before the collector looks at them. By default it is 700, which hundreds of
sessions make many times a second, of chunks that live until their final comes."""

GRACE = 20
"""Seconds that connections have to end after SIGTERM; sessions need 15 to move at most."""


class RelayServer:
    """The relay on a socket of its own, within the running event loop.

    async with RelayServer(settings) as server:
        print(server.url)
    """

    def __init__(self, settings: Settings, app: Starlette | None = None) -> None:
        """Prepare to serve `app`, by default the one that `settings` describe."""
        self._settings = settings
        self.app = app or create_app(settings)
        self._server = _Embedded(_config(self.app, settings))
        self.url = ""
        """Base URL, with the port that was really taken; empty before the context is entered."""
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: If the address can't be had.
            RelayError: If what the relay stands on can't be started.
        """
        async with contextlib.AsyncExitStack() as stack:
            _check_metrics_port(self._settings)
            listeners = [
                stack.enter_context(_listening(self._settings.host, port))
                for port in _ports(self._settings)
            ]
            self.url = _url(self._settings, listeners[0])
            await stack.enter_async_context(_serving(self._server, listeners))
            if not self._server.started:
                raise getattr(self.app.state, "failure", None) or StateError(
                    "uvicorn did not start"
                )
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
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """Stop serving now; uvicorn itself looks ten times a second whether it should."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(super().main_loop(), name="tick")
            leaving = group.create_task(self._leaving.wait(), name="wait for the end")
            await asyncio.wait((ticking, leaving), return_when=asyncio.FIRST_COMPLETED)
            ticking.cancel()
            leaving.cancel()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # uvicorn's own is a generator
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.started_serving.set()


@contextlib.asynccontextmanager
async def _serving(server: _Embedded, listeners: list[socket.socket]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.serve(sockets=listeners), name="uvicorn")
        task.add_done_callback(lambda _: server.started_serving.set())
        await server.started_serving.wait()
        try:
            yield
        finally:
            server.leave()


class _OwnListeners(list[socket.socket]):
    """Sockets that each process opens for itself when it unpickles them.

    The kernel then spreads connections over the processes. From a socket in common the process
    that is the quickest takes all that wait: of sixty at once, forty.
    """

    def __init__(self, host: str, ports: Sequence[int]) -> None:
        """Reserve ports, by sockets that don't listen and thus get no connections.

        Raises:
            OSError: If one of them can't be had, be it from another relay.
        """
        super().__init__()
        for port in ports:
            # A shared port could be shared with another relay as well, unnoticed.
            with _bound(host, port) as probe:
                taken = probe.getsockname()[1]
            self.append(_bound(host, taken, is_shared=True))
        self._address = host, [each.getsockname()[1] for each in self]

    def __reduce__(
        self,
    ) -> tuple[Callable[[str, list[int]], list[socket.socket]], tuple[str, list[int]]]:
        return _own_listeners, self._address


def _own_listeners(host: str, ports: list[int]) -> list[socket.socket]:
    return [_bound(host, port, is_shared=True) for port in ports]


def _bound(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":
        # As on Ethernet. With the segments of the loopback interface, a client on this machine
        # would have megabytes on their way to us, and its pings behind them.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, MAX_SEGMENT_BYTES)
    if is_shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _listeners(settings: Settings) -> list[socket.socket]:
    _check_metrics_port(settings)
    # Elsewhere than on Linux the last process to share a port gets all of its connections.
    if settings.workers > 1 and sys.platform == "linux":
        return _OwnListeners(settings.host, _ports(settings))
    return [_listening(settings.host, port) for port in _ports(settings)]


def _check_metrics_port(settings: Settings) -> None:
    """Say of the port that is looked at less often by which setting it can be changed.

    Raises:
        ConfigError: If it can't be had.
    """
    port = settings.metrics_port
    if port is None:
        return
    try:
        _bound(settings.host, port).close()
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise  # it is the address, which the other port needs too
        raise ConfigError(
            (f"RELAY_METRICS_PORT: port {port} can't be had ({error.strerror}); give another one.",)
        ) from error


def _ports(settings: Settings) -> list[int]:
    """Where it listens; the first one is the relay's."""
    return [settings.port, *([] if settings.metrics_port is None else [settings.metrics_port])]


def _listening(host: str, port: int) -> socket.socket:
    listener = _bound(host, port)
    try:
        # uvicorn would do so later, when it is too late to tell that another was faster.
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _config(app: Starlette | Callable[[], Starlette], settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=not isinstance(app, Starlette),
        workers=settings.workers,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=BoundedHttp,
        ws=BoundedWebSocket,
        ws_max_size=MAX_FRAME_BYTES,
        ws_ping_interval=PING_INTERVAL,
        # A paused reader can't see pongs; liveness is the session's own affair.
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        lifespan="on",
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
        RelayError: If what the relay stands on can't be started.
    """
    _allow_many_files()
    with contextlib.ExitStack() as stack:
        listeners = _listeners(settings)
        for listener in listeners:
            stack.enter_context(listener)
        # Tried first, because uvicorn would log a failure with all of its traceback, and start a
        # worker that can't start again and again.
        asyncio.run(_start_once(settings))
        if settings.workers == 1:
            config = _config(create_app(settings), settings)
            _collect_less()
            on_listening(_url(settings, listeners[0]))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(uvicorn.Server(config).serve(sockets=listeners))
            return
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="scribe-relay-metrics-")))
        config = _config(partial(_worker, settings, folder), settings)
        on_listening(_url(settings, listeners[0]))
        Multiprocess(config, listeners).run()


async def _start_once(settings: Settings) -> None:
    services = Services.build(settings)
    try:
        await services.start()
    finally:
        await services.aclose()


def _worker(settings: Settings, metrics_folder: Path) -> Starlette:
    """Build the app in a process of its own, which has set up nothing yet."""
    _allow_many_files()
    configure(settings.log_level, settings.log_format, redactor=Redactor(settings.known_secrets))
    app = create_app(settings, metrics_folder=metrics_folder)
    _collect_less()
    return app


def _collect_less() -> None:
    """Leave alone what is there for good, and look at what is new when there is a lot of it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, 10, 10)


def _allow_many_files() -> None:
    """Take as many open files as the system lets us: a session has two sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
