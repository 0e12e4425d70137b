"""Flags in a database, as an analyser would raise them."""

from collections.abc import Mapping

from relay.store import Database
from relay.store.tables import SEGMENT_FLAGS


async def flag(
    database: Database,
    transcript_id: str,
    number: int,
    scores: Mapping[str, float],
    *,
    analyser: str = "local",
    is_raised: bool = True,
) -> None:
    """Say what was found in a segment."""
    rows = [
        {
            "transcript_id": transcript_id,
            "number": number,
            "flag": kind,
            "score": score,
            "analyser": analyser,
            "is_raised": is_raised,
        }
        for kind, score in scores.items()
    ]
    async with database.writing() as connection:
        await connection.execute(SEGMENT_FLAGS.insert(), rows)
