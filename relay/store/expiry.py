"""Which transcripts have been kept for long enough, and what else time settles."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, literal, or_, select, update

from relay.folding import fold_name
from relay.retention import Retention, Rule
from relay.store.database import Database
from relay.store.tables import TRANSCRIPTS

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before which nothing was said."""


async def spelled_as_stored(database: Database, retention: Retention) -> Retention:
    """Let there be a rule for each way in which transcripts spell the name of one.

    Two names are the same by rules that databases don't know, so they are compared here.
    """
    kinds = {rule.kind for rule in retention.rules if rule.who is not None}
    if not kinds:
        return retention
    of = TRANSCRIPTS.c
    query = select(of.kind, of.name).where(of.kind.in_(sorted(kinds))).distinct()
    async with database.reading() as connection:
        stored = [(row.kind, row.name) for row in await connection.execute(query)]
    rules: list[Rule] = []
    for rule in retention.rules:
        names = (name for kind, name in stored if kind == rule.kind and rule.names(name))
        rules += [rule, *(replace(rule, who=name) for name in names)]
    return replace(retention, rules=tuple(rules))


def expired(retention: Retention, now: datetime) -> ColumnElement[bool]:
    """The condition of transcripts that are kept no longer, by when their sessions began.

    Names are compared as they are spelled: ask with what `spelled_as_stored` gives.
    """
    # Rules for one go before those for all of a kind, as `Retention.days_of` has it.
    rules = sorted(retention.rules, key=lambda rule: rule.who is None)
    limits = [(_is_of(rule), _limit(rule.days, now)) for rule in rules]
    default = _limit(retention.days, now)
    return TRANSCRIPTS.c.started_at < (case(*limits, else_=default) if limits else default)


async def still_kept(
    database: Database, ids: Collection[str], kept_no_longer: ColumnElement[bool]
) -> dict[str, bool]:
    """Tell of each transcript that is there whether something of it is to be kept.

    Args:
        database: With the transcripts.
        ids: Of some hundred that may be there.
        kept_no_longer: The condition of those for which it isn't, such as `expired` gives.
    """
    of = TRANSCRIPTS.c
    query = select(of.id, kept_no_longer.label("is_over")).where(of.id.in_(sorted(ids)))
    async with database.reading() as connection:
        return {row.id: not row.is_over for row in await connection.execute(query)}


def _limit(days: float, now: datetime) -> ColumnElement[Any]:
    since = BEGINNING
    if days < (now - BEGINNING).days:
        since = now - timedelta(days=days)
    return literal(since, TRANSCRIPTS.c.started_at.type)


def _is_of(rule: Rule) -> ColumnElement[bool]:
    of = TRANSCRIPTS.c
    if rule.who is None:
        return of.kind == rule.kind
    accounts = [f"{rule.kind}:{who}" for who in sorted({rule.who, fold_name(rule.who)})]
    # A key's own users follow its rule.
    prefixes = [of.account.startswith(f"{account}:", autoescape=True) for account in accounts]
    is_theirs = or_(of.name == rule.who, of.account.in_(accounts), *prefixes)
    return and_(of.kind == rule.kind, is_theirs)


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
