"""How long a session's audio and its finals take, by samples of both. Pure.

Of audio, one chunk a second is watched: between two looks nothing is compared but one attribute,
because this stands on the path of every message. Segments are few, so each is.
"""

import math
from collections import deque
from typing import Final

MAX_SEGMENTS: Final = 128
"""Segments that may wait for their finals; more than a ledger holds."""


class ChunkWatch:
    """Measures from a chunk's last sample coming in to the chunk being handed on.

    While `is_armed`, say `came` when a message comes and `grew` when its audio was taken in; when
    something was handed to the provider, say `handed_on` if `until` was reached.
    """

    __slots__ = ("_begin", "_came_at", "is_armed", "until")

    def __init__(self) -> None:
        """Begin without watching."""
        self.is_armed = False
        """Whether the next chunk that is completed is to be watched."""
        self.until = math.inf
        """Position at which the chunk that is watched ends; infinite while there is none."""
        self._begin = 0
        self._came_at = 0.0

    def arm(self, end: int) -> None:
        """Watch the next chunk that ends behind `end`, unless one is watched still."""
        self.is_armed = self.until == math.inf
        self._begin = end

    def came(self, now: float) -> None:
        """A message has come, which may complete a chunk."""
        self._came_at = now

    def grew(self, end: int) -> None:
        """Chunks up to `end` are complete, and are to be sent."""
        if end > self._begin:
            self.is_armed = False
            self.until = end

    def handed_on(self, now: float) -> float:
        """The chunk that was watched is with the provider: seconds since it came."""
        self.until = math.inf
        return now - self._came_at


class SegmentWatch:
    """Measures from a segment being ended to its final."""

    def __init__(self) -> None:
        """Begin without segments."""
        self._ended: deque[tuple[int, float]] = deque(maxlen=MAX_SEGMENTS)

    def ended(self, position: int, now: float) -> None:
        """A segment that ends at `position` was ended."""
        self._ended.append((position, now))

    def answered(self, position: int, now: float) -> float | None:
        """Its final is here: seconds since it was ended; None where that isn't known."""
        while self._ended and self._ended[0][0] <= position:
            ended_at, at = self._ended.popleft()
            if ended_at == position:
                return now - at
        return None
