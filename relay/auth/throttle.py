"""How often somebody may try something, counted in this process. Pure.

Keys are short texts, since thousands of them are kept. `now` is seconds of a clock that never runs
backwards, such as `time.monotonic`.
"""

from collections import OrderedDict
from typing import Final, TypeVar

MAX_KEYS: Final = 10_000
"""Keys remembered; the one that was asked about longest ago goes first."""

_ROUNDING: Final = 1e-6
"""Seconds that don't matter: who has waited exactly as long as told must not be told to wait."""

_Value = TypeVar("_Value")


class Throttle:
    """Lets each key do something at a steady rate, and a few times at once after a pause.

    Source: the generic cell rate algorithm (ITU-T I.371, annex A), with one number for each key:
    when it would have used up everything, had it kept exactly to its rate.
    """

    def __init__(self, rate_per_minute: float, burst: int, max_keys: int = MAX_KEYS) -> None:
        """Allow `burst` at once, and `rate_per_minute` in the long run.

        Raises:
            ValueError: If that would allow nothing, or keep nothing.
        """
        if rate_per_minute <= 0 or burst < 1 or max_keys < 1:
            raise ValueError("rate, burst and number of keys have to be above zero")
        self._interval = 60.0 / rate_per_minute
        self._tolerance = (burst - 1) * self._interval
        self._max_keys = max_keys
        self._due: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """Count the keys remembered."""
        return len(self._due)

    def allow(self, key: str, now: float) -> float:
        """Count one try; 0.0 if it is allowed, else seconds to wait, and it wasn't counted."""
        due = max(self._due.get(key, now), now)
        wait = due - self._tolerance - now
        is_allowed = wait <= _ROUNDING
        # One that is refused is remembered as well as any: it must not be forgotten and begin anew.
        _remember(self._due, key, due + self._interval if is_allowed else due, self._max_keys)
        return 0.0 if is_allowed else wait


class Backoff:
    """Lets fewer and fewer sign-ins be tried under a name at which they fail.

    The longest wait is a minute, but somebody who goes on guessing takes each next try; whom they
    keep out that way can still sign in by a link.
    """

    FREE: Final = 5
    """Failures that cost no wait; people mistype."""
    FORGOTTEN_AFTER: Final = 900.0
    """Seconds without a failure after which all of them are forgotten."""
    LONGEST: Final = 60.0
    """Seconds; the waits before are 1, 2, 4, …"""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        """Remember at most so many names.

        Raises:
            ValueError: If that would be none.
        """
        if max_keys < 1:
            raise ValueError("the number of keys has to be above zero")
        self._max_keys = max_keys
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        """Count the names remembered."""
        return len(self._failures)

    def attempt(self, name: str, now: float) -> float:
        """Ask before a password is looked at; 0.0 to go on, else seconds to wait.

        One that may go on counts as failed until `succeeded`: of many at the same moment, no more
        get through than one after the other would.
        """
        count, last = self._failures.get(name, (0, now))
        if now - last >= self.FORGOTTEN_AFTER:
            count = 0
        wait = last + self._pause(count) - now
        if wait > _ROUNDING:
            _remember(self._failures, name, (count, last), self._max_keys)
            return wait
        _remember(self._failures, name, (count + 1, now), self._max_keys)
        return 0.0

    def succeeded(self, name: str) -> None:
        """Forget the failures of one who knew the password."""
        self._failures.pop(name, None)

    def _pause(self, count: int) -> float:
        if count < self.FREE:
            return 0.0
        # The exponent is bounded, since a float isn't: 2.0**1024 raises.
        return min(self.LONGEST, 2.0 ** min(count - self.FREE, 10))


def _remember(memory: OrderedDict[str, _Value], key: str, value: _Value, max_keys: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > max_keys:
        memory.popitem(last=False)
