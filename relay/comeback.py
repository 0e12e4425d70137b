"""A client comes back: what it lacks of what was said, and where it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from relay.chronicle import Chronicle
from relay.downlink import Downlink
from relay.downstream.dialect import ClientSession
from relay.downstream.outbox import Outbox
from relay.downstream.request import ResumePoint
from relay.errors import Unauthorized
from relay.intake import Intake
from relay.lifecycle import Lifecycle
from relay.limits.terms import Terms
from relay.protocol.messages import AudioGap, Warn
from relay.registry import Tenure
from relay.registry.ownership import Missed
from relay.translator import Translator

UNTIMED_AT_ONCE: Final = 4
"""Segments that may wait for their timed messages at a time, each for a second."""

CLIENT_BUFFER: Final = "client_buffer"
"""The reason of a gap that a client left, which kept too little while it was away."""

EVENTS_LOST: Final = Warn(
    "events_lost",
    "Segments that came while you were away are not kept any more, and are lost to you.",
)


class Comeback:
    """Lets a client go on with its session, at its worker or at another one."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        tenure: Tenure,
        terms: Terms,
        intake: Intake,
        translator: Translator,
        downstream: ClientSession,
        downlink: Downlink,
        chronicle: Chronicle,
        life: Lifecycle,
        log: FilteringBoundLogger,
    ) -> None:
        self._outbox = outbox
        self._tenure = tenure
        self._terms = terms
        self._intake = intake
        self._translator = translator
        self._downstream = downstream
        self._downlink = downlink
        self._chronicle = chronicle
        self._life = life
        self._log = log

    async def to_its_worker(self, point: ResumePoint, sample_rate: int) -> None:
        """Go on with a client that has `point` and sends at this rate from here on.

        Raises:
            InvalidRequest: If the rate was changed too often.
            Unauthorized: If the session has ended meanwhile.
        """
        lacking = await lacking_here(point, self._tenure, self._outbox, self._translator.segments)
        if not self._life.may_come_back:
            raise Unauthorized("The session that this token belongs to has ended.")
        self._intake.come_back(sample_rate)
        self._downlink.release()  # it may be there still, and read on
        first = self._intake.frames
        next_sample = first if self._life.is_finishing else max(first, point.from_sample)
        self._welcome(next_sample, point, lacking)
        if next_sample > first:
            self._intake.leave_out(next_sample)
            self._chronicle.leave_out(AudioGap(first, next_sample, CLIENT_BUFFER))
        self._downstream.come_back()
        self._log.info("session resumed", next_sample=next_sample)
        self._life.advance()

    async def to_another(
        self, point: ResumePoint, sample_rate: int, *, gap: tuple[int, int] | None, is_timed: bool
    ) -> None:
        """Begin with a client whose session was another worker's.

        Args:
            point: What it has.
            sample_rate: Of what it sends from here on.
            gap: The frames [from, to) before that, if nobody has them any more.
            is_timed: Whether each segment has a timed message.

        Raises:
            InvalidRequest: If the rate was changed too often.
        """
        lacking = await lacking_elsewhere(point, self._tenure, self._translator.segments)
        self._intake.come_back(sample_rate)
        self._welcome(self._intake.frames, point, lacking)
        if is_timed:
            self._chronicle.make_up(lacking.context)
        if gap is not None:
            self._chronicle.give_up(AudioGap(*gap, CLIENT_BUFFER))
        self._log.info("session taken over", next_sample=self._intake.frames)

    def _welcome(self, next_sample: int, point: ResumePoint, lacking: "Lacking") -> None:
        """Say from where on the client sends, and what it lacks."""
        self._downlink.resume(next_sample, after=point.last_seq, missed=lacking.events)
        if not lacking.is_whole:
            self._log.warning("a client lacks events that aren't kept any more")
            self._downlink.say(EVENTS_LOST)
        self._terms.catch_up()


@dataclass(frozen=True, slots=True)
class Lacking:
    """What Redis knows that a client may lack."""

    events: Sequence[str]
    """What it lacks for sure, and nobody else can send."""
    context: Sequence[str] = ()
    """The same, with what came before."""
    is_whole: bool = True
    """Whether nothing else is missing; if not, it wasn't kept."""


async def lacking_here(
    point: ResumePoint, tenure: Tenure, outbox: Outbox, segments: int
) -> Lacking:
    """Look up what a client lacks that its own worker can't send any more.

    Args:
        point: What it has.
        tenure: Its session's.
        outbox: Likewise; it keeps what was sent last.
        segments: Of the session so far.
    """
    if point.last_seq >= outbox.forgotten:
        return Lacking(())
    forgotten, found = -1, Missed((), is_whole=False)
    # Once more if something was forgotten meanwhile: it came after what Redis said.
    while forgotten < outbox.forgotten:
        forgotten = outbox.forgotten
        found = await tenure.missed(point.last_segment)
    events = [event for event in found.events if point.last_seq < _seq(event) <= forgotten]
    return Lacking(events, found.events, _is_whole(found, point, segments))


async def lacking_elsewhere(point: ResumePoint, tenure: Tenure, segments: int) -> Lacking:
    """Look up what a client lacks that another worker sent."""
    # The last segments that it has may lack their timed messages.
    after = _known(point) - UNTIMED_AT_ONCE
    found = await tenure.missed(after if after >= 0 else None)
    events = [event for event in found.events if point.last_seq < _seq(event)]
    return Lacking(events, found.events, _is_whole(found, point, segments))


def _is_whole(found: Missed, point: ResumePoint, segments: int) -> bool:
    if _known(point) >= segments - 1:
        return True  # without perhaps some word times
    if not found.events:
        return False
    return found.is_whole or _seq(found.events[0]) <= point.last_seq


def _known(point: ResumePoint) -> int:
    return -1 if point.last_segment is None else point.last_segment


class _Numbered(msgspec.Struct):
    seq: int


def _seq(event: str) -> int:
    return msgspec.json.decode(event, type=_Numbered).seq
