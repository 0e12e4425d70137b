"""What happened in one session, for operators: when which socket opened, broke, lagged. Pure.

It is told the time, in seconds since 1970. What it keeps is bounded, and nothing in it was said by
anybody. Nothing here is called for each message of audio: lag is sampled once a second.
"""

import math
from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

SPAN: Final = 10.0
"""Seconds that one letter of `recent` stands for."""

SPANS: Final = 60
"""Letters at most: ten minutes."""

LAGS: Final = 60
"""Samples of added latency that count as recent, one a second while somebody speaks."""

FINALS: Final = 20
"""Finals that count as recent, about a minute of speech."""

MAX_UNSENT: Final = 200
"""Entries that wait for Redis; beyond that the oldest are forgotten."""


class Kind(StrEnum):
    """What can happen in a session."""

    BEGAN = "began"
    """`code`: as a `new` one, or `taken_over` from another worker."""
    OPENED = "opened"
    """A socket to the provider is open; `seconds`: that took."""
    FAILED = "failed"
    """It broke, or could not be opened; `code`: Scribe's type of error, or what was missing."""
    REPLAYED = "replayed"
    """Audio without a final was sent again; `code`: after which failure."""
    ROLLED_OVER = "rolled_over"
    """The next socket took over from one that had grown old."""
    RESTED = "rested"
    """The socket was closed, since there was nothing to say for long."""
    GAP = "gap"
    """Audio that no final will cover; `code`: why; `seconds`: how much."""
    WARNED = "warned"
    """Something is wrong with the sound; `code`: what."""
    LEFT = "left"
    """The client's connection ended."""
    RESUMED = "resumed"
    """The client came back to this worker."""
    MOVES = "moves"
    """The worker hands the session on."""
    COMMIT = "commit"
    """A segment has its final; `seconds`: from the segment's end to the final."""
    LAG = "lag"
    """`seconds`: the most that the relay added to a chunk within a span."""


OFTEN: Final = frozenset({Kind.COMMIT, Kind.LAG})
"""What happens so often that it is kept apart, lest it push out what is rare."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened."""

    at: float
    """Seconds since 1970, by the worker's clock."""
    kind: Kind
    code: str | None = None
    seconds: float | None = None


class Mark(StrEnum):
    """How it was in a span: of several, the one that stands further down."""

    OPEN = "o"
    QUIET = "q"
    """Without a socket at the provider, since nothing was said for long."""
    PARKED = "p"
    WAITING = "w"
    """For a place at the provider, or for its first socket."""
    BROKEN = "b"
    """Without a socket, since one broke."""
    GAP = "g"


RANKS: Final = {mark: rank for rank, mark in enumerate(Mark)}

WAITS: Final = frozenset({"queued", "opening"})


class Logbook:
    """Writes down what happens, and sums it up for the list of sessions."""

    def __init__(self, now: float) -> None:
        """Begin at `now`."""
        self.reconnects = 0
        """Sockets that were opened after one that failed."""
        self.gap_seconds = 0.0
        """Audio that no final will cover, while the session was on this worker."""
        self._unsent: deque[Entry] = deque(maxlen=MAX_UNSENT)
        self._marks: deque[Mark] = deque([Mark.OPEN], maxlen=SPANS)
        self._span = int(now // SPAN)
        self._lags: deque[float] = deque(maxlen=LAGS)
        self._finals: deque[float] = deque(maxlen=FINALS)
        self._worst_lag = 0.0
        self._is_broken = False
        self._is_resting = False

    @property
    def recent(self) -> str:
        """A `Mark` for each span of the last ten minutes, the oldest first; the last one is now."""
        return "".join(self._marks)

    @property
    def added_latency(self) -> float | None:
        """Seconds that the relay added lately, 99th percentile; None if nothing came."""
        return _quantile(self._lags, 0.99)

    @property
    def speech_to_final(self) -> float | None:
        """Seconds that finals took lately, the median; None if there were none."""
        return _quantile(self._finals, 0.5)

    @property
    def unsent(self) -> tuple[Entry, ...]:
        """What nobody else knows yet; say `forget` when somebody does."""
        return tuple(self._unsent)

    def forget(self, entries: Iterable[Entry]) -> None:
        """Drop what was `unsent` and is written down now."""
        known = set(map(id, entries))
        self._unsent = deque(
            (entry for entry in self._unsent if id(entry) not in known), maxlen=MAX_UNSENT
        )

    def note(
        self, now: float, kind: Kind, code: str | None = None, seconds: float | None = None
    ) -> None:
        """Write down what happened just now."""
        rounded = None if seconds is None else round(seconds, 4)
        match kind:
            case Kind.COMMIT if seconds is not None:
                self._finals.append(seconds)
            case Kind.GAP:
                self.gap_seconds += seconds or 0.0
                self._mark(now, Mark.GAP)
            case Kind.FAILED:
                self._is_broken = True
                self._mark(now, Mark.BROKEN)
            case Kind.OPENED:
                self.reconnects += self._is_broken
                self._is_broken = self._is_resting = False
            case Kind.RESTED:
                self._is_resting = True
            case _:
                pass
        self._unsent.append(Entry(round(now, 3), kind, code, rounded))

    def lag(self, now: float, seconds: float) -> None:
        """Take a sample of what the relay added; the worst of each span is written down."""
        self._advance(now, Mark.OPEN)  # or nothing could have been handed on
        self._lags.append(seconds)
        self._worst_lag = max(self._worst_lag, seconds)

    def look(self, now: float, state: str) -> None:
        """Take notice of a session's state, every few seconds."""
        mark = Mark.OPEN
        if state == "parked":
            mark = Mark.PARKED
        elif self._is_broken:
            mark = Mark.BROKEN
        elif state in WAITS:
            mark = Mark.WAITING
        elif self._is_resting:
            mark = Mark.QUIET
        self._mark(now, mark)

    def _mark(self, now: float, mark: Mark) -> None:
        self._advance(now, mark)
        self._marks[-1] = max(self._marks[-1], mark, key=RANKS.__getitem__)

    def _advance(self, now: float, mark: Mark) -> None:
        """Begin a new span if it is time; those that nobody looked at were as it is now."""
        span = int(now // SPAN)
        passed = span - self._span
        if passed <= 0:
            return  # also where the clock was set back
        if self._worst_lag:
            end = (self._span + 1) * SPAN
            self._unsent.append(Entry(end, Kind.LAG, seconds=round(self._worst_lag, 4)))
            self._worst_lag = 0.0
        self._marks.extend([mark] * min(passed, SPANS))
        self._span = span


def _quantile(samples: Iterable[float], share: float) -> float | None:
    ordered = sorted(samples)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
