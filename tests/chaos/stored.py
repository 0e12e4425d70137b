"""What the database has of a session in the end: what the client heard, once each."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from relay.store.database import Database
from relay.store.transcripts import Segment, Transcripts
from tests.chaos.judge import PLAIN, TIMED, Heard
from tests.support.waiting import until

STORE_TIME: Final = 40.0
"""Seconds in which everything has to be stored once a session is over: a worker that was killed
leaves what it had taken to another one after 15 s."""


async def find_unstored(database_url: str, heard: Sequence[Heard]) -> list[str]:
    """Wait until the database has all that was heard; what is wrong after that, in words."""
    started = [each.event for each in heard if each.event["message_type"] == "session_started"]
    if not started:
        return []
    session_id: str = started[0]["session_id"]
    database = Database(database_url)

    async def is_stored() -> bool:
        return not _compare(await _stored(database, session_id), heard)

    try:
        with contextlib.suppress(AssertionError):  # said below, more exactly
            await until(is_stored, "everything to be stored", seconds=STORE_TIME)
        return _compare(await _stored(database, session_id), heard)
    finally:
        await database.aclose()


async def _stored(database: Database, session_id: str) -> list[Segment]:
    pages = Transcripts(database).pages_of_segments(session_id)
    return [segment async for page in pages for segment in page]


def _compare(stored: Sequence[Segment], heard: Sequence[Heard]) -> list[str]:
    """Say where the two differ."""
    plain = _by_segment(heard, PLAIN)
    timed = {
        number for number, event in _by_segment(heard, TIMED).items() if event["words"] is not None
    }
    texts = {number: event["text"] for number, event in plain.items()}
    found = {segment.number: segment.text for segment in stored}
    wrong = {number for number in texts.keys() & found.keys() if texts[number] != found[number]}
    wordless = {segment.number for segment in stored if segment.words is None}
    counts = {
        "segments not stored": len(texts.keys() - found.keys()),
        "segments stored that nobody heard": len(found.keys() - texts.keys()),
        "segments stored twice": len(stored) - len(found),
        "segments stored otherwise": len(wrong),
        "word times not stored": len(timed & wordless),
    }
    return [f"{count} {name}" for name, count in counts.items() if count]


def _by_segment(heard: Sequence[Heard], message_type: str) -> Mapping[int, Mapping[str, Any]]:
    events = [each.event for each in heard if each.event["message_type"] == message_type]
    return {event["segment"]: event for event in events}
