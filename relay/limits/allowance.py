"""Audio that a session has reserved and not taken yet. Pure."""

import math
from typing import Final

from relay.limits.limiter import PIECE, Grant

LOW: Final = 5 * 60_000
"""Milliseconds left of a day's minutes at which a client is warned."""


class Allowance:
    """How much audio a session may take before it has to reserve more.

    The worker renews it every few seconds and well before it is used up, so a session that keeps
    to its pace never notices. While Redis is away, sessions go on without: what they take then is
    reserved afterwards.
    """

    def __init__(self, grant: Grant, *, piece_ms: int = round(PIECE * 1000)) -> None:
        """Begin with the piece that came with the admission."""
        self._piece_ms = piece_ms
        self._reserved_ms = 0.0
        self._taken_ms = 0.0
        self._next_ms = 0.0
        self._day = grant.day
        self._reserved_today_ms = 0
        self._is_suspended = False
        self._is_refused = False
        self._left_ms: int | None = None
        self.add(grant)

    @property
    def is_used_up(self) -> bool:
        """Whether the session has to wait for its next piece."""
        left_ms = self._reserved_ms - self._taken_ms
        return not self._is_suspended and (left_ms <= 0 or left_ms < self._next_ms)

    @property
    def has_ended(self) -> bool:
        """Whether no piece will come any more today."""
        return self._is_refused and self.is_used_up

    @property
    def wanted_ms(self) -> int:
        """What to reserve next."""
        # Not less than what waits to be taken, rounded up: it would wait forever.
        wanted_ms = max(self._piece_ms, math.ceil(self._next_ms))
        return max(0, math.ceil(wanted_ms - (self._reserved_ms - self._taken_ms)))

    @property
    def left_ms(self) -> int | None:
        """What is left today, this session's own piece included; None where there is no limit."""
        if self._left_ms is None:
            return None
        return self._left_ms + max(0, round(self._reserved_ms - self._taken_ms))

    @property
    def is_low(self) -> bool:
        """Whether the client should be warned."""
        return self.left_ms is not None and self.left_ms <= LOW

    @property
    def unspent(self) -> tuple[int, int]:
        """Milliseconds to give back at the session's end, and the day they were reserved on."""
        unspent_ms = max(0, int(self._reserved_ms - self._taken_ms))
        return min(unspent_ms, self._reserved_today_ms), self._day

    def expect(self, ms: float) -> None:
        """Make it known how much is to be taken next."""
        self._next_ms = ms

    def take_covered(self, ms: float) -> bool:
        """Count audio that came, unless that much isn't reserved; whether it was."""
        left_ms = self._reserved_ms - self._taken_ms
        if not self._is_suspended and (left_ms <= 0 or left_ms < ms):
            return False
        self._taken_ms += ms
        self._next_ms = 0.0
        return True

    def take(self, ms: float) -> None:
        """Count audio that came."""
        self._taken_ms += ms
        self._next_ms = 0.0

    def add(self, grant: Grant) -> None:
        """Take in the answer to `wanted_ms`."""
        self._is_suspended = False
        if grant.day != self._day:
            self._day = grant.day
            self._reserved_today_ms = 0
        self._reserved_ms += grant.granted_ms
        self._reserved_today_ms += grant.granted_ms
        known = [left for left in (grant.left_ms, grant.budget_left_ms) if left is not None]
        self._left_ms = min(known) if known else None
        # Nothing was granted where nothing had been asked for too, some milliseconds ago.
        self._is_refused = grant.granted_ms == 0 and self._left_ms == 0

    def suspend(self) -> None:
        """Let the session go on without reservations, because nobody can be asked."""
        self._is_suspended = True
