"""The segments of several sessions, numbered on. Pure."""

from relay.client.events import CommittedTranscript, TimedTranscript


class SegmentNumbers:
    """Knows which finals have come, and under which number each is told.

    Every session of the relay's counts from 0; what is told goes on counting. A resumed session
    sends again what may be missing, plain and timed finals each for themselves.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.last: int | None = None
        """The relay's number of the last plain final in this session."""
        self._base = 0
        self._timed: set[int] = set()
        self._segments = self._words = 0
        self._earlier = (0, 0)

    def begin_session(self) -> None:
        """Count on from what has been told; the relay counts from 0."""
        self._base += max(self.last if self.last is not None else -1, *self._timed, -1) + 1
        self.last = None
        self._timed.clear()
        self._earlier = (self._segments, self._words)

    def take(self, final: CommittedTranscript) -> int | None:
        """Note a plain final: the number to tell it under, or None if it has come before."""
        if self.last is not None and final.segment <= self.last:
            return None
        self.last = final.segment
        words = len(final.text.split())
        self._segments += words > 0
        self._words += words
        return self._base + final.segment

    def take_timed(self, final: TimedTranscript) -> int | None:
        """Note a timed final: the number to tell it under, or None if it has come before."""
        if final.segment in self._timed:
            return None
        self._timed.add(final.segment)
        return self._base + final.segment

    @property
    def has_all_timed(self) -> bool:
        """Whether every plain final of this session has its timed one."""
        return self.last is None or all(number in self._timed for number in range(self.last + 1))

    @property
    def counts(self) -> tuple[int, int]:
        """Segments with text, and their words, so far."""
        return self._segments, self._words

    @property
    def earlier_counts(self) -> tuple[int, int]:
        """As `counts`, in the sessions before this one."""
        return self._earlier
