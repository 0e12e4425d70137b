"""The time of one provider socket, mapped to the session's."""

from bisect import bisect_right
from dataclasses import dataclass, replace

MAX_PIECES = 512
"""Pieces kept; a piece begins with each silence that was put in, thus hours at one keepalive every
10 s. The oldest half goes first: words of that age were answered long ago."""


@dataclass(frozen=True, slots=True)
class _Piece:
    at: int
    position: int
    is_inserted: bool


class Leg:
    """A piecewise map from samples sent on one socket to positions of the session.

    Silence that the relay puts in (padding, keepalive) lengthens the socket's time and not the
    session's, so a word's time on the socket can't be shifted by one constant.
    """

    def __init__(self, rate: int) -> None:
        """Begin a socket's time at zero; `rate` is the wire format's, in Hz."""
        self._rate = rate
        self.sent = 0
        """Samples sent on this socket, inserted silence included."""
        self._position = 0
        self._has_begun = False
        self._pieces: list[_Piece] = []
        self._starts: list[int] = []

    def send(self, start: int, samples: int) -> None:
        """Note that session audio [start, start + samples) was sent next."""
        if not self._has_begun:
            self._begin_at(start)
        if not self._pieces or self._pieces[-1].is_inserted or start != self._position:
            self._begin(_Piece(self.sent, start, is_inserted=False))
        self.sent += samples
        self._position = start + samples

    def insert(self, samples: int) -> None:
        """Note that silence without session time was sent next."""
        self._begin(_Piece(self.sent, self._position, is_inserted=True))
        self.sent += samples

    def position(self, seconds: float) -> float:
        """Where in the session, in samples, the socket's time `seconds` lies.

        A time within inserted silence is the position where the silence was put in; before all
        audio, that is where the audio begins. A time beyond the end of what was sent (providers
        round up) is taken as the end.
        """
        at = min(seconds * self._rate, self.sent)
        index = max(0, bisect_right(self._starts, at) - 1)
        if not self._pieces:
            return 0.0
        piece = self._pieces[index]
        if piece.is_inserted:
            return float(piece.position)
        return piece.position + max(0.0, at - piece.at)

    def _begin_at(self, start: int) -> None:
        """Place the silence by which a socket was kept open before its first audio."""
        self._has_begun = True
        self._pieces = [replace(piece, position=start) for piece in self._pieces]

    def _begin(self, piece: _Piece) -> None:
        if len(self._pieces) >= MAX_PIECES:
            del self._pieces[: MAX_PIECES // 2]
            del self._starts[: MAX_PIECES // 2]
        self._pieces.append(piece)
        self._starts.append(piece.at)
