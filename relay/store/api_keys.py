"""Keys of servers that use the relay on behalf of others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from relay.folding import fold_name
from relay.store.database import Database
from relay.store.names import ID, NameTaken, check_name
from relay.store.secret_texts import TEXT_OF_256_BITS, digest, is_secret_of, new_id, new_secret
from relay.store.tables import API_KEYS, is_called

PREFIX: Final = "srk_"
"""What every key begins with, so that people and scanners know what they have found."""

_KEY: Final = re.compile(rf"{PREFIX}({ID.pattern})_({TEXT_OF_256_BITS})")

NO_LIMITS: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret."""

    id: str
    name: str
    limits: Mapping[str, float]
    """What differs from the limits of all keys, by name."""
    created_at: datetime
    revoked_at: datetime | None = None


_COLUMNS: Final = tuple(API_KEYS.c[name] for name in ApiKey.__dataclass_fields__)


class ApiKeys:
    """Keys in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, name: str, limits: Mapping[str, float] = NO_LIMITS
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            name: Free again once its key is revoked.
            limits: Stored as they are; the caller has checked them.

        Returns:
            The key, and its text, which is stored nowhere.

        Raises:
            ValueError: If no key can be called that.
            NameTaken: If one is.
        """
        check_name(name)
        secret = new_secret()
        key = ApiKey(new_id(), name, dict(limits), datetime.now(UTC))
        try:
            async with self._database.writing() as connection:
                await connection.execute(
                    insert(API_KEYS).values(
                        id=key.id,
                        name=name,
                        folded=fold_name(name),
                        secret_hash=digest(secret),
                        limits=key.limits,
                        created_at=key.created_at,
                    )
                )
        except IntegrityError as error:
            raise NameTaken(name) from error
        return key, f"{PREFIX}{key.id}_{secret}"

    async def verify(self, text: str) -> ApiKey | None:
        """Find the key that a text is; a wrong one, a revoked one and none take the same time."""
        match = _KEY.fullmatch(text)
        key_id, secret = match.groups() if match else ("", text)
        async with self._database.reading() as connection:
            query = select(*_COLUMNS, API_KEYS.c.secret_hash).where(API_KEYS.c.id == key_id)
            row = (await connection.execute(query)).mappings().one_or_none()
        found: dict[str, Any] = {} if row is None else dict(row)
        is_right = is_secret_of(found.pop("secret_hash", None), secret)
        return ApiKey(**found) if is_right and found["revoked_at"] is None else None

    async def list(self, *, with_revoked: bool = False) -> Sequence[ApiKey]:
        """All keys, by name."""
        query = select(*_COLUMNS).order_by(API_KEYS.c.folded, API_KEYS.c.created_at)
        if not with_revoked:
            query = query.where(API_KEYS.c.revoked_at.is_(None))
        async with self._database.reading() as connection:
            return [ApiKey(**row) for row in (await connection.execute(query)).mappings()]

    async def revoke(self, key: str) -> bool:
        """Revoke a key by id or name.

        Returns:
            Whether there was one to revoke.
        """
        async with self._database.writing() as connection:
            revoked = await connection.execute(
                update(API_KEYS)
                .where(is_called(API_KEYS, key))
                .where(API_KEYS.c.revoked_at.is_(None))
                .values(revoked_at=datetime.now(UTC))
            )
            return revoked.rowcount > 0
