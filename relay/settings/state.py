"""Where accounts, sessions and limits are kept."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo, field_validator

from relay.settings.layered import Layered, setting
from relay.settings.secret import Secret
from relay.settings.values import parse_database_url, parse_redis_url


def _check_database_url(value: object) -> object:
    return parse_database_url(value) if isinstance(value, str) else value


DatabaseUrl: TypeAlias = Annotated[SecretStr, BeforeValidator(_check_database_url)]
"""A secret, because a password may stand in it."""


def _check_redis_url(url: SecretStr) -> SecretStr:
    parse_redis_url(url.get_secret_value())
    return url


class StateSettings(Layered, frozen=True):
    """Database, Redis, and how many processes share them."""

    secrets: ClassVar[frozenset[str]] = frozenset({"database_url", "redis_url"})

    data_dir: Path = setting(
        Path("data"),
        "State",
        "Folder of what has to outlive a restart; it is made for this user alone.",
    )
    database_url: DatabaseUrl | None = setting(
        None,
        "State",
        "Where users, kiosks, keys and usage are kept: `sqlite:///path/to/relay.db`, or "
        "`postgresql://user:password@host/name`. By default it is the file `relay.db` in the data "
        "folder.",
    )
    redis_url: Annotated[Secret, AfterValidator(_check_redis_url)] | None = setting(
        None,
        "State",
        "Where sessions, limits and tickets are shared between workers and hosts: `redis://`, "
        "`rediss://`, `unix://`, or `redis+sentinel://host:26379,host:26379/master`. Without it, "
        "an engine inside the process does, for one worker.",
    )
    redis_down: Literal["admit", "refuse"] = setting(
        "refuse",
        "State",
        "What happens to new sessions of users, kiosks and keys while Redis is away: `admit` "
        "counts them in each worker alone. Tickets are refused in any case, live sessions go on.",
    )
    workers: int = setting(
        1,
        "State",
        "Processes that serve; more than one needs `RELAY_REDIS_URL`.",
        ge=1,
        le=256,
    )

    @property
    def store_url(self) -> str:
        """Where the database is: as set, or a file in the data folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir / 'relay.db'}"

    @field_validator("workers")
    @classmethod
    def _check_workers(cls, workers: int, info: ValidationInfo) -> int:
        if workers > 1 and info.data.get("redis_url") is None:
            raise ValueError(
                "more than one worker needs RELAY_REDIS_URL, since without it each would count "
                "sessions, limits and tickets for itself alone"
            )
        return workers
