"""Writes what a session's parts say about it into its logbook, and passes it on."""

import time
from collections.abc import Callable

from relay.logbook import Kind, Logbook
from relay.meter import Forwarding, Meter, Used


class Noting(Forwarding):
    """One session's meter, which keeps a logbook beside all that is counted."""

    def __init__(
        self, meter: Meter, logbook: Logbook, clock: Callable[[], float] = time.time
    ) -> None:
        """Write into `logbook` by the `clock`, in seconds since 1970; `meter` is told too."""
        super().__init__(meter)
        self._logbook = logbook
        self._clock = clock

    def session_began(self, who: object, kind: str, used: Used) -> None:
        super().session_began(who, kind, used)
        self._note(Kind.BEGAN, kind)

    def session_resumed(self) -> None:
        super().session_resumed()
        self._note(Kind.RESUMED)

    def client_left(self) -> None:
        super().client_left()
        self._note(Kind.LEFT)

    def session_moves(self) -> None:
        super().session_moves()
        self._note(Kind.MOVES)

    def audio_warned(self, code: str) -> None:
        super().audio_warned(code)
        self._note(Kind.WARNED, str(code))

    def added_latency(self, seconds: float) -> None:
        super().added_latency(seconds)
        self._logbook.lag(self._clock(), seconds)

    def speech_to_final(self, seconds: float) -> None:
        super().speech_to_final(seconds)
        self._note(Kind.COMMIT, seconds=seconds)

    def gap(self, reason: str, seconds: float) -> None:
        super().gap(reason, seconds)
        self._note(Kind.GAP, str(reason), seconds)

    def upstream_opened(self, seconds: float) -> None:
        super().upstream_opened(seconds)
        self._note(Kind.OPENED, seconds=seconds)

    def upstream_failed(self, reason: str) -> None:
        super().upstream_failed(reason)
        self._note(Kind.FAILED, str(reason))

    def upstream_replays(self, reason: str) -> None:
        super().upstream_replays(reason)
        self._note(Kind.REPLAYED, str(reason))

    def upstream_rolls_over(self, *, closes_first: bool) -> None:
        super().upstream_rolls_over(closes_first=closes_first)
        self._note(Kind.ROLLED_OVER)

    def upstream_rests(self) -> None:
        super().upstream_rests()
        self._note(Kind.RESTED)

    def _note(self, kind: Kind, code: str | None = None, seconds: float | None = None) -> None:
        self._logbook.note(self._clock(), kind, code, seconds)
