"""Kiosks, and how a device becomes one: it shows a code, and an operator approves the code."""

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.errors import RelayError
from relay.folding import fold_name
from relay.store.database import Database, Lock
from relay.store.names import ID, NameTaken, check_name
from relay.store.secret_texts import TEXT_OF_256_BITS, digest, is_secret_of, new_id, new_secret
from relay.store.tables import ENROLMENTS, KIOSKS, is_called

CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no code is a word, and no digits, so that none looks like a letter.

*Source*: RFC 8628, section 6.1.
"""

CODE_LENGTH: Final = 8

ENROLMENT_LIFETIME: Final = timedelta(minutes=10)
"""How long a device waits for approval, and how long an approval waits for its device."""

MAX_PENDING: Final = 20
"""Enrolments in all: more would be a flood in which nobody finds theirs."""

MAX_PENDING_PER_ADDRESS: Final = 3

ERASED_NAME: Final = "(erased)"
"""Who approved a kiosk, once all that was known of them is deleted."""

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Options as names and values, one of which may stand several times."""

_COOKIE: Final = re.compile(rf"({ID.pattern})\.({TEXT_OF_256_BITS})")


@dataclass(eq=False)
class TooManyEnrolments(RelayError):
    """Raised when too many devices wait for approval; one may try again later."""

    retry_after: float
    """Seconds until the oldest of them expires."""

    def __str__(self) -> str:
        return "Too many devices wait for approval already."


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A device that may use the relay without a person's sign-in."""

    id: str
    name: str
    options: Pairs
    """What its sessions get, whatever they ask for."""
    created_at: datetime
    approved_by: str
    is_collected: bool
    """Whether the device has fetched its secret."""
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a device gets when it asks to become a kiosk."""

    code: str
    """Shown to people: `BCDF-GHJK`."""
    device_secret: str = field(repr=False)
    """Known to the device alone."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """An enrolment as operators see it."""

    code: str
    address: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """The answer to a device that nobody has approved yet."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Approved:
    """The answer to a device that is a kiosk now."""

    kiosk_id: str
    secret: str = field(repr=False)
    """Its cookie from now on."""


_COLUMNS: Final = (
    KIOSKS.c.id,
    KIOSKS.c.name,
    KIOSKS.c.options,
    KIOSKS.c.created_at,
    KIOSKS.c.approved_by,
    KIOSKS.c.secret_hash.is_not(None).label("is_collected"),
    KIOSKS.c.revoked_at,
)


