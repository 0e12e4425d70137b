"""What happened in each live session, as its workers write it down; never what was said.

What is frequent (finals, lag) is kept in a list of its own, so that it pushes out nothing that is
rare. Both are bounded: a session takes 20 kB at most.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from relay.logbook import OFTEN, Entry
from relay.state import SharedState
from relay.state.scripts import read_script

MAX_RARE: Final = 100
MAX_OFTEN: Final = 240
"""Ten minutes with 18 finals a minute, and lag for each ten seconds."""

LASTS: Final = 60.0
"""Seconds for which a timeline is kept without being renewed: longer than a session is parked, and
long enough to look at one that has just ended."""

TIMELINE: Final = "relay:timeline:"


class Timelines:
    """The timelines of all live sessions; one goes on where its session changes the worker."""

    def __init__(self, state: SharedState, *, lasts: float = LASTS) -> None:
        """Keep them in `state` for `lasts` seconds."""
        self._state = state
        self._lasts_ms = round(lasts * 1000)
        self._note = state.script(read_script(__package__, "note"))

    async def add(self, news: Mapping[str, Sequence[Entry]]) -> None:
        """Add what happened in a worker's sessions, in one round trip; name also quiet ones.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        if not news:
            return
        arguments: list[str | int] = [TIMELINE, self._lasts_ms, MAX_RARE, MAX_OFTEN]
        for session_id, entries in news.items():
            arguments += [session_id, len(entries)]
            for entry in entries:
                text = msgspec.json.encode(entry).decode()
                arguments += [int(entry.kind in OFTEN), text]
        await self._state.run(self._note, [], arguments)

    async def read(self, session_id: str) -> list[Entry]:
        """What happened in a session, the oldest first; nothing if it isn't known.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        async with self._state.asking() as redis:
            rare = await redis.lrange(TIMELINE + session_id, 0, -1)
            often = await redis.lrange(f"{TIMELINE}{session_id}:often", 0, -1)
        entries = [msgspec.json.decode(text, type=Entry) for text in (*rare, *often)]
        return sorted(entries, key=lambda entry: entry.at)
