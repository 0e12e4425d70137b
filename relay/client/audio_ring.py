"""What was said and may have to be said again. Pure."""

from bisect import bisect_right
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, TypeAlias

from relay.protocol.messages import MAX_MESSAGE_BYTES

MARGIN_SECONDS: Final = 0.25
"""Kept behind the cover point.

A session that is resumed elsewhere begins at least 100 ms earlier, so that the relay's filter has
run in at the seam.
"""

FILTER_DELAY_SECONDS: Final = 0.15
"""A commit's final ends this much before the commit at most, since the relay's filter looks ahead.

Source: docs/topics/audio.md, 115 ms at 8 kHz, and some room.
"""

MarkerKind: TypeAlias = Literal["commit", "stop"]


@dataclass
class _Marker:
    kind: MarkerKind
    frame: int
    """It stands before this frame, and behind all audio before it."""
    is_sent: bool = False


@dataclass(frozen=True)
class _Chunk:
    frame: int
    """Its first."""
    end: int
    audio: bytes


@dataclass(frozen=True)
class Hole:
    """The frames [from_frame, to_frame) were to be sent and are no longer there."""

    from_frame: int
    to_frame: int


Entry: TypeAlias = bytes | MarkerKind | Hole
"""What has to go out next."""


class AudioRing:
    """Audio and markers in the order in which they came, back to a little before the cover point.

    Everything before that point has its final. Beyond the bound the oldest audio is dropped. A
    position divides what was sent from what wasn't, and can be set back.
    """

    def __init__(self, sample_rate: int, frame_bytes: int, bound_seconds: float) -> None:
        """Hold at most `bound_seconds`; `sample_rate` in Hz, `frame_bytes` of all channels."""
        self._frame_bytes = frame_bytes
        self._bound = round(bound_seconds * sample_rate)
        self._margin = round(MARGIN_SECONDS * sample_rate)
        self._filter_delay = round(FILTER_DELAY_SECONDS * sample_rate)
        self._chunks: list[_Chunk] = []
        self._markers: list[_Marker] = []
        self._end = 0
        self._position = 0
        # Nothing is dropped before this frame is the next to send.
        self._held_until: float = 0
        # May be there, though it is more than the bound allows.
        self._held = 0

    @property
    def start(self) -> int:
        """The earliest frame that is still there."""
        return self._chunks[0].frame if self._chunks else self._end

    @property
    def end(self) -> int:
        """Frames ever said."""
        return self._end

    @property
    def position(self) -> int:
        """The next frame to send."""
        return self._position

    def append(self, audio: bytes) -> None:
        """Take in whole frames; messages too long are split.

        Raises:
            ValueError: If `audio` ends within a frame.
        """
        if len(audio) % self._frame_bytes:
            raise ValueError(f"{len(audio)} bytes are no whole frames of {self._frame_bytes}.")
        longest = MAX_MESSAGE_BYTES - MAX_MESSAGE_BYTES % self._frame_bytes
        for first in range(0, len(audio), longest):
            piece = audio[first : first + longest]
            begin, self._end = self._end, self._end + len(piece) // self._frame_bytes
            self._chunks.append(_Chunk(begin, self._end, piece))
        self._drop_oldest()

    def mark(self, kind: MarkerKind) -> None:
        """Put a marker behind all that was said so far."""
        last = self._markers[-1] if self._markers else None
        # Twice at one place is once, as long as nobody heard of the first.
        if last == _Marker(kind, self._end):
            return
        self._markers.append(_Marker(kind, self._end))

    def cover(self, frame: int) -> None:
        """Free what isn't needed any more: all before `frame` has its final."""
        self._markers = [marker for marker in self._markers if marker.frame >= frame]
        needed = frame - self._margin
        del self._chunks[: bisect_right(self._chunks, needed, key=lambda chunk: chunk.end)]
        self._held = min(self._held, self._end - self.start)

    def hold(self) -> None:
        """Drop nothing until `resume` or `release`: the relay is told what is there, and asks."""
        self._held_until = inf

    def resume(self, frame: int) -> None:
        """Send everything from `frame` on, which is what the relay asked for."""
        self.rewind(frame)
        # What the relay lets run through its filter isn't to be missing either.
        self._held_until = max(frame, self.start) + self._margin

    def release(self) -> None:
        """Hold no more than the bound allows."""
        self._held_until = self._held = 0

    def answer(self, frame: int) -> None:
        """Note a final that was asked for: the commit that it answers isn't sent again."""
        commits = (marker for marker in self._markers if marker.kind == "commit")
        first = next(commits, None)
        # What lies further ahead was asked for later, and this final is of the relay's own leaving.
        if first is not None and first.is_sent and first.frame - frame <= self._filter_delay:
            self._markers.remove(first)

    def rewind(self, frame: int) -> None:
        """Send everything from `frame` on again, markers at it too."""
        self._position = min(frame, self._end)
        for marker in self._markers:
            marker.is_sent = marker.frame < frame

    def forget_commits_at(self, frame: int) -> None:
        """Begin a session at `frame`, which has nothing before it that could be committed."""
        self._markers = [one for one in self._markers if one.kind == "stop" or one.frame > frame]

    def next(self) -> Entry | None:
        """Take what has to go out next, if there is anything."""
        marker = next((one for one in self._markers if not one.is_sent), None)
        if marker is not None and marker.frame <= self._position:
            marker.is_sent = True
            return marker.kind
        if self._position < self.start:
            hole = Hole(self._position, self.start)
            self._position = self.start
            return hole
        return self._next_audio()

    def _next_audio(self) -> bytes | None:
        number = bisect_right(self._chunks, self._position, key=lambda chunk: chunk.end)
        if number == len(self._chunks):
            return None
        chunk = self._chunks[number]
        audio = chunk.audio[(self._position - chunk.frame) * self._frame_bytes :]
        self._position = chunk.end
        return audio

    def _drop_oldest(self) -> None:
        if self._position < self._held_until:
            self._held = self._end - self.start
            return
        earliest = self._end - max(self._bound, self._held)
        dropped = 0
        # The newest stays, be the bound ever so short: it has had no chance to be sent.
        while dropped < len(self._chunks) - 1 and self._chunks[dropped].frame < earliest:
            dropped += 1
        del self._chunks[:dropped]
