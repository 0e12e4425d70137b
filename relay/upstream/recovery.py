"""What is done about each way in which the provider fails. Pure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from relay.scribe.errors import ErrorType

FIRST_DELAY = 0.25
"""Seconds within which the first attempt is made: most breaks are of one socket alone."""

MAX_DELAY = 12.0
"""Seconds between two attempts at most; a ledger of 60 s thus sees several of them."""

MAX_FAILURES = 3
"""Failures of one stretch of audio after which it is left out."""

MIN_SPEED = 1.25
"""Times real time: anything slower would never catch up."""

SLACK = 2.0
"""Seconds that a socket may get further and still have failed over the same audio: errors come
late, and at four times real time more has been sent by then."""

MIN_CHUNK = 0.02
"""Seconds of the shortest chunk. Source: the shortest in use."""

MAX_PADDING = 2.0
"""Seconds to which a segment is padded at most, so that it stays far from Scribe's own commit."""

CAPACITY_DELAY = 1.0
"""Seconds to leave a provider alone that has said that it is full."""


class Break(StrEnum):
    """How a socket fails without an error message."""

    LOST = "connection_lost"
    NOT_STARTED = "not_started"
    UNANSWERED = "commit_unanswered"
    UNMATCHED = "final_unmatched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What is done about one kind of failure; the default is to open a new socket."""

    ends: bool = False
    """The same request fails the same way."""
    goes_on: bool = False
    """It concerned one message of ours."""
    blames_audio: bool = True
    """It may have been the audio: the third time, the stretch is left out."""
    is_slower: bool = False
    is_smaller: bool = False
    is_padded: bool = False
    needs_audio: bool = False
    """Nothing is opened until there is something to say."""
    min_delay: float = 0.0


REMEDIES: Mapping[str, Remedy] = MappingProxyType(
    {
        ErrorType.AUTH_ERROR: Remedy(ends=True),
        ErrorType.UNACCEPTED_TERMS: Remedy(ends=True),
        ErrorType.INVALID_REQUEST: Remedy(ends=True),
        ErrorType.QUOTA_EXCEEDED: Remedy(ends=True),
        ErrorType.INPUT_ERROR: Remedy(goes_on=True),
        ErrorType.QUEUE_OVERFLOW: Remedy(is_slower=True),
        ErrorType.CHUNK_SIZE_EXCEEDED: Remedy(is_smaller=True),
        ErrorType.COMMIT_THROTTLED: Remedy(is_padded=True),
        ErrorType.RATE_LIMITED: Remedy(blames_audio=False, min_delay=CAPACITY_DELAY),
        ErrorType.RESOURCE_EXHAUSTED: Remedy(blames_audio=False, min_delay=CAPACITY_DELAY),
        ErrorType.SESSION_TIME_LIMIT_EXCEEDED: Remedy(blames_audio=False),
        ErrorType.INSUFFICIENT_AUDIO_ACTIVITY: Remedy(blames_audio=False, needs_audio=True),
        ErrorType.TRANSCRIBER_ERROR: Remedy(),
        ErrorType.ERROR: Remedy(),
        Break.LOST: Remedy(),
        Break.NOT_STARTED: Remedy(blames_audio=False),
        Break.UNANSWERED: Remedy(),
        Break.UNMATCHED: Remedy(),
    }
)
"""The one table of failures, by `message_type` and never by close code.

Source: the vendor's error table, and what third parties report of each (autumn 2026).
"""


def remedy_for(reason: str) -> Remedy:
    """What is done about a failure; a type that the vendor has added since is reopened."""
    return REMEDIES.get(reason, Remedy())


@dataclass(frozen=True, slots=True)
class Stretch:
    """The audio that a socket failed over, in seconds of what was sent."""

    start: float
    """Everything before it has its final."""
    commit: float | None
    """Where its marker stands, if it has one."""
    reached: float
    """How far it was sent."""


@dataclass(frozen=True, slots=True)
class Reopening:
    """How it goes on after a failure."""

    attempt: int
    """From 1, since the last final."""
    delay: float
    needs_audio: bool
    leaves_out: bool
    """The stretch is given up."""


class Recovery:
    """Counts failures and makes each next socket gentler than the last, where that was the matter.

    `random` gives numbers in [0, 1).
    """

    def __init__(self, *, speed: float, chunk: float, padding: float, random: Callable[[], float]):
        """Begin without failures.

        Args:
            speed: Audio is sent at most so many times faster than real time.
            chunk: Seconds of audio in one message.
            padding: Seconds of audio that a commit needs.
            random: For the jitter.
        """
        self.speed = speed
        self.chunk = math.inf
        self._chunk = chunk
        self.padding = padding
        self._random = random
        self._attempt = 0
        self._suspect: Stretch | None = None
        self._failures = 0

    def fail(self, reason: str, stretch: Stretch | None) -> Reopening:
        """Decide how it goes on after a failure that doesn't end the session.

        Args:
            reason: Scribe's type, or a `Break`.
            stretch: What had been sent to the socket; None if that was nothing.
        """
        remedy = remedy_for(reason)
        if remedy.is_slower:
            self.speed = max(MIN_SPEED, self.speed / 2)
        if remedy.is_smaller:
            self.chunk = self._chunk = max(MIN_CHUNK, self._chunk / 2)
        if remedy.is_padded:
            self.padding = min(MAX_PADDING, self.padding * 2)
        leaves_out = remedy.blames_audio and stretch is not None and self._blame(stretch)
        self._attempt += 1
        delay = max(remedy.min_delay, self._delay())
        return Reopening(self._attempt, delay, remedy.needs_audio, leaves_out)

    def succeed(self) -> None:
        """Begin anew, since a final has come."""
        self._attempt = self._failures = 0
        self._suspect = None

    def settle(self) -> None:
        """Retry at once next time, since a socket has held; what is suspected stays so."""
        self._attempt = 0

    def _delay(self) -> float:
        if self._attempt == 1:
            return FIRST_DELAY * self._random()
        longest = min(MAX_DELAY, FIRST_DELAY * 2.0 ** min(self._attempt, 16))
        return longest * (1 + self._random()) / 2

    def _blame(self, stretch: Stretch) -> bool:
        if self._suspect is None or not _is_same(self._suspect, stretch):
            self._suspect, self._failures = stretch, 0
        self._failures += 1
        if self._failures < MAX_FAILURES:
            return False
        self._failures, self._suspect = 0, None
        return True


def _is_same(suspect: Stretch, stretch: Stretch) -> bool:
    if stretch.start != suspect.start:
        return False
    # Without a marker, only what gets no further has failed over the same audio.
    return stretch.commit is not None or stretch.reached <= suspect.reached + SLACK
