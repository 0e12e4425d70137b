"""When to try again what failed, and when to let it be."""

from dataclasses import dataclass
from typing import Final

MAX_ASKED: Final = 3600.0
"""Seconds of waiting that a server may ask for."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often something is tried, and how far apart."""

    first: float
    """Seconds after the first failure; four times as much after each further one."""
    longest: float
    """Seconds, at the most."""
    attempts: int
    max_age: float
    """Seconds after which it is old news."""

    def delay(self, attempt: int, age: float, asked: float | None = None) -> float | None:
        """Seconds until the next attempt; None if there is none.

        Args:
            attempt: The one that failed; 1 is the first.
            age: Seconds since it was to be done.
            asked: Seconds that whoever refused wants it to take, if they said so.
        """
        if attempt >= self.attempts or age >= self.max_age:
            return None
        own = min(self.longest, self.first * 4.0 ** (attempt - 1))
        return max(own, min(asked or 0.0, MAX_ASKED))


JUDGING: Final = Retries(first=2.0, longest=600.0, attempts=16, max_age=24 * 3600.0)
"""Of a segment: two hours, and not longer than a day where much waits."""

TELLING: Final = Retries(first=5.0, longest=4 * 3600.0, attempts=12, max_age=72 * 3600.0)
"""Of a webhook: most of a day, as Standard Webhooks has it."""

MAX_PAUSE: Final = 30.0
"""Seconds between two looks at who doesn't answer."""


def pause(failures: int) -> float:
    """Seconds to leave somebody alone who failed so often in a row: 1, 2, 4 … 30."""
    return min(MAX_PAUSE, 2.0 ** min(failures - 1, 10))
