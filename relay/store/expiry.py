"""Which transcripts have been kept for long enough, and what else time settles."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, literal, or_, update

from relay.retention import Retention, Rule
from relay.store.database import Database
from relay.store.tables import TRANSCRIPTS

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before which nothing was said."""


def expired(retention: Retention, now: datetime) -> ColumnElement[bool]:
    """The condition of transcripts that are kept no longer, by when their sessions began."""
    # Rules for one go before those for all of a kind, as `Retention.days_of` has it.
    rules = sorted(retention.rules, key=lambda rule: rule.who is None)
    limits = [(_is_of(rule), _limit(rule.days, now)) for rule in rules]
    default = _limit(retention.days, now)
    return TRANSCRIPTS.c.started_at < (case(*limits, else_=default) if limits else default)


def _limit(days: float, now: datetime) -> ColumnElement[Any]:
    since = BEGINNING
    if days < (now - BEGINNING).days:
        since = now - timedelta(days=days)
    return literal(since, TRANSCRIPTS.c.started_at.type)


def _is_of(rule: Rule) -> ColumnElement[bool]:
    of = TRANSCRIPTS.c
    if rule.who is None:
        return of.kind == rule.kind
    account = f"{rule.kind}:{rule.who}"
    # A key's own users follow its rule.
    is_account = or_(of.account == account, of.account.startswith(f"{account}:", autoescape=True))
    return and_(of.kind == rule.kind, or_(of.name == rule.who, is_account))


async def end_abandoned(database: Database, *, before: datetime, live: Collection[str]) -> int:
    """Say of sessions that nobody ended when they were heard last.

    Args:
        database: With the transcripts.
        before: When they were heard last, at the latest.
        live: Those that go on.

    Returns:
        How many there were.
    """
    of = TRANSCRIPTS.c
    statement = (
        update(TRANSCRIPTS)
        .where(of.ended_at.is_(None), of.updated_at < before, of.id.not_in(sorted(live)))
        .values(ended_at=of.updated_at)
    )
    async with database.writing() as connection:
        return (await connection.execute(statement)).rowcount
