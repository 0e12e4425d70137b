"""What analysers raised, asked for beside transcripts and segments."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.tables import SEGMENT_FLAGS


@dataclass(frozen=True, slots=True)
class Flag:
    """What an analyser raised for a segment."""

    kind: str
    score: float
    analyser: str


async def names_of_flags(
    connection: AsyncConnection, ids: Collection[str]
) -> Mapping[str, list[str]]:
    """The kinds that were raised in each of some transcripts, in alphabetical order."""
    of = SEGMENT_FLAGS.c
    query = (
        select(of.transcript_id, of.flag)
        .where(of.transcript_id.in_(ids), of.is_raised)
        .distinct()
        .order_by(of.flag)
    )
    found: dict[str, list[str]] = {}
    for transcript_id, flag in await connection.execute(query):
        found.setdefault(transcript_id, []).append(flag)
    return found


async def flags_of_segments(
    connection: AsyncConnection, transcript_id: str, first: int, last: int
) -> Mapping[int, Sequence[Flag]]:
    """What was raised for a transcript's segments from the first number to the last."""
    of = SEGMENT_FLAGS.c
    query = (
        select(of.number, of.flag, of.score, of.analyser)
        .where(of.transcript_id == transcript_id, of.number.between(first, last), of.is_raised)
        .order_by(of.number, of.score.desc(), of.flag, of.analyser)
    )
    found: dict[int, list[Flag]] = {}
    for number, kind, score, analyser in await connection.execute(query):
        found.setdefault(number, []).append(Flag(kind, score or 0.0, analyser))
    return found


async def count_flags(connection: AsyncConnection, ids: Collection[str]) -> Mapping[str, int]:
    """How many were raised in each of some transcripts; those without are left out."""
    of = SEGMENT_FLAGS.c
    query = (
        select(of.transcript_id, func.count())
        .where(of.transcript_id.in_(sorted(ids)), of.is_raised)
        .group_by(of.transcript_id)
    )
    return {row[0]: row[1] for row in await connection.execute(query)}
