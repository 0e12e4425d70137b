"""Where segments end. The relay commits; the provider never does it by itself."""

from collections import deque

from relay.audio.activity import ActivityFrame
from relay.audio.end_of_speech import EndOfSpeech, VadRule
from relay.upstream.ledger import Cause

WINDOW_BEGINS = 25.0
"""Seconds of uncommitted audio from which on the relay looks for a quiet moment."""

WINDOW_ENDS = 30.0
"""Seconds of uncommitted audio at which the relay commits wherever it stands.

Source: Scribe commits by itself at about 36 s (35.8 s measured) and advises 20–30 s.
"""

QUIET_FRAMES = 10
"""Frames of 20 ms over which the level is averaged: a pause between words, not within one."""

QUIET_MARGIN_DB = 2.0
"""As the window opens, the relay takes what is this close to the segment's quietest moment. Then it
asks for less and less, until at the window's end its loudest will do: waiting for the quietest
moment of all would need to know the future."""

_SLACK = 1e-6
"""Seconds of rounding that positions divided by the rate may carry."""


class CommitPolicy:
    """Decides, frame by frame, whether a segment ends here.

    Feed every frame of the session to `observe`, and say `committed` whenever a commit was made,
    no matter who made it.
    """

    def __init__(self, *, rate: int, rule: VadRule | None) -> None:
        """Decide for frames whose `end` counts samples at `rate` Hz.

        Without a rule, pauses end nothing: segments are the client's affair, up to the window.
        """
        self._rate = rate
        self._end_of_speech = None if rule is None else EndOfSpeech(rule)
        self._quiet_moment = QuietMoment()
        self._committed = 0
        self._observed = 0
        self._hurried_at: int | None = None
        self.looks_from = rate * WINDOW_BEGINS
        """Position from which on a quiet moment is looked for."""

    def hurry(self) -> None:
        """End the present segment at the quietest moment of the next five seconds."""
        self._hurried_at = self._observed
        self.looks_from = 0.0

    def observe(self, frame: ActivityFrame) -> Cause | None:
        """Who wants a commit at the end of `frame`, if anyone; then tell `committed`."""
        duration = (frame.end - self._observed) / self._rate
        self._observed = frame.end
        ended = self._end_of_speech is not None and self._end_of_speech.observe(
            duration, is_speech=frame.is_speech
        )
        uncommitted = (frame.end - self._committed) / self._rate
        if self._hurried_at is not None:
            hurried = (frame.end - self._hurried_at) / self._rate
            uncommitted = max(uncommitted, WINDOW_BEGINS + hurried)
        is_quiet = self._quiet_moment.observe(frame.level_dbfs, uncommitted)
        if ended:
            return Cause.VAD
        return Cause.RELAY if is_quiet else None

    def committed(self, position: int) -> None:
        """Begin the next segment at `position`."""
        self._committed = position
        self.looks_from = position + self._rate * WINDOW_BEGINS
        self._hurried_at = None
        self._quiet_moment = QuietMoment()
        if self._end_of_speech is not None:
            self._end_of_speech.reset()


class QuietMoment:
    """Finds a quiet place for a commit within the window, without knowing what comes."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=QUIET_FRAMES)
        self._quietest = float("inf")
        self._loudest = float("-inf")

    def observe(self, level_dbfs: float, uncommitted: float) -> bool:
        """Take in a frame that ends `uncommitted` seconds after the segment's begin."""
        self._levels.append(level_dbfs)
        if len(self._levels) < QUIET_FRAMES:
            return False
        level = sum(self._levels) / QUIET_FRAMES
        self._quietest = min(self._quietest, level)
        self._loudest = max(self._loudest, level)
        progress = (uncommitted - WINDOW_BEGINS + _SLACK) / (WINDOW_ENDS - WINDOW_BEGINS)
        if progress < 0:
            return False
        concession = progress * (self._loudest - self._quietest)
        return level <= self._quietest + QUIET_MARGIN_DB + concession
