"""One worker's attempts to reach the provider, kept from becoming a stampede. Pure."""

from collections import deque

WINDOW = 10.0
"""Seconds over which failed attempts are counted."""

MAX_FAILURES = 10
"""Failures within the window that open the breaker. A session alone makes about five."""

MIN_PAUSE = 1.0
MAX_PAUSE = 15.0
"""Seconds between two probes while it is open: doubled from one to the next."""

RETRIES_PER_SECOND = 20.0
"""Attempts to come back that the worker makes: 400 sessions take 18 s, of the 60 that are kept."""

RETRY_BURST = 40.0

ASK_AGAIN = 0.5
"""Seconds after which somebody asks again while another one's probe is under way."""


class Breaker:
    """Says who may try now; shared by all sessions of a worker.

    Ask `wait` until it gives 0, which is leave to try once; then say `succeeded`, `failed` or
    `abandoned`. Once many have failed, one at a time may try. `who` is anything that tells one
    attempt from the others: one that began before may end while another one's probe is under way.
    """

    def __init__(self) -> None:
        """Begin closed."""
        self._failures: deque[float] = deque(maxlen=MAX_FAILURES)
        self._is_open = False
        self._pause = MIN_PAUSE
        self._probe_at = 0.0
        self._prober: object | None = None
        self._budget = RETRY_BURST
        self._refilled_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether only probes are let through."""
        return self._is_open

    def wait(self, who: object, now: float, *, is_retry: bool) -> float:
        """Seconds to wait before asking again; 0 for leave to try now."""
        if self._is_open:
            if self._prober is not None:
                return ASK_AGAIN
            if now < self._probe_at:
                return self._probe_at - now
            self._prober = who
            return 0.0
        return self._spend(now) if is_retry else 0.0

    def succeeded(self) -> None:
        """Let everybody try again, since one was let in."""
        self._failures.clear()
        self._is_open, self._prober = False, None
        self._pause = MIN_PAUSE

    def failed(self, who: object, now: float) -> None:
        """Count an attempt in which no session was opened."""
        self._failures.append(now)
        if self._is_open:
            if self._prober is who:
                self._prober = None
                self._pause = min(MAX_PAUSE, self._pause * 2)
                self._probe_at = now + self._pause
        elif len(self._failures) == MAX_FAILURES and now - self._failures[0] <= WINDOW:
            self._is_open = True
            self._probe_at = now + self._pause

    def abandoned(self, who: object) -> None:
        """Let another one probe if this one did, since it ended before it knew."""
        if self._prober is who:
            self._prober = None

    def _spend(self, now: float) -> float:
        earned = (now - self._refilled_at) * RETRIES_PER_SECOND
        self._budget = min(RETRY_BURST, self._budget + max(0.0, earned))
        self._refilled_at = now
        if self._budget < 1:
            return (1 - self._budget) / RETRIES_PER_SECOND
        self._budget -= 1
        return 0.0