class Kiosks:
    """Kiosks and enrolments in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, address: str, now: datetime) -> Enrolment:
        """Let a device ask for approval; clear away what has expired.

        Args:
            address: Whose requests are counted together, such as an IPv6 network of 64 bits.
            now: The time.

        Raises:
            TooManyEnrolments: If too many wait already, from there or in all.
        """
        enrolment = Enrolment(_new_code(), new_secret(), now + ENROLMENT_LIFETIME)
        async with self._database.writing(alone=Lock.ENROLMENT) as connection:
            await _clear_expired(connection, now)
            await _check_room(
                connection, ENROLMENTS.c.address == address, MAX_PENDING_PER_ADDRESS, now
            )
            await _check_room(connection, True, MAX_PENDING, now)
            await connection.execute(
                insert(ENROLMENTS).values(
                    device_hash=digest(enrolment.device_secret),
                    code=enrolment.code,
                    address=address,
                    created_at=now,
                    expires_at=enrolment.expires_at,
                )
            )
        return enrolment

    async def pending(self, now: datetime) -> Sequence[Waiting]:
        """The devices that wait for approval, the newest first."""
        query = (
            select(
                ENROLMENTS.c.code,
                ENROLMENTS.c.address,
                ENROLMENTS.c.created_at,
                ENROLMENTS.c.expires_at,
            )
            .where(ENROLMENTS.c.expires_at > now, ENROLMENTS.c.kiosk_id.is_(None))
            .order_by(ENROLMENTS.c.created_at.desc(), ENROLMENTS.c.code)
        )
        async with self._database.reading() as connection:
            return [Waiting(**row) for row in (await connection.execute(query)).mappings()]

    async def approve(
        self, code: str, name: str, options: Pairs, by: str, now: datetime
    ) -> Kiosk | None:
        """Make the device that shows `code` a kiosk; it learns so at its next `poll`.

        Args:
            code: As a person types it: case, spaces and dashes don't matter.
            name: Free again once its kiosk is revoked.
            options: Stored as they are; the caller has checked them.
            by: Who approves.
            now: The time.

        Returns:
            None if no device waits with this code.

        Raises:
            ValueError: If no kiosk can be called that.
            NameTaken: If one is.
        """
        check_name(name)
        kiosk = Kiosk(new_id(), name, tuple(options), now, by, is_collected=False)
        try:
            async with self._database.writing(alone=Lock.ENROLMENT) as connection:
                await _clear_expired(connection, now)
                await connection.execute(
                    insert(KIOSKS).values(
                        id=kiosk.id,
                        name=name,
                        folded=fold_name(name),
                        options=kiosk.options,
                        created_at=now,
                        approved_by=by,
                    )
                )
                approved = await connection.execute(
                    update(ENROLMENTS)
                    .where(ENROLMENTS.c.code == read_code(code), ENROLMENTS.c.kiosk_id.is_(None))
                    .values(kiosk_id=kiosk.id, expires_at=now + ENROLMENT_LIFETIME)
                )
                if not approved.rowcount:
                    await connection.rollback()
                    return None
        except IntegrityError as error:
            raise NameTaken(name) from error
        return kiosk

    async def poll(self, device_secret: str, now: datetime) -> Pending | Approved | None:
        """Tell a device whether it was approved; the first to hear so gets the kiosk's secret.

        Returns:
            None once the enrolment has expired, was answered, or the kiosk was revoked already.
        """
        device_hash = digest(device_secret)
        is_ours = (ENROLMENTS.c.device_hash == device_hash) & (ENROLMENTS.c.expires_at > now)
        async with self._database.reading() as connection:
            query = select(ENROLMENTS.c.code, ENROLMENTS.c.expires_at, ENROLMENTS.c.kiosk_id)
            row = (await connection.execute(query.where(is_ours))).mappings().one_or_none()
        if row is None:
            return None
        if row["kiosk_id"] is None:
            return Pending(row["code"], row["expires_at"])
        return await self._hand_over(device_hash, row["kiosk_id"])

    async def _hand_over(self, device_hash: str, kiosk_id: str) -> Approved | None:
        secret = new_secret()
        async with self._database.writing() as connection:
            spent = await connection.execute(
                delete(ENROLMENTS).where(ENROLMENTS.c.device_hash == device_hash)
            )
            if not spent.rowcount:
                return None
            given = await connection.execute(
                update(KIOSKS)
                .where(KIOSKS.c.id == kiosk_id, KIOSKS.c.revoked_at.is_(None))
                .values(secret_hash=digest(secret))
            )
            return Approved(kiosk_id, f"{kiosk_id}.{secret}") if given.rowcount else None

    async def verify(self, text: str) -> Kiosk | None:
        """Find the kiosk whose cookie a text is; a wrong, a revoked and no kiosk cost the same."""
        match = _COOKIE.fullmatch(text)
        kiosk_id, secret = match.groups() if match else ("", text)
        async with self._database.reading() as connection:
            query = select(*_COLUMNS, KIOSKS.c.secret_hash).where(KIOSKS.c.id == kiosk_id)
            row = (await connection.execute(query)).mappings().one_or_none()
        found: dict[str, Any] = {} if row is None else dict(row)
        is_right = is_secret_of(found.pop("secret_hash", None), secret)
        return _kiosk(found) if is_right and found["revoked_at"] is None else None

    async def list(self, *, with_revoked: bool = False) -> Sequence[Kiosk]:
        """All kiosks, by name."""
        query = select(*_COLUMNS).order_by(KIOSKS.c.folded, KIOSKS.c.created_at)
        if not with_revoked:
            query = query.where(KIOSKS.c.revoked_at.is_(None))
        async with self._database.reading() as connection:
            return [_kiosk(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def approved_by(self, name: str) -> Sequence[Kiosk]:
        """The kiosks that somebody of this name approved, also those that were revoked."""
        query = select(*_COLUMNS).where(KIOSKS.c.approved_by == name).order_by(KIOSKS.c.created_at)
        async with self._database.reading() as connection:
            return [_kiosk(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def forget_approvers(self, names: Collection[str]) -> int:
        """Put `ERASED_NAME` in the place of those who approved kiosks.

        Returns:
            Of how many.
        """
        async with self._database.writing() as connection:
            changed = await connection.execute(
                update(KIOSKS)
                .where(KIOSKS.c.approved_by.in_(sorted(names)))
                .values(approved_by=ERASED_NAME)
            )
            return changed.rowcount

    async def revoke(self, kiosk: str) -> bool:
        """Revoke a kiosk by id or name.

        Returns:
            Whether there was one to revoke.
        """
        async with self._database.writing() as connection:
            revoked = await connection.execute(
                update(KIOSKS)
                .where(is_called(KIOSKS, kiosk))
                .where(KIOSKS.c.revoked_at.is_(None))
                .values(revoked_at=datetime.now(UTC))
            )
            return revoked.rowcount > 0


async def _clear_expired(connection: AsyncConnection, now: datetime) -> None:
    expired = await connection.execute(
        delete(ENROLMENTS).where(ENROLMENTS.c.expires_at <= now).returning(ENROLMENTS.c.kiosk_id)
    )
    if uncollected := [kiosk_id for kiosk_id in expired.scalars() if kiosk_id is not None]:
        # Its device never came back, so no kiosk was made and the name is free.
        await connection.execute(
            delete(KIOSKS).where(KIOSKS.c.id.in_(uncollected), KIOSKS.c.secret_hash.is_(None))
        )


async def _check_room(connection: AsyncConnection, which: Any, most: int, now: datetime) -> None:
    waiting = select(func.count(), func.min(ENROLMENTS.c.expires_at)).where(
        which, ENROLMENTS.c.kiosk_id.is_(None)
    )
    count, first_end = (await connection.execute(waiting)).one()
    if count >= most:
        raise TooManyEnrolments((first_end - now).total_seconds())


def read_code(text: str) -> str:
    """Bring a code that a person typed to the form in which it is stored; any text has one."""
    letters = re.sub("[^A-Z]", "", text.upper())
    return f"{letters[: CODE_LENGTH // 2]}-{letters[CODE_LENGTH // 2 :]}"


def _new_code() -> str:
    return read_code("".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)))


def _kiosk(row: dict[str, Any]) -> Kiosk:
    options = tuple((name, value) for name, value in row["options"])
    return Kiosk(**{**row, "options": options})
