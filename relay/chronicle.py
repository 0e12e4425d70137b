"""What a session's next owner has to know is written down before the client hears of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict

from relay.bridge_config import Consumption, Start
from relay.downlink import Downlink
from relay.downstream.session import DownstreamSession
from relay.protocol.codec import encode_server_message
from relay.protocol.messages import ScribeEvent
from relay.registry import Tenure
from relay.registry.ownership import Event, Progress, Standing
from relay.translator import Translator, untimed
from relay.upstream.finals import Final


class Chronicle:
    """Sends committed events and acknowledgements, once Redis has them."""

    def __init__(
        self,
        downlink: Downlink,
        downstream: DownstreamSession,
        translator: Translator,
        tenure: Tenure,
        *,
        start: Start,
        consumption: Callable[[], Consumption],
    ) -> None:
        """Write in the name of `tenure`; `consumption` tells what was used so far."""
        self._downlink = downlink
        self._downstream = downstream
        self._translator = translator
        self._tenure = tenure
        self._consumption = consumption
        self._covered = start.covered

    def say(self, final: Final) -> None:
        """Send a final."""
        said = self._translator.translate(final)
        # Not what is covered by now: that may be more, by finals which aren't written yet.
        self._covered = max(self._covered, said.fields["end_sample"])
        self._say(said, final.segment, is_timed=final.is_timed)

    def make_up(self, events: Sequence[str]) -> None:
        """Send the timed messages that the owner before this one owed."""
        for fields in untimed(events):
            self._say(ScribeEvent(fields), fields["segment"], is_timed=True)

    def acknowledge(self) -> None:
        """Say how much has arrived and how much is settled, if that is news."""
        acknowledged = self._translator.acknowledge()
        if acknowledged is None:
            return
        if acknowledged.samples_covered == self._covered:
            self._downlink.say(acknowledged)
        else:
            # The client forgets the audio before it: nobody may ask for that again.
            self._covered = acknowledged.samples_covered
            self._downlink.say_when_written(acknowledged, self._write([]))

    def _say(self, said: ScribeEvent, segment: int, *, is_timed: bool) -> None:
        seq = self._downstream.next_seq
        event = Event(segment, seq, encode_server_message(said, seq), is_timed)
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
        return self._tenure.write(progress, events, self._translator.pieces)
