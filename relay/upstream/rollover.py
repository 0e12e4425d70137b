"""When a provider's socket is replaced before the provider ends it. Pure."""

import math

LEAD = 15.0
"""Seconds of audio before the limit from which on the next socket is opened: time for a few
attempts, and for a pause in which the segment ends by itself."""


class Rollover:
    """Says how far a socket is from the end of its time, which audio counts."""

    def __init__(self, limit: float) -> None:
        """`limit`: seconds of audio that a socket may be sent; 0 for as many as there are."""
        self._limit = limit or math.inf
        self.begin = max(self._limit / 2, self._limit - LEAD)
        """Seconds of audio from which on the next socket should be opened, and taken where a
        segment ends."""

    def is_over(self, sent: float) -> bool:
        """Whether the segment has to end for that."""
        return sent >= self._limit
