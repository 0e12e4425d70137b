"""Stretches that get no final: those that may yet be sent again, and those lost. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LostRange:
    """Frames [from_frame, to_frame) of the client's timeline."""

    from_frame: int
    to_frame: int
    reason: str


@dataclass(frozen=True)
class _Stretch:
    lost: LostRange
    is_skipped: bool
    """Whether the client itself left it out, so that no final of this session can cover it."""


class LostRanges:
    """What gets no final any more.

    Nothing is told of a stretch while finals for what lies before it are awaited: one of them may
    cover a part of it, and a line that breaks may change how much is lost.
    """

    def __init__(self) -> None:
        """Begin with nothing lost."""
        self._end = 0
        self._stretches: list[_Stretch] = []

    @property
    def end(self) -> int:
        """The frame before which everything has its final, or is lost."""
        return self._end

    def leave_out(self, from_frame: int, to_frame: int, reason: str) -> None:
        """Note what the relay left out; it is lost once the relay covers what follows."""
        self._add(_Stretch(LostRange(from_frame, to_frame, reason), is_skipped=False))

    def skip(self, from_frame: int, to_frame: int, reason: str) -> None:
        """Note what was never sent; it is lost once all before it has its final."""
        self._add(_Stretch(LostRange(from_frame, to_frame, reason), is_skipped=True))

    def rewind(self, frame: int) -> None:
        """Forget what is sent again, as far as it is there: everything from `frame` on."""
        self._stretches = [one for one in self._stretches if one.lost.to_frame <= frame]

    def cover(self, frame: int) -> list[LostRange]:
        """Note that all before `frame` has its final.

        Returns:
            What is lost by now, told once; stretches that touch are one.
        """
        before = self._end
        self._end = max(before, frame)
        lost: list[LostRange] = []
        rest: list[_Stretch] = []
        for stretch in self._stretches:
            one = stretch.lost
            if (one.from_frame if stretch.is_skipped else one.to_frame) > self._end:
                rest.append(stretch)
                continue
            # A final that comes again may end within what isn't there any more.
            begin = max(one.from_frame, self._end if self._end < one.to_frame else before)
            if lost and begin <= lost[-1].to_frame:
                last = lost.pop()
                end = max(last.to_frame, one.to_frame)
                lost.append(LostRange(last.from_frame, end, last.reason))
            elif begin < one.to_frame:
                lost.append(LostRange(begin, one.to_frame, one.reason))
            self._end = max(self._end, one.to_frame)
        self._stretches = rest
        return lost

    def _add(self, stretch: _Stretch) -> None:
        if stretch.lost.to_frame > self._end:
            self._stretches.append(stretch)
            self._stretches.sort(key=lambda one: one.lost.from_frame)
