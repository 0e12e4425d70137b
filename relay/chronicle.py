"""What a session's next owner has to know is written down before the client hears of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial

from relay.bridge_config import Consumption, Start
from relay.downlink import Downlink
from relay.downstream.dialect import ClientSession
from relay.meter import Meter
from relay.protocol.codec import encode_server_message
from relay.protocol.messages import AudioAcknowledged, AudioGap, ScribeEvent
from relay.registry import Tenure
from relay.registry.ownership import Event, Progress, Standing
from relay.translator import Translator, untimed
from relay.upstream.finals import Final

PROGRESS_INTERVAL = 10.0
"""Seconds between two writes of what is settled without a final."""


class Chronicle:
    """Sends committed events, gaps and acknowledgements, once Redis has them."""

    def __init__(
        self,
        downlink: Downlink,
        downstream: ClientSession,
        translator: Translator,
        tenure: Tenure,
        *,
        start: Start,
        consumption: Callable[[], Consumption],
        meter: Meter,
    ) -> None:
        """Write in the name of `tenure`; `consumption` tells what was used so far."""
        self._meter = meter
        self._downlink = downlink
        self._downstream = downstream
        self._translator = translator
        self._tenure = tenure
        self._consumption = consumption
        self._covered = self._written = start.covered
        self._write_at = 0.0
        self._acknowledged = AudioAcknowledged(0, 0)

    def say(self, final: Final) -> None:
        """Send a final."""
        said = self._translator.translate(final)
        # Not what is covered by now: that may be more, by finals which aren't written yet.
        before, end = self._covered, said.fields["end_sample"]
        self._covered = max(before, end)
        starts_at = None if final.is_timed else self._translator.seconds_at(before)
        self._say(said, final.segment, is_extra=final.is_timed, starts_at=starts_at)

    def give_up(self, gap: AudioGap) -> None:
        """Send word of a stretch that nothing will cover; all before it is settled."""
        self._covered = max(self._covered, gap.to_sample)
        self._say_gap(gap)

    def leave_out(self, gap: AudioGap) -> None:
        """Send word of a stretch that the client left out; what came before may still be due."""
        if gap.from_sample <= self._covered:
            self._covered = max(self._covered, gap.to_sample)
        self._say_gap(gap)

    def make_up(self, events: Sequence[str]) -> None:
        """Send the timed messages that the owner before this one owed."""
        for fields in untimed(events):
            self._say(ScribeEvent(fields), fields["segment"], is_extra=True)

    def acknowledge(self, now: float) -> None:
        """Say how much has arrived and how much is settled, if that is news.

        The client forgets the audio before it, so nobody may ask for that again: what is settled
        without a final, silence, is written down now and then, and told no sooner.
        """
        received, covered = self._translator.received, self._translator.covered
        if covered > self._covered and now >= self._write_at:
            self._covered = covered
            self._write_at = now + PROGRESS_INTERVAL
            self._acknowledged = AudioAcknowledged(received, covered)
            self._downlink.say_when_written(self._acknowledged, self._write([]))
            return
        acknowledged = AudioAcknowledged(received, self._written)
        if acknowledged != self._acknowledged:
            self._acknowledged = acknowledged
            self._downlink.say(acknowledged)

    def _say_gap(self, gap: AudioGap) -> None:
        self._meter.gap(gap.reason, self._translator.seconds_of(gap))
        self._say(gap, self._translator.segments - 1, is_extra=True)

    def _say(
        self,
        said: ScribeEvent | AudioGap,
        segment: int,
        *,
        is_extra: bool,
        starts_at: float | None = None,
    ) -> None:
        seq = self._downstream.next_seq
        text = encode_server_message(said, seq)
        ends_at = None
        if isinstance(said, ScribeEvent):
            ends_at = self._translator.seconds_at(said.fields["end_sample"])
        event = Event(segment, seq, text, is_extra, starts_at, ends_at)
        self._downlink.say_when_written(said, self._write([event]))

    def _write(self, events: Sequence[Event]) -> "asyncio.Future[Standing | None]":
        segments = self._translator.segments
        progress = Progress(
            segment=segments - 1 if segments else None,
            covered=self._covered,
            segments=segments,
            words=self._translator.words,
            usage=asdict(self._consumption()),
        )
        written = self._tenure.write(progress, events, self._translator.pieces)
        written.add_done_callback(partial(self._confirm, self._covered))
        return written

    def _confirm(self, covered: int, written: "asyncio.Future[Standing | None]") -> None:
        if not written.cancelled() and written.result() is not Standing.LOST:
            self._written = max(self._written, covered)
