"""What became of the audio: the provider's record and the client's against what was said. Pure.

Every sample that went upstream stands in the record of the provider, every final says which of
them it covers, and what the client said is known. So nothing has to be taken from anybody's word:
the audio of all finals that reached the client, one after the other, is laid over an offline
resampling of what was said.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from relay.audio.chain import AudioChain
from relay.audio.pcm import Encoding, Float32, Int16
from relay.audio.timeline import Timeline
from tests.chaos.laying import lay

TIME_TOLERANCE: Final = 0.005
"""Seconds; Scribe's times have three digits, and are rounded twice."""

_REPORT: Final = re.compile(r"heard (\d+) samples from (\d+) to (\d+)")
"""What the scripted engine says of a segment."""

PLAIN: Final = "committed_transcript"
TIMED: Final = "committed_transcript_with_timestamps"
JUDGED: Final = (PLAIN, TIMED, "audio_gap", "session_ended")
"""The types of the messages that count."""

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Socket:
    """One connection of the relay's to the provider."""

    audio: Int16
    commits: Sequence[tuple[int, int]]
    """The samples [from, to) of each segment."""


@dataclass(frozen=True)
class Heard:
    """A message as the client received it."""

    at: float
    """Seconds of a clock that never runs backwards."""
    event: Event
    line: int = 0
    """Which of the client's connections brought it."""


@dataclass(frozen=True)
class Evidence:
    """All there is of one session."""

    sockets: Sequence[Socket]
    heard: Sequence[Heard]
    """In the order of arrival, over all of the client's connections."""
    spoken: Float32
    """Mono."""
    rate: int
    """Of `spoken`, in Hz."""
    reconnects: Sequence[tuple[float, float]] = ()
    """When the client lost its line and when it had its session back."""
    has_ended: bool = True
    """Whether the client saw the end of its session, in order."""

    def of(self, message_type: str) -> list[Event]:
        """The messages of one type."""
        return [each.event for each in self.heard if each.event["message_type"] == message_type]


@dataclass(frozen=True)
class Verdict:
    """What was found; all counts are zero if all is well."""

    samples_lost: int
    """That no final covers and no `audio_gap` tells of, at 16 kHz."""
    samples_twice: int
    """Covered by more than one final, or by one twice."""
    samples_foreign: int
    """In a final, and neither said by the client nor silence."""
    events_lost: int
    """Committed events that the client never got, the timed ones counted too."""
    events_doubled: int
    """Committed events that came again over one line, or differently: no client can drop these."""
    events_repeated: int
    """Those that came again over a later line: the client drops them, so that nobody sees them."""
    events_disordered: int
    """Committed events that came before an earlier one."""
    finals_misplaced: int
    """Finals that cover other audio than their `end_sample` says."""
    times_wrong: int
    """Timed finals whose word times are not those of their segment."""
    gaps: tuple[tuple[int, int], ...]
    """The frames [from, to) that the client was told are not covered."""
    gap_ms: float
    """The longest time in which the client heard nothing, or hadn't its session."""
    finals: int
    has_ended: bool

    @property
    def defects(self) -> dict[str, int]:
        """The counts that should be zero and are not."""
        counts = {
            "samples lost": self.samples_lost,
            "samples twice": self.samples_twice,
            "samples foreign": self.samples_foreign,
            "events lost": self.events_lost,
            "events doubled": self.events_doubled,
            "events disordered": self.events_disordered,
            "finals misplaced": self.finals_misplaced,
            "times wrong": self.times_wrong,
            "gaps": len(self.gaps),
            "sessions without an end": int(not self.has_ended),
        }
        return {name: count for name, count in counts.items() if count}


def offline(spoken: Float32, rate: int) -> tuple[Int16, Timeline]:
    """What the relay makes of `spoken`, and its clock."""
    chain = AudioChain(rate, encoding=Encoding.PCM_F32LE, channels=1)
    samples = np.concatenate([chain.push(spoken.astype("<f4").tobytes()), chain.flush()])
    return samples, chain.timeline


def judge(evidence: Evidence, *, tolerance: int = 1) -> Verdict:
    """Hold what was said against what was told.

    Args:
        evidence: Of a session whose audio holds no silence and doesn't repeat itself, as noise.
        tolerance: Steps of PCM16 by which a sample may differ: 1 where a session was resumed in
            another process, which resamples anew; else 0.
    """
    plain = evidence.of(PLAIN)
    timed = evidence.of(TIMED)
    gaps = tuple(
        (int(gap["from_sample"]), int(gap["to_sample"])) for gap in evidence.of("audio_gap")
    )
    finals = _first_of_each(plain)
    starts = _starts(finals, gaps)
    doubled, repeated = _again(evidence.heard)
    audio = _lay_all(evidence, finals, starts, gaps, tolerance)
    return Verdict(
        samples_lost=int(np.count_nonzero(audio.covered == 0)),
        samples_twice=int((audio.covered[audio.covered > 1] - 1).sum()),
        samples_foreign=audio.foreign,
        events_lost=_lost(evidence, finals, timed),
        events_doubled=doubled,
        events_repeated=repeated,
        events_disordered=_disordered(finals) + _disordered(_first_of_each(timed)),
        finals_misplaced=audio.misplaced,
        times_wrong=sum(not _has_times_of_segment(event, starts, evidence.rate) for event in timed),
        gaps=gaps,
        gap_ms=_longest_silence(evidence) * 1000,
        finals=len(finals),
        has_ended=evidence.has_ended,
    )


