"""Everything that can break, in processes of its own, and the lines between them."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from relay.simulator.server import Simulator
from relay.store.api_keys import ApiKeys
from relay.store.database import Database
from tests.chaos.judge import Socket
from tests.support.exactness import recorded
from tests.support.postgres import PostgresServer
from tests.support.processes import RelayProcess
from tests.support.proxy import Proxy
from tests.support.redis import RedisServer
from tests.support.settings import KEY

ROLLOVER: Final = 10
"""Seconds of audio after which each socket at the provider is replaced."""


@dataclass
class Rig:
    """Relays that act as one, what they stand on, and a line to each that can be broken."""

    simulator: Simulator
    """In this process, so that its record holds the audio."""
    redis: RedisServer
    postgres: PostgresServer
    hosts: list[RelayProcess]
    """One worker each."""
    lines: list[Proxy]
    """From clients to each host."""
    upstream: Proxy
    """From all hosts to the provider."""
    redis_line: Proxy
    """From all hosts to Redis."""
    database_url: str
    key: str = ""
    _faults_seen: dict[int, int] = field(default_factory=dict)

    def urls(self, hosts: Sequence[int]) -> list[str]:
        """Where clients reach these hosts."""
        return [f"http://127.0.0.1:{self.lines[host].port}" for host in hosts]

    def sockets(self) -> list[Socket]:
        """What the provider got since `prepare`."""
        return recorded(self.simulator)

    def faults(self) -> list[str]:
        """Errors in the relays' logs since `prepare`; none are expected, whatever breaks."""
        return [
            line
            for number, host in enumerate(self.hosts)
            for line in host.faults[self._faults_seen.get(number, 0) :]
        ]

    async def prepare(self) -> None:
        """Mend what the last session left broken, and forget it."""
        for line in (*self.lines, self.upstream, self.redis_line):
            line.restore()
        self.simulator.faults.clear()
        for host in self.hosts:
            if not host.is_running:
                await asyncio.to_thread(host.start)
        self.simulator.connections.clear()
        self._faults_seen = {number: len(host.faults) for number, host in enumerate(self.hosts)}

    def kill(self, host: int) -> None:
        """End a host as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.hosts[host].pid, signal.SIGKILL)

    @asynccontextmanager
    async def without_redis(self, *, hangs: bool = False) -> AsyncIterator[None]:
        """Stop Redis, which loses all that it knew; or let it hang."""
        away, back = (
            (self.redis.pause, self.redis.resume) if hangs else (self.redis.stop, self.redis.start)
        )
        await asyncio.to_thread(away)
        try:
            yield
        finally:
            await asyncio.to_thread(back)

    @asynccontextmanager
    async def without_database(self) -> AsyncIterator[None]:
        """Stop the database; what was committed is there again afterwards."""
        await asyncio.to_thread(self.postgres.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(self.postgres.start)


@asynccontextmanager
async def running_rig(*, hosts: int = 2, **settings: Any) -> AsyncIterator[Rig]:
    """Start everything, and end it again; `settings` are the relays'."""
    async with AsyncExitStack() as stack:
        redis, postgres = RedisServer(), PostgresServer()
        for server in (redis, postgres):
            stack.push(server.__exit__)
            await asyncio.to_thread(server.start)
        simulator = await stack.enter_async_context(Simulator(api_keys=(KEY,), record_audio=True))
        upstream = await stack.enter_async_context(Proxy(int(simulator.url.rpartition(":")[2])))
        redis_line = await stack.enter_async_context(Proxy(redis.port))
        database_url = postgres.create_database()
        rig = Rig(simulator, redis, postgres, [], [], upstream, redis_line, database_url)
        for _ in range(hosts):
            host = RelayProcess(
                f"ws://127.0.0.1:{upstream.port}",
                redis_url=f"redis://127.0.0.1:{redis_line.port}/0",
                database_url=database_url,
                redis_down="admit",
                upstream_session_limit=ROLLOVER,
                limit_key_connects_per_minute=1_000_000,
                **settings,
            )
            stack.push_async_callback(_end, host)
            await asyncio.to_thread(host.start)
            rig.hosts.append(host)
            rig.lines.append(await stack.enter_async_context(Proxy(host.port)))
        database = Database(database_url)
        _, rig.key = await ApiKeys(database).create("chaos", {})
        await database.aclose()
        yield rig


async def _end(host: RelayProcess) -> None:
    try:
        if host.is_running:
            host.terminate()
            await asyncio.to_thread(host.wait)
    finally:
        host.clear_away()
