"""Users, their sign-ins, and links that sign in once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.folding import fold_name
from relay.store.database import Database
from relay.store.names import NameTaken, check_name
from relay.store.secret_texts import digest, new_id, new_secret
from relay.store.tables import SIGN_IN_LINKS, SIGN_INS, USERS, is_called

LINK_LIFETIME: Final = 600.0
"""Seconds that a sign-in link is good for."""

SEEN_EVERY: Final = timedelta(minutes=5)
"""How exact `seen_at` is; every request would write otherwise."""


@dataclass(frozen=True, slots=True)
class User:
    """A person."""

    id: str
    name: str
    password_hash: str | None = field(repr=False)
    """None where something else vouches for them."""
    is_operator: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a session cookie stands for; it ends when its row goes."""

    id: str
    user_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


_USER: Final = tuple(USERS.c[name] for name in User.__dataclass_fields__)
_SIGN_IN: Final = tuple(SIGN_INS.c[name] for name in SignIn.__dataclass_fields__)


class Users:
    """Users in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, name: str, password_hash: str | None, *, is_operator: bool = False) -> User:
        """Add a user.

        Raises:
            ValueError: If nobody can be called that.
            NameTaken: If somebody is.
        """
        check_name(name)
        user = User(new_id(), name, password_hash, is_operator, datetime.now(UTC))
        try:
            async with self._database.writing() as connection:
                await connection.execute(
                    insert(USERS).values(
                        id=user.id,
                        name=name,
                        folded=fold_name(name),
                        password_hash=password_hash,
                        is_operator=is_operator,
                        created_at=user.created_at,
                    )
                )
        except IntegrityError as error:
            raise NameTaken(name) from error
        return user

    async def ensure(self, name: str) -> User:
        """Find a user that someone else vouches for; add them when they come first.

        Raises:
            ValueError: If nobody can be called that.
        """
        check_name(name)  # first, so that what looks like an id is never looked up as one
        while True:
            if (user := await self.find(name)) is not None:
                return user
            try:
                return await self.add(name, None)
            except NameTaken:
                # Another request of theirs was faster, so the next look finds them.
                continue

    async def find(self, name: str) -> User | None:
        """Find a user by name, however it is cased, or by id; any text may be asked for."""
        async with self._database.reading() as connection:
            query = select(*_USER).where(is_called(USERS, name))
            return _user((await connection.execute(query)).mappings().one_or_none())

    async def get(self, user_id: str) -> User | None:
        """Find a user by id."""
        async with self._database.reading() as connection:
            return await _get(connection, user_id)

    async def list(self) -> Sequence[User]:
        """All users, by name."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(*_USER).order_by(USERS.c.folded))).mappings()
            return [User(**row) for row in rows]

    async def count(self) -> int:
        """How many there are; 0 is a relay that nobody has set up."""
        async with self._database.reading() as connection:
            query = select(func.count()).select_from(USERS)
            return (await connection.execute(query)).scalar_one()

    async def set_password_hash(
        self, user_id: str, password_hash: str | None, *, instead_of: str | None = None
    ) -> bool:
        """Change a password, which ends the sign-ins and links that the old one made.

        Args:
            user_id: Whose.
            password_hash: None takes the password away.
            instead_of: The hash of the same password, which is only hashed anew: sign-ins stay, and
                where the password has been changed meanwhile, so does the new one.

        Returns:
            Whether there is such a user, with that hash if one is given.
        """
        change = update(USERS).where(USERS.c.id == user_id).values(password_hash=password_hash)
        if instead_of is not None:
            change = change.where(USERS.c.password_hash == instead_of)
        async with self._database.writing() as connection:
            changed = await connection.execute(change)
            if instead_of is None:
                for table in (SIGN_INS, SIGN_IN_LINKS):
                    await connection.execute(delete(table).where(table.c.user_id == user_id))
            return changed.rowcount > 0

    async def remove(self, user: str) -> bool:
        """Remove a user, by id or name, and all their sign-ins.

        Returns:
            Whether there was one.
        """
        async with self._database.writing() as connection:
            removed = await connection.execute(delete(USERS).where(is_called(USERS, user)))
            return removed.rowcount > 0

    async def sign_in(
        self, user_id: str, lifetime: float, now: datetime, *, known: User | None = None
    ) -> SignIn | None:
        """Sign a user in, for `lifetime` seconds; clear away what has expired.

        Args:
            user_id: Who.
            lifetime: Seconds.
            now: When.
            known: The user as they were when they showed a password or link, if they did.

        Returns:
            None if the user has been removed meanwhile, or has another password than was shown.
        """
        sign_in = SignIn(new_id(), user_id, now, now, now + timedelta(seconds=lifetime))
        try:
            async with self._database.writing() as connection:
                if known is not None:
                    query = select(USERS.c.password_hash).where(USERS.c.id == user_id)
                    # Locked, so that a change of the password ends this sign-in, or is seen.
                    password_hash = await connection.scalar(query.with_for_update())
                    if password_hash != known.password_hash:
                        return None
                await connection.execute(delete(SIGN_INS).where(SIGN_INS.c.expires_at <= now))
                await connection.execute(
                    insert(SIGN_INS).values(
                        id=sign_in.id,
                        user_id=user_id,
                        created_at=now,
                        seen_at=now,
                        expires_at=sign_in.expires_at,
                    )
                )
        except IntegrityError:
            return None
        return sign_in

    async def sign_in_of(self, sign_in_id: str, now: datetime) -> tuple[SignIn, User] | None:
        """Find whom a sign-in stands for, if it still stands."""
        async with self._database.reading() as connection:
            query = (
                select(*(column.label(f"sign_in_{column.name}") for column in _SIGN_IN), *_USER)
                .join_from(SIGN_INS, USERS)
                .where(SIGN_INS.c.id == sign_in_id, SIGN_INS.c.expires_at > now)
            )
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        sign_in = SignIn(*(row[f"sign_in_{column.name}"] for column in _SIGN_IN))
        user = User(*(row[column.name] for column in _USER))
        if now - sign_in.seen_at >= SEEN_EVERY:
            async with self._database.writing() as connection:
                await connection.execute(
                    update(SIGN_INS).where(SIGN_INS.c.id == sign_in_id).values(seen_at=now)
                )
        return sign_in, user

    async def sign_out(self, sign_in_id: str) -> bool:
        """End a sign-in.

        Returns:
            Whether there was one.
        """
        async with self._database.writing() as connection:
            ended = await connection.execute(delete(SIGN_INS).where(SIGN_INS.c.id == sign_in_id))
            return ended.rowcount > 0

    async def create_link(
        self, user_id: str, now: datetime, lifetime: float = LINK_LIFETIME
    ) -> str | None:
        """Make the token of a link that signs a user in once; clear away what has expired.

        Returns:
            None if there is no such user. The token is stored nowhere.
        """
        token = new_secret()
        try:
            async with self._database.writing() as connection:
                await connection.execute(
                    delete(SIGN_IN_LINKS).where(SIGN_IN_LINKS.c.expires_at <= now)
                )
                await connection.execute(
                    insert(SIGN_IN_LINKS).values(
                        token_hash=digest(token),
                        user_id=user_id,
                        expires_at=now + timedelta(seconds=lifetime),
                    )
                )
        except IntegrityError:
            return None
        return token

    async def consume_link(self, token: str, now: datetime) -> User | None:
        """Spend a link: of many who try at once, one gets the user."""
        async with self._database.writing() as connection:
            spent = await connection.execute(
                delete(SIGN_IN_LINKS)
                .where(SIGN_IN_LINKS.c.token_hash == digest(token))
                .returning(SIGN_IN_LINKS.c.user_id, SIGN_IN_LINKS.c.expires_at)
            )
            link = spent.mappings().one_or_none()
            if link is None or link["expires_at"] <= now:
                return None
            return await _get(connection, link["user_id"])


async def _get(connection: AsyncConnection, user_id: str) -> User | None:
    query = select(*_USER).where(USERS.c.id == user_id)
    return _user((await connection.execute(query)).mappings().one_or_none())


def _user(row: RowMapping | None) -> User | None:
    return None if row is None else User(**row)
