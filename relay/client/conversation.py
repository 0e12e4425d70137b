"""What arrives → what is told; what is kept → what is sent. No I/O, no clock."""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from relay.client.audio_ring import AudioRing, Hole, MarkerKind
from relay.client.events import (
    AudioAcknowledged,
    AudioGap,
    CommittedTranscript,
    Event,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    TimedTranscript,
    TimedWord,
)
from relay.client.lost_ranges import LostRanges
from relay.client.segment_numbers import SegmentNumbers
from relay.client.session_clock import SessionClock

RING_SECONDS: Final = 300.0
"""Audio kept for a line that is gone; at 48 kHz and float32, 58 MB."""

OVERFLOW: Final = "buffer_overflow"
"""Why audio is lost that was dropped before it could be sent."""

STOPPED: Final = "stopped"
"""The reason of a session that ended as asked."""


@dataclass(frozen=True)
class ResumePoint:
    """How the next connection goes on with a session, in that session's own numbers."""

    token: str
    last_seq: int
    last_segment: int | None
    """None before the first."""
    from_sample: int
    covered_sample: int


class Conversation:
    """One talk, over as many connections and sessions of the relay's as it takes.

    Call `plan` before each connect, and connect as it says. Then hand over what arrives by
    `receive`, send what `next_message` gives until that is None, and tell the events of
    `take_events` after either. Say `line_broke` when the connection is gone.
    """

    def __init__(
        self,
        sample_rate: int,
        frame_bytes: int,
        *,
        ring_seconds: float = RING_SECONDS,
        expects_timed: bool = False,
    ) -> None:
        """Begin with nothing said.

        Args:
            sample_rate: Hz.
            frame_bytes: Of a sample in each channel.
            ring_seconds: Audio that is kept at most.
            expects_timed: Whether each plain final is followed by a timed one.
        """
        self._sample_rate = sample_rate
        self._ring = AudioRing(sample_rate, frame_bytes, ring_seconds)
        self._clock = SessionClock(sample_rate, 0)
        self._numbers = SegmentNumbers()
        self._lost = LostRanges()
        self._expects_timed = expects_timed
        self._token: str | None = None
        self._last_seq = 0
        self._flows = False
        self._events: list[Event] = []
        self._ending: SessionEnded | None = None
        self._is_stopping = False

    @property
    def position(self) -> int:
        """The next frame to send."""
        return self._ring.position

    @property
    def end(self) -> int:
        """Frames ever said."""
        return self._ring.end

    @property
    def covered(self) -> int:
        """The frame before which everything has its final, or can't get one any more."""
        return self._lost.end

    @property
    def missing(self) -> tuple[float, float] | None:
        """Seconds from and to which there is no final yet; None where nothing is missing."""
        if self.covered >= self._ring.end:
            return None
        return self.covered / self._sample_rate, self._ring.end / self._sample_rate

    @property
    def is_stopping(self) -> bool:
        """Whether no more audio comes."""
        return self._is_stopping

    @property
    def is_complete(self) -> bool:
        """Whether no more audio comes and every final of it has come."""
        has_words = not self._expects_timed or self._numbers.has_all_timed
        return self._is_stopping and self.missing is None and has_words

    def hear(self, audio: bytes) -> None:
        """Take in whole frames.

        Raises:
            ValueError: If `audio` ends within a frame.
        """
        self._ring.append(audio)

    def mark(self, kind: MarkerKind) -> None:
        """Put a `commit` or `stop` behind what was said so far."""
        self._ring.mark(kind)
        self._is_stopping |= kind == "stop"

    def plan(self) -> ResumePoint | None:
        """Decide how to connect: a former session is resumed if it can be; None for a new one."""
        if self._token is None:
            self._plan_session()
            return None
        self._flows = False
        self._ring.hold()
        from_sample = self._clock.sample_at(self._ring.start)
        covered = self._clock.sample_at(self.covered)
        return ResumePoint(self._token, self._last_seq, self._numbers.last, from_sample, covered)

    def forget_session(self) -> None:
        """Give up the relay's session, so that the next one is a new one."""
        self._token = None

    def line_broke(self) -> None:
        """Count what has no final as not sent: the connection is gone."""
        self._flows = False
        self._ring.release()
        self._ring.rewind(self.covered)

    def receive(self, event: Event, seq: int) -> None:
        """Take in a message, `seq` being its number."""
        match event:
            case SessionResumed():
                self._resume(event)
                return  # what it resends is still to come, so its own number counts for nothing
            case SessionStarted():
                self._token = event.resume_token
                self._events.append(event)
            case AudioAcknowledged():
                self._acknowledge(event)
            case CommittedTranscript():
                self._commit(event)
            case TimedTranscript():
                self._add_times(event)
            case AudioGap():
                self._leave_out(event)
            case SessionEnded():
                self._end(event)
            case _:
                self._events.append(event)
        self._last_seq = max(self._last_seq, seq)

    def next_message(self) -> bytes | str | None:
        """Take the message that goes out next; None for now if there is none."""
        if not self._flows:
            return None
        while isinstance(entry := self._ring.next(), Hole):
            self._skip(entry)
        return f'{{"message_type":"{entry}"}}' if isinstance(entry, str) else entry

    def take_events(self) -> list[Event]:
        """Tell what happened since the last call, in order, on one timeline."""
        events, self._events = self._events, []
        return events

    def give_up(self, reason: str) -> None:
        """Lose all that has no final: nothing more will come."""
        if self.covered < self._ring.end:
            self._events.append(AudioGap(self.covered, self._ring.end, reason))

    def tell_ending(self) -> None:
        """Tell what the relay said of its session's end: no other session follows."""
        if self._ending is not None:
            self._events.append(self._ending)
            self._ending = None

    def settle(self) -> None:
        """Tell of the end that was asked for and reached, where the relay can't tell of it."""
        audio_ms = round(1000 * self._ring.end / self._sample_rate)
        self._events.append(SessionEnded(STOPPED, audio_ms, *self._numbers.counts))

    def _plan_session(self) -> None:
        self._clock = SessionClock(self._sample_rate, self.covered)
        self._numbers.begin_session()
        self._last_seq = 0
        self._lost.rewind(self.covered)
        self._ring.rewind(self.covered)
        self._ring.forget_commits_at(self.covered)
        self._flows = True  # once the socket is open, before the session has started

    def _resume(self, resumed: SessionResumed) -> None:
        next_frame = self._clock.frame_at(resumed.next_sample)
        self._lost.rewind(next_frame)
        self._ring.resume(next_frame)
        self._flows = True
        self._events.append(replace(resumed, next_sample=next_frame))

    def _acknowledge(self, event: AudioAcknowledged) -> None:
        covered = self._clock.frame_at(event.samples_covered)
        received = self._clock.frame_at(event.samples_received)
        self._cover(covered)
        self._events.append(AudioAcknowledged(received, covered))

    def _commit(self, final: CommittedTranscript) -> None:
        number = self._numbers.take(final)
        if number is None:
            return
        end = self._clock.frame_at(final.end_sample)
        self._cover(end)
        if final.cause == "client":
            self._ring.answer(end)
        self._events.append(replace(final, segment=number, end_sample=end))

    def _add_times(self, final: TimedTranscript) -> None:
        number = self._numbers.take_timed(final)
        if number is None:
            return
        end = self._clock.frame_at(final.end_sample)
        self._cover(end)
        words = None if final.words is None else tuple(map(self._moved, final.words))
        self._events.append(replace(final, segment=number, end_sample=end, words=words))

    def _moved(self, word: TimedWord) -> TimedWord:
        start = None if word.start is None else self._clock.start_at(word.start)
        end = None if word.end is None else self._clock.end_at(word.end)
        return replace(word, start=start, end=end)

    def _end(self, ended: SessionEnded) -> None:
        segments, words = self._numbers.earlier_counts
        self._ending = replace(
            ended,
            audio_ms=round(1000 * self._clock.start_at(ended.audio_ms / 1000)),
            segments=segments + ended.segments,
            words=words + ended.words,
        )
        # Only what was asked for is the end; after another the talk may go on in a new session.
        if ended.reason == STOPPED:
            self._cover(self._ring.end)
            self.tell_ending()

    def _cover(self, frame: int) -> None:
        for lost in self._lost.cover(min(frame, self._ring.end)):
            self._events.append(AudioGap(lost.from_frame, lost.to_frame, lost.reason))
        self._ring.cover(self.covered)

    def _leave_out(self, gap: AudioGap) -> None:
        clock = self._clock
        from_frame, to_frame = clock.frame_at(gap.from_sample), clock.frame_at(gap.to_sample)
        self._lost.leave_out(from_frame, to_frame, gap.reason)

    def _skip(self, hole: Hole) -> None:
        self._clock.skip(hole.from_frame, hole.to_frame)
        self._lost.skip(hole.from_frame, hole.to_frame, OVERFLOW)
        self._cover(self.covered)  # nothing before it may be waited for
