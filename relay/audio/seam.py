"""Where a session's audio goes on in another process, so that nobody hears it.

A resampler that starts in the middle of a signal puts out what one that ran all along does, if two
things are true. It must start on the *grid*: at a frame that comes out as a whole sample, since
else all that follows lies between the old one's samples. And its filter must have heard enough of
what came before; the output of this *pre-roll* is dropped.
"""

import math
from dataclasses import dataclass
from typing import Final

from relay.audio.timeline import Piece, Timeline

PRE_ROLL: Final = 0.1
"""Seconds; twice what any quality of soxr's needs. Source: measured in tests/audio/test_seam.py."""

SETTLED: Final = PRE_ROLL / 2
"""Seconds of pre-roll that are enough where a client doesn't hold more."""


@dataclass(frozen=True, slots=True)
class Seam:
    """How to go on; `AudioChain.resume` does so."""

    next_sample: int
    """The frame from which on the client sends."""
    pre_roll: int
    """Samples to drop of what comes out then."""
    position: int
    """Of the first sample that isn't dropped."""
    pieces: tuple[Piece, ...]
    """Of the timeline up to here; in the last one is what comes."""
    gap: tuple[int, int] | None = None
    """The frames [from, to) that nobody has any more."""


def find_seam(timeline: Timeline, covered: int, *, from_sample: int, rate_in: int) -> Seam:
    """Decide where to go on after the frames before `covered`, which need no more hearing.

    The seam is exact to a step of PCM16, unless the client holds less than `SETTLED` before
    `covered`, counted from the grid. Then it is off by half a sample at most, or a little worse in
    the first few hundredths of a second where there is no pre-roll at all.

    Args:
        timeline: As far as it is known; what lies behind `covered` is forgotten, since the client
            tells it again.
        covered: The end of the last committed segment.
        from_sample: The earliest frame that the client still holds.
        rate_in: Of the audio at `from_sample`, in Hz; it counts where there is a gap before it.

    Raises:
        ValueError: If `covered` is negative.
    """
    pieces = tuple(piece for piece in timeline.pieces if piece.frame <= covered)
    position = timeline.position_at(covered)
    if from_sample > covered:
        after_gap = (*pieces, Piece(rate_in, from_sample, position))
        return Seam(from_sample, 0, position, after_gap, gap=(covered, from_sample))
    piece = pieces[-1]
    start = _start_on_grid(piece, timeline.rate_out, covered, from_sample)
    if start is None:
        start = max(from_sample, covered - math.ceil(PRE_ROLL * piece.rate_in))
        # The resampler starts off the grid, so its output has a grid of its own.
        pieces = (*pieces, Piece(piece.rate_in, start, timeline.position_at(start)))
    return Seam(start, position - timeline.position_at(start), position, pieces)


def _start_on_grid(piece: Piece, rate_out: int, covered: int, from_sample: int) -> int | None:
    """The latest frame that is early enough for an exact seam; None if the client has none."""
    if from_sample <= piece.frame:
        earliest = piece.frame  # where the old resampler started too, so that it needs no pre-roll
    else:
        earliest = _up_to_grid(piece, rate_out, from_sample)
        if covered - earliest < SETTLED * piece.rate_in:
            return None
    step = grid_step(piece.rate_in, rate_out)
    wanted = covered - math.ceil(PRE_ROLL * piece.rate_in) - piece.frame
    return max(earliest, piece.frame + wanted // step * step)


def _up_to_grid(piece: Piece, rate_out: int, frame: int) -> int:
    step = grid_step(piece.rate_in, rate_out)
    return piece.frame - (piece.frame - frame) // step * step


def grid_step(rate_in: int, rate_out: int) -> int:
    """Frames from one that comes out as a whole sample to the next."""
    return rate_in // math.gcd(rate_in, rate_out)
