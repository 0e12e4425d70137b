"""How a session comes to a socket at the provider: with the breaker's leave, one at a time."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from relay.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable
from relay.lines import Line, Upstream
from relay.meter import Meter
from relay.upstream.breaker import Breaker
from relay.upstream.recovery import Break
from relay.upstream.session import Failed


class Dialler:
    """Connects lines, and tells the breaker how each attempt ended."""

    def __init__(
        self,
        connect: Callable[[Line], Awaitable[Upstream]],
        breaker: Breaker,
        *,
        timeout: float,
        meter: Meter,
    ) -> None:
        """Open sockets by `connect`; the provider has `timeout` seconds to begin the session."""
        self._connect = connect
        self._breaker = breaker
        self._timeout = timeout
        self._meter = meter
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[Line, float] = {}

    @property
    def is_discouraged(self) -> bool:
        """Whether so many attempts failed lately that only needed ones should be made."""
        return self._breaker.is_open

    async def until_allowed(self, line: Line, *, is_retry: bool) -> None:
        """Wait for leave to connect `line`."""
        while True:
            wait = self._breaker.wait(line, self._loop.time(), is_retry=is_retry)
            if not wait:
                break
            await asyncio.sleep(wait * random.uniform(1, 1.2))  # noqa: S311  # jitter
        self._under_way[line] = self._loop.time()

    async def dial(self, line: Line) -> Failed | None:
        """Connect `line`; what failed, if it did. It is open when its session says so."""
        self._under_way[line] = now = self._loop.time()
        line.session.expect_start(now + self._timeout)
        try:
            connection = await self._connect(line)
        except UpstreamError as error:
            if isinstance(error, UpstreamRejected | UpstreamUnavailable):
                return Failed(error, error.error_type)
            return Failed(error, Break.LOST)
        line.connection = connection
        if line.is_gone:
            connection.abandon()  # it broke before it was there
        return None

    def succeeded(self, line: Line) -> None:
        """The provider has begun a session."""
        if (began_at := self._under_way.pop(line, None)) is not None:
            self._meter.upstream_opened(self._loop.time() - began_at)
        self._breaker.succeeded()

    def failed(self, line: Line) -> None:
        """The line failed; if that was before there was a session, it counts."""
        if self._under_way.pop(line, None) is not None:
            self._meter.upstream_not_opened()
            self._breaker.failed(line, self._loop.time())

    def abandon(self) -> None:
        """Nobody waits for what is under way any more."""
        for line in self._under_way:
            self._breaker.abandoned(line)
        self._under_way.clear()
