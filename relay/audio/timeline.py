"""The session's one clock: client frames, output positions and seconds."""

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple, Self


class Piece(NamedTuple):
    """Where a stretch of one input rate begins."""

    rate_in: int
    """In Hz."""
    frame: int
    position: int


class _Piece(NamedTuple):
    rate_in: int
    frame: int
    position: int
    seconds: Fraction
    seconds_float: float
    """The same, for times that are rounded anyway: fractions are slow."""
    sample: int
    """The same, in samples at `rate_out`, rounded."""


class Timeline:
    """A piecewise map between what the client counts, what went upstream, and time.

    * A *frame* is counted by the client from the session's first, across changes of rate.
    * A *position* is a count of samples at `rate_out` that the audio chain has put out.
    * *Session seconds* are the sum over all pieces of frames / rate: time as the client's frames
      tell it, whatever any wall clock says.

    Output sample k of a piece stands at the same instant as frame k * rate_in / rate_out of it.
    The maps are exact (integers and fractions, so nothing drifts) and go on beyond the last frame
    received. `frame_at` and `position_at` belong together: `position_at(f)` is the smallest
    position p with `frame_at(p) >= f`. Look-ups take O(log pieces).
    """

    def __init__(self, rate_out: int) -> None:
        self.rate_out = rate_out
        self._pieces: list[_Piece] = []
        self._frames: list[int] = []
        self._positions: list[int] = []

    @classmethod
    def restore(cls, rate_out: int, pieces: Iterable[Piece]) -> Self:
        """Build the timeline that had these `pieces`.

        Raises:
            ValueError: As `begin` says.
        """
        timeline = cls(rate_out)
        for piece in pieces:
            timeline.begin(piece.rate_in, frame=piece.frame, position=piece.position)
        return timeline

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All that `restore` needs; one more with each change of rate."""
        return tuple(Piece(*piece[:3]) for piece in self._pieces)

    def begin(self, rate_in: int, *, frame: int, position: int) -> None:
        """Start a piece: `frame` is its first frame, and comes out at `position`.

        Every piece before it thereby ends there: all earlier frames are covered by output
        [0, position).

        Raises:
            ValueError: If it isn't frame 0 at position 0 that comes first, or if a later piece
                lies before the last one.
        """
        if not self._pieces:
            if (frame, position) != (0, 0):
                raise ValueError(f"the first piece begins at {frame}, {position} instead of 0, 0")
            seconds = Fraction(0)
        else:
            last = self._pieces[-1]
            if frame < last.frame or position < last.position:
                raise ValueError(
                    f"a piece begins at frame {frame}, position {position}, "
                    f"before the last one at frame {last.frame}, position {last.position}"
                )
            seconds = last.seconds + Fraction(frame - last.frame, last.rate_in)
        sample = round(seconds * self.rate_out)
        self._pieces.append(_Piece(rate_in, frame, position, seconds, float(seconds), sample))
        self._frames.append(frame)
        self._positions.append(position)

    def frame_at(self, position: int) -> int:
        """Return the frame such that all audio before it is covered by output [0, position)."""
        piece, following = self._piece(self._positions, position)
        frame = piece.frame + (position - piece.position) * piece.rate_in // self.rate_out
        return min(frame, following.frame) if following else frame

    def position_at(self, frame: int) -> int:
        """Return the smallest position whose output [0, position) covers all before `frame`."""
        piece, following = self._piece(self._frames, frame)
        # Rounded up: the negative of a floor division.
        position = piece.position - (piece.frame - frame) * self.rate_out // piece.rate_in
        return min(position, following.position) if following else position

    def seconds_at(self, position: float) -> float:
        """Return the session seconds of an output position, which may lie between samples."""
        piece, following = self._piece(self._positions, position)
        seconds = piece.seconds_float + (position - piece.position) / self.rate_out
        return min(seconds, following.seconds_float) if following else seconds

    def sample_at(self, position: int) -> int:
        """Return where an output position stands on the session's time, in samples at `rate_out`.

        It is the position itself until frames are left out, and exact from one to the next within
        a piece; where a piece begins it may be off by one.
        """
        piece, _ = self._piece(self._positions, position)
        return piece.sample + position - piece.position

    def seconds_of_frame(self, frame: int) -> float:
        """Return the session seconds at which a client's frame begins."""
        piece, _ = self._piece(self._frames, frame)
        return float(piece.seconds + Fraction(frame - piece.frame, piece.rate_in))

    def _piece(self, starts: list[int], value: float) -> tuple[_Piece, _Piece | None]:
        """Return the piece that `value` falls into, and the one that follows it.

        Where several begin at one value, it is the last: the ones before it are empty there.
        """
        if value < 0:
            raise ValueError(f"{value} lies before the session's begin")
        if not starts:
            raise RuntimeError("the timeline has no piece yet: call begin() first")
        index = bisect_right(starts, value)
        following = self._pieces[index] if index < len(starts) else None
        return self._pieces[index - 1], following
