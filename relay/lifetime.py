"""When a session ends, and when it moves to another worker. Pure: it is told the time.

All times are seconds by one clock that never goes back.
"""

import math

from relay.translator import Finished, Refused

EXPEL_TIMEOUT = 1.5
"""Seconds for the last final of somebody who may no longer be here; with the seconds until a
revocation is seen, and a tick, it stays below the five that are promised."""

STOPPED = "stopped"
"""The reason of an end that the client asked for."""

PAUSE_TIMEOUT = 5.0
"""Seconds within which a session that has to move ends its segment."""

MOVE_TIMEOUT = 15.0
"""Seconds after which it moves, whether its last segment has its final or not; what hasn't, is said
again to its next owner."""


class Lifetime:
    """How long a session waits for its client, and for the last words from the provider.

    A session that is *finishing* takes nothing more, and ends as soon as everything is settled. If
    its client is away then, it is *awaited* as long as a parked session waits.
    """

    def __init__(self, *, now: float, park_seconds: float, idle_timeout: float) -> None:
        """Begin at `now`.

        Args:
            now: The time.
            park_seconds: For a client that is away; 0 where none comes back.
            idle_timeout: Seconds for a client that says nothing.
        """
        self._park_seconds = park_seconds
        self._idle_timeout = idle_timeout
        self._heard_at = now
        self.finishing: Finished | Refused | None = None
        """What the client is told at the end that has begun, if it has."""
        self._finish_by = math.inf
        self._waits_for_slot = True
        self._waits_for_client = park_seconds > 0

    @property
    def may_come_back(self) -> bool:
        """Whether a client may go on, or at least hear its last words."""
        return self.finishing is None or self.finishing.reason == STOPPED

    def heard(self, now: float) -> None:
        """Note that the client said something, or that it is us who didn't listen."""
        self._heard_at = now

    def is_idle(self, now: float) -> bool:
        """Whether the client has said nothing for too long."""
        return now - self._heard_at >= self._idle_timeout

    def is_parked_too_long(self, now: float, absent_since: float) -> bool:
        """Whether nobody waits any more for a client that left then; infinite for one that is here.

        One that can't come back has left for good.
        """
        return now >= absent_since + self._park_seconds

    def is_awaited(self, now: float, absent_since: float) -> bool:
        """Whether the client is away, and may still come back."""
        is_away = self._waits_for_client and absent_since < math.inf
        return is_away and not self.is_parked_too_long(now, absent_since)

    def waits_no_longer(self) -> None:
        """Wait for a client that is away no longer."""
        self._waits_for_client = False

    def finish(self, ending: Finished | Refused) -> bool:
        """Begin the end; False if it has begun before, as something else.

        Then `extend` it by the time that the last final needs.
        """
        if self.finishing is not None:
            return False
        self.finishing = ending
        return True

    def hasten(self, now: float, timeout: float) -> None:
        """Give an end that has begun no more than so many seconds, wherever its client is."""
        self._waits_for_client = self._waits_for_slot = False
        self._finish_by = min(self._finish_by, now + timeout)

    def replace(self, ending: Refused) -> None:
        """End as something else than what had begun."""
        self.finishing = ending

    def extend(self, now: float, timeout: float) -> None:
        """Give the last final so many seconds from now on: before, nobody could have said it."""
        if self.finishing is not None and self._waits_for_slot:
            self._finish_by = now + timeout

    def is_late(self, now: float, *, is_open: bool) -> bool:
        """Whether the last final has had its time; it has begun once the provider `is_open`."""
        is_waiting = self._waits_for_slot and not is_open
        return self.finishing is not None and not is_waiting and now >= self._finish_by


class Departure:
    """How a session leaves its worker: at the end of a segment, soon."""

    def __init__(self, committed: int, *, now: float) -> None:
        """Begin at `now`, when the last commit was at this position."""
        self._committed = committed
        self._began_at = now

    def may_go(self, committed: int, uncommitted: int) -> bool:
        """Whether the segment has ended; what comes after it is the next owner's."""
        return committed > self._committed or not uncommitted

    def wants_commit(self, committed: int, uncommitted: int, now: float) -> bool:
        """Whether there was no pause to end the segment in."""
        is_late = now >= self._began_at + PAUSE_TIMEOUT
        return is_late and not self.may_go(committed, uncommitted)

    def remaining(self, now: float) -> float:
        """Seconds that its last final still has."""
        return max(0.0, self._began_at + MOVE_TIMEOUT - now)

    def is_overdue(self, now: float) -> bool:
        """Whether it goes without its last final."""
        return not self.remaining(now)
