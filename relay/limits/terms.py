"""What one session may use, and what its client is told about it. Pure."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from relay.errors import LimitExceeded
from relay.limits.allowance import Allowance
from relay.limits.limiter import Grant
from relay.limits.pace import Pace

END_WARNING: Final = 60.0
"""Seconds before the longest session's end at which its client is warned."""

CATCH_UP: Final = 60.0
"""Seconds of audio for which a client that comes back may be ahead of time; as much as a ledger
holds."""

RECORDING_SPEED: Final = 2.0
"""Times real time from which a pace is for more than live audio and its catching up."""

DAY: Final = 86_400.0

TOO_LONG: Final = "The session has reached the longest time it may last; a new one may be opened."
USED_UP: Final = "The minutes for today (UTC) are used up; what was said until now is kept."


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to warn the client of."""

    code: str
    text: str


Verdict: TypeAlias = Notice | LimitExceeded | None
"""Something to say, or the reason for which the session has to end in order."""


class Terms:
    """The session's reserved audio, its pace and its longest time."""

    def __init__(
        self,
        allowance: Allowance,
        pace: Pace,
        *,
        max_seconds: float | None,
    ) -> None:
        """Begin with what was reserved at the admission."""
        self.max_seconds = max_seconds
        self._allowance = allowance
        self._pace = pace
        self._warned_on: int | None = None
        self._is_ending = False

    @property
    def must_wait(self) -> bool:
        """Whether the audio that was announced may not be taken before the next `renew`."""
        return self._allowance.is_used_up

    @property
    def takes_recordings(self) -> bool:
        """Whether audio may come much faster than it was said."""
        return self._pace.speed >= RECORDING_SPEED

    @property
    def wanted_ms(self) -> int:
        """Audio to reserve at the next renewal."""
        return self._allowance.wanted_ms

    @property
    def unspent(self) -> tuple[int, int]:
        """Milliseconds to give back at the end, and the day they were reserved on."""
        return self._allowance.unspent

    @property
    def minutes_left(self) -> float | None:
        """Of today; None where there is no limit."""
        left_ms = self._allowance.left_ms
        return None if left_ms is None else round(left_ms / 60_000, 2)

    def expect(self, seconds: float) -> None:
        """Announce audio that has come and is to be taken unless `must_wait`."""
        self._allowance.expect(seconds * 1000)

    def take_now(self, seconds: float, now: float) -> float | None:
        """Count audio that came, if that much is reserved: seconds to wait before more is read."""
        if not self._allowance.take_covered(seconds * 1000):
            return None
        return self._pace.take(seconds, now)

    def catch_up(self) -> None:
        """Let a client that comes back send what it has kept, faster than it was said."""
        self._pace.catch_up(CATCH_UP)

    def take(self, seconds: float, now: float) -> float:
        """Count audio that came; seconds to wait before more is read."""
        self._allowance.take(seconds * 1000)
        return self._pace.take(seconds, now)

    def renew(self, grant: Grant | None, utc: float) -> Verdict:
        """Go on with a further piece of audio.

        Args:
            grant: What was reserved; None where nobody could be asked.
            utc: Seconds since 1970.
        """
        if grant is None:
            self._allowance.suspend()
            return None
        self._allowance.add(grant)
        if self._allowance.has_ended:
            return LimitExceeded("quota_exceeded", USED_UP, DAY - utc % DAY)
        if not self._allowance.is_low or self._warned_on == grant.day:
            return None
        self._warned_on = grant.day
        return Notice("minutes_low", f"{self.minutes_left:.1f} minutes are left for today (UTC).")

    def watch(self, elapsed: float) -> Verdict:
        """Look at how long the session has lasted, in seconds."""
        if self.max_seconds is None:
            return None
        if elapsed >= self.max_seconds:
            return LimitExceeded("session_time_limit_exceeded", TOO_LONG, 0.0)
        if elapsed < self.max_seconds - END_WARNING or self._is_ending:
            return None
        self._is_ending = True
        left = max(1, round(self.max_seconds - elapsed))
        return Notice("session_ends", f"The session may last {left} s longer.")
