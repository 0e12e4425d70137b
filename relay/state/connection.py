"""How Redis is reached, and what it means when it can't be."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as ConnectionBroken
from redis.exceptions import (
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from relay.errors import StateUnavailable

COMMAND_TIMEOUT: Final = 1.0
"""Seconds that Redis has for an answer; a healthy one needs a millisecond."""

MAX_CONNECTIONS: Final = 32
"""Per worker; commands are short, so a few connections carry hundreds of sessions."""

UNTYPED: Final = ("MISCONF", "DENIED")
"""Answers that have no type of their own in redis-py: a full disk stops writes; without a password,
protected mode lets in nobody from elsewhere."""

HANDLER_CLOSED: Final = "the handler is closed"

SENTINEL_SCHEMES: Final = ("redis+sentinel", "rediss+sentinel")
SENTINEL_PORT: Final = 26_379


class SharedState:
    """A connection to what all workers share.

    Everything that asks Redis does so within `asking`, which turns the client library's errors
    into one of ours.
    """

    def __init__(self, redis: Redis, *, is_embedded: bool, sentinels: Sequence[Redis] = ()) -> None:
        """Take over a client and those through which it finds its server; use `connect`."""
        self.redis = redis
        self._sentinels = sentinels
        self.is_embedded = is_embedded
        """Whether it is this process's own, which no other worker sees."""

    @classmethod
    def connect(cls, url: str | None) -> Self:
        """Prepare a connection; nothing is sent yet.

        Args:
            url: `redis://`, `rediss://` or `unix://` as redis-py takes them, or
                `redis+sentinel://[user:password@]host[:port],host…/master[/database]`; None for an
                engine inside this process.

        Raises:
            ValueError: If the URL isn't one of these.
        """
        if url is None:
            # Takes a third of a second, which those with a Redis can do without.
            from fakeredis import FakeAsyncRedis, FakeServer

            engine = FakeAsyncRedis(
                server=FakeServer(version=(7,)),
                decode_responses=True,
                # By default the hundred and first to ask at once would be told that it is away.
                connection_pool_class=BlockingConnectionPool,
                max_connections=MAX_CONNECTIONS,
            )
            return cls(engine, is_embedded=True)
        if url.startswith(SENTINEL_SCHEMES):
            redis, sentinels = _through_sentinels(url)
            return cls(redis, is_embedded=False, sentinels=sentinels)
        pool = BlockingConnectionPool.from_url(
            url, max_connections=MAX_CONNECTIONS, timeout=COMMAND_TIMEOUT, **_OPTIONS
        )
        return cls(Redis.from_pool(pool), is_embedded=False)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Redis]:
        """Ask Redis something.

        Raises:
            StateUnavailable: If it can't be reached, doesn't answer in time, or takes no writes.
        """
        try:
            with _heeding_cancellation():
                yield self.redis
        except (ReadOnlyError, OutOfMemoryError, MasterDownError) as error:
            raise StateUnavailable(_reason(error)) from error
        except ResponseError as error:
            # All else is our fault.
            for kind in UNTYPED:
                if str(error).startswith(kind):
                    raise StateUnavailable(kind) from error
            raise
        except (RedisError, OSError, TimeoutError) as error:
            raise StateUnavailable(_reason(error)) from error
        except RuntimeError as error:
            # What uvloop says to whoever writes to a connection that was reset just now.
            if HANDLER_CLOSED not in str(error):
                raise
            raise StateUnavailable(_reason(error)) from error

    async def run(
        self, script: AsyncScript, keys: Sequence[str], arguments: Sequence[str | int | float]
    ) -> Any:
        """Run a script that `script` made.

        Raises:
            StateUnavailable: As `asking` says.
        """
        async with self.asking():
            return await script(keys=keys, args=arguments)

    def script(self, source: str) -> AsyncScript:
        """Prepare a script; Redis learns it when it runs first, and again after a restart."""
        return self.redis.register_script(source)

    async def ping(self) -> None:
        """Check that Redis answers.

        Raises:
            StateUnavailable: If it doesn't.
        """
        async with self.asking() as redis:
            await redis.ping()

    async def forget_expired(self) -> None:
        """Free what has expired: a server does so by itself, the embedded engine where it counts.

        Raises:
            StateUnavailable: As `asking` says.
        """
        if self.is_embedded:
            async with self.asking() as redis:
                await redis.dbsize()

    async def aclose(self) -> None:
        """Close all connections; may be called again."""
        for client in (self.redis, *self._sentinels):
            await client.aclose()


_OPTIONS: Final[dict[str, Any]] = {
    "decode_responses": True,
    "socket_timeout": COMMAND_TIMEOUT,
    "socket_connect_timeout": COMMAND_TIMEOUT,
    # Once more at once, for a connection that Redis's restart has made useless. Not after a
    # time-out: the command may have been carried out, and some reserve minutes.
    "retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionBroken,)),
}


def _through_sentinels(url: str) -> tuple[Redis, list[Redis]]:
    right = "give redis+sentinel://host:26379,host:26379/master"
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    master, _, database = parts.path.strip("/").partition("/")
    if not master or not hosts:
        raise ValueError(f"it names no {'master' if hosts else 'sentinel'}; {right}")
    if database and not database.isdigit():
        raise ValueError(f"its database is not a number; {right}")
    user, _, password = credentials.partition(":")
    options = {
        **_OPTIONS,
        "username": unquote(user) or None,
        "password": unquote(password) or None,
        "db": int(database or 0),
        "ssl": parts.scheme.startswith("rediss"),
    }
    sentinels = Sentinel(  # type: ignore[no-untyped-call]  # redis-py leaves it so
        [_address(host, right) for host in hosts.split(",")],
        sentinel_kwargs={
            "socket_timeout": COMMAND_TIMEOUT,
            "socket_connect_timeout": COMMAND_TIMEOUT,
        },
    )
    return sentinels.master_for(master, **options), sentinels.sentinels


def _address(text: str, right: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        if not parts.hostname:
            raise ValueError
        return parts.hostname, parts.port or SENTINEL_PORT
    except ValueError:
        raise ValueError(f"'{text}' is no address of a sentinel; {right}") from None


@contextmanager
def _heeding_cancellation() -> Iterator[None]:
    """Be cancelled where that was overheard.

    On Python 3.11, `asyncio.wait_for`, with which the client waits, may swallow a cancellation:
    https://github.com/python/cpython/issues/86296. A loop that asks again and again would then
    never end.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


def _reason(error: Exception) -> str:
    """An error's kind; its text may hold the address with its password."""
    return type(error).__name__
