"""Hosts of several workers each, with what they share: Redis, a database, keys, a provider."""

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiohttp
from redis.asyncio import Redis

from relay.limits.limiter import SESSIONS, SPENT
from relay.limits.slots import QUEUE, SLOTS, WAITING
from relay.registry import Registry, SessionRecord
from relay.registry.sessions import LIVE, RECORD
from relay.state import SharedState
from relay.store.api_keys import ApiKey, ApiKeys
from relay.store.database import Database
from relay.store.users import Users
from tests.support.processes import RelayProcess, SimulatorProcess
from tests.support.redis import RedisServer
from tests.support.waiting import until

T = TypeVar("T")

_names = itertools.count()


class Cluster:
    """Relays that act as one."""

    def __init__(
        self,
        redis: RedisServer,
        simulator: SimulatorProcess,
        hosts: list[RelayProcess],
        *,
        redis_url: str,
        database_url: str,
    ) -> None:
        self.redis = redis
        self.simulator = simulator
        self.hosts = hosts
        self._redis_url = redis_url
        self._database_url = database_url

    @property
    def url(self) -> str:
        """Of the first host."""
        return self.hosts[0].url

    def url_of(self, number: int) -> str:
        """Of the host whose turn it is."""
        return self.hosts[number % len(self.hosts)].url

    async def key(self, **limits: float) -> str:
        """Make a server key with limits of its own."""
        return (await self.account(**limits))[1]

    async def account(self, **limits: float) -> tuple[str, str]:
        """Make a server key with limits of its own: what limits and usage follow, and its text."""

        async def create(database: Database) -> tuple[ApiKey, str]:
            return await ApiKeys(database).create(f"key {next(_names)}", limits)

        key, text = await self.in_database(create)
        return f"key:{key.id}", text

    async def in_database(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """Do something in the database, beside the relays."""
        database = Database(self._database_url)
        try:
            return await work(database)
        finally:
            await database.aclose()

    @asynccontextmanager
    async def state(self) -> AsyncIterator[SharedState]:
        """Look at what the relays keep in Redis."""
        state = SharedState.connect(self._redis_url)
        try:
            yield state
        finally:
            await state.aclose()

    async def leases(self) -> int:
        """Sessions that count for their accounts, all accounts together."""
        async with self.state() as state, state.asking() as redis:
            names = [name async for name in redis.scan_iter(f"{SESSIONS}*")]
            return sum([await redis.zcount(name, await _now(redis), "+inf") for name in names])

    async def spent_ms(self, account: str) -> int:
        """Audio that an account has reserved or used today."""
        async with self.state() as state, state.asking() as redis:
            names = [name async for name in redis.scan_iter(f"{SPENT}{account}:*")]
            return sum([int(await redis.get(name) or 0) for name in names])

    async def holds_nothing(self) -> bool:
        """Whether no lease, slot, place in the queue or record of a session is left."""
        async with self.state() as state, state.asking() as redis:
            records = [name async for name in redis.scan_iter(f"{RECORD}*")]
            now = await _now(redis)
            live = [await redis.zcount(name, now, "+inf") for name in (SLOTS, WAITING, LIVE)]
            # Those who have stopped asking are forgotten when the next one asks.
            waiting = await redis.zcard(QUEUE) - await redis.zcount(WAITING, "-inf", now)
        return await self.leases() == 0 and not records and not any(live) and waiting <= 0

    async def records(self) -> list[SessionRecord]:
        """The live sessions of all workers."""
        async with self.state() as state:
            return await Registry(state).list()

    async def has_records(self, number: int, *, seconds: float = 10.0) -> list[SessionRecord]:
        """Wait until so many sessions are known."""

        async def are_there() -> bool:
            return len(await self.records()) == number

        await until(are_there, f"{number} records of sessions", seconds=seconds)
        return await self.records()

    @asynccontextmanager
    async def operator(self, host: int = 0) -> AsyncIterator[aiohttp.ClientSession]:
        """Sign in at a host as an operator, by link as a person would."""

        async def link(database: Database) -> str | None:
            users = Users(database)
            user = await users.add(f"operator {next(_names)}", None, is_operator=True)
            return await users.create_link(user.id, datetime.now(UTC))

        url = self.hosts[host].url
        async with aiohttp.ClientSession(
            url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"origin": url}
        ) as http:
            async with http.post(
                "/api/login/link", json={"link": await self.in_database(link)}
            ) as answer:
                assert answer.status == 200, await answer.text()
            yield http


async def _now(redis: Redis) -> int:
    """Milliseconds of the clock by which leases end."""
    seconds, microseconds = await redis.time()
    return seconds * 1000 + microseconds // 1000


@contextmanager
def running_cluster(
    *,
    hosts: int = 1,
    workers: int = 2,
    database_url: str | None = None,
    simulate: tuple[str, ...] = (),
    redis: RedisServer | None = None,
    redis_url: str | None = None,
    **settings: object,
) -> Iterator[Cluster]:
    """Start everything, and end it again.

    Args:
        hosts: `serve` so many times, each with a data folder of its own.
        workers: Of each host.
        database_url: By default a new file that all share.
        simulate: Arguments of the simulator.
        redis: One that runs already, and whose end somebody else sees to.
        redis_url: How to reach it, if not directly.
        settings: Further settings of the relays.
    """
    with ExitStack() as stack:
        redis = redis or stack.enter_context(RedisServer())
        redis_url = redis_url or redis.url
        if database_url is None:
            folder = Path(tempfile.mkdtemp(prefix="scribe-relay-database-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            database_url = f"sqlite+aiosqlite:///{folder}/relay.db"
        simulator = stack.enter_context(SimulatorProcess(*simulate))
        started = [
            stack.enter_context(
                RelayProcess(
                    simulator.url,
                    workers=workers,
                    redis_url=redis_url,
                    database_url=database_url,
                    **settings,
                )
            )
            for _ in range(hosts)
        ]
        yield Cluster(redis, simulator, started, redis_url=redis_url, database_url=database_url)
