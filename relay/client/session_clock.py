"""One relay session's frames and seconds, as the client's. Pure."""

from dataclasses import dataclass
from typing import Final

TOLERANCE: Final = 0.0006
"""Seconds; times closer than this are the same, since the relay rounds its own to a millisecond."""


@dataclass(frozen=True)
class _Piece:
    sample: int
    """Of the relay's session."""
    frame: int
    """On the client's timeline."""


class SessionClock:
    """Moves a session's positions to the client's timeline.

    A relay's session counts from 0 wherever on the client's timeline it begins, and it never counts
    what was lost before it could be sent.
    """

    def __init__(self, sample_rate: int, frame: int) -> None:
        """Begin: the session's first sample is the client's `frame`; `sample_rate` is in Hz."""
        self._sample_rate = sample_rate
        self._pieces = [_Piece(0, frame)]

    def skip(self, from_frame: int, to_frame: int) -> None:
        """Leave out the client's frames [from_frame, to_frame): this session never gets them."""
        sample = self.sample_at(from_frame)
        # What was sent behind it before a resume is sent anew, and may now be skipped as well.
        kept = [piece for piece in self._pieces if piece.frame <= from_frame]
        self._pieces = [*(kept or self._pieces[:1]), _Piece(sample, to_frame)]

    def frame_at(self, sample: int) -> int:
        """Find the client's frame before which lies what the session has before `sample`."""
        # At a seam it is the frame before what was skipped: nothing of the far side is covered yet.
        piece = next(
            (piece for piece in reversed(self._pieces) if piece.sample < sample), self._pieces[0]
        )
        return piece.frame + (sample - piece.sample)

    def sample_at(self, frame: int) -> int:
        """Find the session's sample that is the client's `frame`, or the next one it gets."""
        sample = 0
        for piece in self._pieces:
            if piece.frame > frame:
                return min(sample, piece.sample)
            sample = piece.sample + (frame - piece.frame)
        return sample

    def start_at(self, session_seconds: float) -> float:
        """Move the time at which a word begins; to the millisecond where it moves at all."""
        return self._seconds_at(session_seconds, session_seconds + TOLERANCE)

    def end_at(self, session_seconds: float) -> float:
        """Move the time at which one ends: at a seam that is before what was skipped."""
        return self._seconds_at(session_seconds, session_seconds - TOLERANCE)

    def _seconds_at(self, session_seconds: float, bound: float) -> float:
        """Move a time by the last piece that begins before `bound`."""
        rate = self._sample_rate
        piece = next(
            (piece for piece in reversed(self._pieces) if piece.sample / rate < bound),
            self._pieces[0],
        )
        if piece.frame == piece.sample:
            return session_seconds
        behind = max(0.0, session_seconds - piece.sample / rate)
        return round(piece.frame / rate + behind, 3)