@dataclass(frozen=True)
class _Audio:
    """The audio of all finals, laid over what was said."""

    covered: npt.NDArray[np.int64]
    """How often each sample is in a final or in a gap that was told of."""
    foreign: int
    misplaced: int


def _lay_all(
    evidence: Evidence,
    finals: Sequence[Event],
    starts: Mapping[int, int],
    gaps: Sequence[tuple[int, int]],
    tolerance: int,
) -> _Audio:
    expected, timeline = offline(evidence.spoken, evidence.rate)
    covered = np.zeros(len(expected), np.int64)
    foreign = misplaced = 0
    for final in finals:
        begin = timeline.position_at(starts[final["segment"]])
        # What was left out counts as covered by the final before it.
        last = next((start for start, end in gaps if end == final["end_sample"]), None)
        last = final["end_sample"] if last is None else last
        end = min(timeline.position_at(last), len(expected))
        laid = _best(evidence.sockets, final["text"], expected, begin, tolerance)
        for run in laid.runs:
            covered[slice(*run)] += 1
        foreign += laid.foreign
        is_placed = laid.runs == (((begin, end),) if begin < end else ())
        misplaced += not is_placed or final["end_sample"] > len(evidence.spoken)
    for gap in gaps:
        begin, end = map(timeline.position_at, gap)
        covered[begin:end] += 1
    return _Audio(covered, foreign, misplaced)


def _first_of_each(events: Sequence[Event]) -> list[Event]:
    """What is left after a client has dropped the segments that it has."""
    kept: dict[int, Event] = {}
    for event in events:
        kept.setdefault(int(event["segment"]), event)
    return list(kept.values())


def _starts(finals: Sequence[Event], gaps: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The first frame of each segment: where the one before it ends, or a gap."""
    starts = {}
    end = 0
    for final in sorted(finals, key=lambda each: int(each["segment"])):
        for begin, gap_end in sorted(gaps):
            if begin <= end < gap_end <= final["end_sample"]:
                end = gap_end
        starts[int(final["segment"])] = end
        end = int(final["end_sample"])
    return starts


@dataclass(frozen=True)
class _Laid:
    """Where the audio of a segment was found in what was said."""

    runs: tuple[tuple[int, int], ...]
    foreign: int

    def misfit(self, position: int) -> tuple[int, int]:
        """Smaller if it fits better to a place."""
        away = abs(self.runs[0][0] - position) if self.runs else 0
        return (self.foreign, away)


def _best(
    sockets: Sequence[Socket], text: str, expected: Int16, position: int, tolerance: int
) -> _Laid:
    """Find the segment that a final reports, and where its audio belongs.

    Several sockets may have had a segment of these samples: the right one is the one that fits.
    """
    report = _REPORT.fullmatch(text)
    if report is None:
        return _Laid((), 0)
    length, begin, end = map(int, report.groups())
    found = [
        _Laid(*lay(socket.audio[begin:end], expected, position=position, tolerance=tolerance))
        for socket in sockets
        if (begin, end) in socket.commits
    ]
    return min(found, key=lambda laid: laid.misfit(position), default=_Laid((), length))


def _lost(evidence: Evidence, finals: Sequence[Event], timed: Sequence[Event]) -> int:
    """Segments that were counted and never came."""
    segments = {int(final["segment"]) for final in finals}
    told = [int(ended["segments"]) for ended in evidence.of("session_ended")]
    count = max([*told, *(segment + 1 for segment in segments)], default=0)
    lost = count - len(segments)
    if timed:
        lost += len(segments - {int(event["segment"]) for event in timed})
    return lost


def _again(heard: Sequence[Heard]) -> tuple[int, int]:
    """How many committed events came again as they should not, and as they may."""
    first: dict[tuple[str, int], Heard] = {}
    doubled = repeated = 0
    for each in heard:
        if each.event["message_type"] not in (PLAIN, TIMED):
            continue
        which = (each.event["message_type"], each.event["segment"])
        if which not in first:
            first[which] = each
            continue
        known = first[which]
        if known.line == each.line or known.event != each.event:
            doubled += 1
        else:
            repeated += 1
    return doubled, repeated


def _disordered(events: Sequence[Event]) -> int:
    return sum(
        after["segment"] < before["segment"] or after["end_sample"] < before["end_sample"]
        for before, after in pairwise(events)
    )


def _has_times_of_segment(event: Event, starts: Mapping[int, int], rate: int) -> bool:
    """Whether word times, where there are any, rise within the segment and begin with it."""
    words = event["words"]
    if not words or event["segment"] not in starts:
        return True
    times = [time for word in words for time in (word["start"], word["end"])]
    begin, end = starts[event["segment"]] / rate, event["end_sample"] / rate
    return (
        times == sorted(times)
        and abs(times[0] - begin) < TIME_TOLERANCE
        and times[-1] < end + TIME_TOLERANCE
    )


def _longest_silence(evidence: Evidence) -> float:
    times = [heard.at for heard in evidence.heard]
    pauses = [after - before for before, after in pairwise(times)]
    return max([*pauses, *(back - lost for lost, back in evidence.reconnects)], default=0.0)
