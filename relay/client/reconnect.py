"""When to connect again, as pure functions."""

from dataclasses import dataclass
from typing import Final

from relay.protocol.close_codes import CloseCode

FIRST_DELAY: Final = 0.25
"""Seconds within which the first attempt comes: most breaks are over at once."""

MAX_DELAY: Final = 15.0
"""Seconds between attempts at most, beside what the relay asks for."""

GOOD_AFTER: Final = 30.0
"""Seconds after which a session counts as good, or before, as soon as it has covered anything.

One that is admitted and fails at once, again and again, must not be tried as if it were the first.
"""

_FINAL: Final = frozenset(
    {
        CloseCode.ENDED,
        CloseCode.MESSAGE_TOO_BIG_FOR_SERVER,
        CloseCode.INVALID,
        CloseCode.NOT_SIGNED_IN,
        CloseCode.NOT_ALLOWED,
        CloseCode.TAKEN_OVER,
        CloseCode.MESSAGE_TOO_BIG,
        CloseCode.UPSTREAM_REFUSED,
    }
)
"""Codes after which connecting again would end the same way."""

_QUOTA: Final = "quota_exceeded"

_TIME_LIMIT: Final = "session_time_limit_exceeded"
"""A session that was limited by its length goes on in the next one."""


@dataclass(frozen=True)
class Loss:
    """How a connection ended, or why there was none."""

    close_code: int
    text: str
    """For people."""
    error_type: str | None = None
    """Of the relay's last error, if it sent one that ends a session."""
    retry_after: float = 0.0
    """Seconds that the relay asks for."""
    retryable: bool | None = None
    """As that error says; None where there was none."""

    @property
    def is_refusal(self) -> bool:
        """Whether the relay refused what was asked of it, or who asked."""
        return self.close_code == CloseCode.NOT_SIGNED_IN or self.error_type == "invalid_request"


MOVED: Final = Loss(CloseCode.LEAVING, "The relay hands the session over.")
"""The client closed the connection because the relay's `moving` asked for it."""


def reconnect_delay(loss: Loss, attempt: int, random: float) -> float | None:
    """Decide how many seconds to wait, or None to give up.

    Args:
        loss: How the connection ended.
        attempt: 1 after the first failure; rises until a session was good.
        random: In [0, 1), so that the clients of a relay that restarts don't all come at once.
    """
    if loss.close_code in _FINAL:
        return None
    if loss.close_code == CloseCode.LIMITED and loss.error_type == _QUOTA:
        return None
    is_over_as_it_should_be = loss.close_code == CloseCode.IDLE or (
        loss.close_code == CloseCode.LIMITED and loss.error_type == _TIME_LIMIT
    )
    if is_over_as_it_should_be and attempt == 1:
        return 0.0
    # An exponent without bound would overflow before the clients give up.
    ceiling = min(MAX_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 10))
    return loss.retry_after + random * ceiling


class Failures:
    """Counts failures since the last good session, and bounds their time."""

    def __init__(self, limit: float) -> None:
        """Begin with none; `limit` is in seconds from the first failure to the last attempt."""
        self._limit = limit
        self._since = 0.0
        self._session: tuple[float, int] | None = None
        self.count = 0
        """Since the last good session."""

    def admitted(self, now: float, covered: int) -> None:
        """Note that a session is there; `covered` is any measure of what has its final."""
        self._session = (now, covered)

    def add(self, loss: Loss, now: float, covered: int, random: float) -> float | None:
        """Note a failure: the seconds until the next attempt, or None to give up.

        Args:
            loss: How the connection ended.
            now: Seconds on the clock of `admitted`.
            covered: As for `admitted`.
            random: In [0, 1).
        """
        if self._was_good(now, covered):
            self.count = 0
        self._session = None
        if self.count == 0:
            self._since = now
        self.count += 1
        delay = reconnect_delay(loss, self.count, random)
        if delay is None or now + delay - self._since >= self._limit:
            return None
        return delay

    def _was_good(self, now: float, covered: int) -> bool:
        if self._session is None:
            return False
        began, covered_before = self._session
        return now - began >= GOOD_AFTER or covered > covered_before
