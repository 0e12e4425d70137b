"""Redis and the database, as the relay's own code reaches them; nothing is made or changed."""

from typing import Final

from redis.exceptions import NoPermissionError

from relay.doctor.findings import Finding, Status
from relay.errors import StateUnavailable, StoreUnavailable
from relay.settings import Settings
from relay.state import SharedState
from relay.store import Database

OLDEST_REDIS: Final = (7, 0)


async def check_redis(settings: Settings) -> Finding:
    """Ask Redis what it is, and whether it may forget what it holds."""
    if settings.redis_url is None:
        text = "RELAY_REDIS_URL is not set: what workers share lives inside the one worker."
        return Finding("redis", Status.OK, text)
    state = SharedState.connect(settings.redis_url.get_secret_value())
    try:
        async with state.asking() as redis:
            server = await redis.info("server")
            try:
                policy = str((await redis.info("memory")).get("maxmemory_policy", "noeviction"))
            except NoPermissionError:
                policy = "noeviction"
    except StateUnavailable as error:
        return Finding(
            "redis",
            Status.FAIL,
            f"Redis can't be used: {error}.",
            "Check RELAY_REDIS_URL, its password, and that the server runs and takes writes.",
        )
    finally:
        await state.aclose()
    version = str(server["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        return Finding(
            "redis", Status.FAIL, f"Redis {version} is too old.", f"Take {oldest} or a later one."
        )
    if policy != "noeviction":
        return Finding(
            "redis",
            Status.WARN,
            f"Redis {version} answers, but forgets keys when its memory is full ({policy}).",
            "Set maxmemory-policy noeviction: limits, tickets and live sessions would be lost.",
        )
    return Finding("redis", Status.OK, f"Redis {version} answers.")


async def check_database(settings: Settings) -> Finding:
    """Open the database, unless it is a file that the relay has yet to make."""
    database = Database(settings.store_url)
    kind = "PostgreSQL" if database.is_postgres else "SQLite"
    if database.file is not None and not database.file.exists():
        text = f"{database.file} is not there yet; the relay makes it when it starts."
        return Finding("database", Status.OK, text)
    try:
        await database.ping()
    except StoreUnavailable as error:
        return Finding(
            "database",
            Status.FAIL,
            f"{kind} can't be used: {error}.",
            "Check RELAY_DATABASE_URL or RELAY_DATA_DIR, the server, and what its user may do.",
        )
    finally:
        await database.aclose()
    return Finding("database", Status.OK, f"{kind} answers.")
