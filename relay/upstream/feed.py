"""A session's samples on their way into the ledger: cut into chunks, ended by commits."""

import math
from collections.abc import Callable
from typing import Self

from relay.audio.activity import ActivityDetector
from relay.audio.end_of_speech import VadRule
from relay.audio.packer import Packer
from relay.audio.pcm import Int16, WireFormat
from relay.scribe.parameters import CommitStrategy, Parameters
from relay.upstream.commit_policy import CommitPolicy
from relay.upstream.ledger import Cause, Ledger

PRE_ROLL = 1.0
"""Seconds of silence that are sent before the speech that ends it: its soft beginning may lie
there, and the provider hears how loud the room is."""


class Feed:
    """Finds where segments end and writes chunks and markers into the ledger, in order.

    Markers lie at the position of the last sample that came before them. A chunk is as long as
    the packer makes it, unless a commit ends it early. What comes after a long time without
    speech is withheld from the provider until there is speech again.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        packer: Packer,
        detector: ActivityDetector,
        policy: CommitPolicy,
        unpack: Callable[[bytes], Int16],
        quiet: float = math.inf,
        pre_roll: int = 0,
    ) -> None:
        """Write into `ledger`.

        Args:
            ledger: Empty.
            packer: Makes chunks.
            detector: Hears speech.
            policy: Ends segments.
            unpack: Makes samples of a chunk.
            quiet: Samples without speech after which nothing is sent.
            pre_roll: Samples before the next speech that are sent all the same.
        """
        self._ledger = ledger
        self._packer = packer
        self._detector = detector
        self._policy = policy
        self._unpack = unpack
        # Of the ledger's positions; ours count from here.
        self._begin = ledger.end
        self._position = 0
        self._committed = 0
        self._quiet = quiet
        self._pre_roll = pre_roll
        self._spoken_at = 0
        self.listens = not detector.levels_only
        """Whether voice activity may end a segment."""
        self._unheard: list[bytes] | None = None if self.listens else []
        """Where nobody listens: the segment's chunks, until its levels are asked for."""

    @classmethod
    def build(
        cls,
        ledger: Ledger,
        parameters: Parameters,
        *,
        wire_format: WireFormat,
        chunk_ms: int,
        quiet: float = 0.0,
    ) -> Self:
        """Make the feed that a session's parameters ask for.

        Args:
            ledger: Empty.
            parameters: Who ends segments, and by which rule.
            wire_format: Of the samples that will be pushed.
            chunk_ms: Audio in one upstream message.
            quiet: Seconds without speech after which nothing is sent; 0 for never. Without voice
                activity nobody can tell.
        """
        rate = wire_format.rate
        listens = parameters.commit_strategy is CommitStrategy.VAD
        rule = VadRule(
            silence=parameters.vad_silence_threshold_secs,
            min_speech=parameters.min_speech_duration_ms / 1000,
            min_silence=parameters.min_silence_duration_ms / 1000,
        )
        return cls(
            ledger,
            packer=Packer(wire_format, rate * chunk_ms // 1000),
            detector=ActivityDetector(
                rate, threshold=parameters.vad_threshold, levels_only=not listens
            ),
            policy=CommitPolicy(rate=rate, rule=rule if listens else None),
            unpack=wire_format.unpack,
            quiet=quiet * rate if listens and quiet else math.inf,
            pre_roll=round(PRE_ROLL * rate),
        )

    @property
    def pending(self) -> int:
        """Samples that wait for their chunk to fill."""
        return self._packer.pending

    @property
    def uncommitted(self) -> int:
        """Samples since the last commit."""
        return self._position - self._committed

    @property
    def committed(self) -> int:
        """Position of the last commit, as its marker has it."""
        return self._begin + self._committed

    def hurry(self) -> None:
        """End the segment at the quietest moment of the next five seconds of audio."""
        self._hear_segment()
        self._policy.hurry()

    def push(self, samples: Int16) -> None:
        """Take in the next samples; commits that fall within them are made where they fall."""
        if not self.listens and self._position + samples.size < self._policy.looks_from:
            self._take(samples)
            return
        self._hear_segment()
        for frame in self._detector.push(samples):
            if frame.is_speech:
                self._spoken_at = frame.end
                self._wake()
            cause = self._policy.observe(frame)
            is_quiet = frame.end - self._spoken_at >= self._quiet
            if self._ledger.is_withholding or (cause is None and not is_quiet):
                continue
            # A detector that resamples for itself reports a little late: never cut in the past.
            cut = max(0, frame.end - self._position)
            self._take(samples[:cut])
            samples = samples[cut:]
            if cause is not None or self.uncommitted:
                self.commit(cause or Cause.RELAY)
            if is_quiet:
                self._ledger.withhold()
        self._take(samples)

    def commit(self, cause: Cause) -> None:
        """End the segment after the last sample taken in."""
        self._wake()
        rest = self._packer.flush()
        self._ledger.append(rest, self._packer.samples_in(rest), cause)
        self._committed = self._position
        self._policy.committed(self._position)
        self._unheard = None if self.listens else []

    def end(self) -> None:
        """End the last segment; silence that is withheld needs no final."""
        if self._ledger.is_withholding:
            self.flush()
            self._ledger.drop_withheld()
        elif self.uncommitted:
            self.commit(Cause.CLIENT)

    def flush(self) -> None:
        """Write what waits for a full chunk: no more will come for now."""
        if self._packer.waiting:
            rest = self._packer.flush()
            self._append(rest, self._packer.samples_in(rest))

    def _append(self, chunk: bytes, samples: int) -> None:
        self._ledger.append(chunk, samples)
        if self._unheard is not None:
            self._unheard.append(chunk)  # which the ledger keeps as well

    def _hear_segment(self) -> None:
        """Find the levels of the segment so far, since they matter from now on.

        Most segments end before they do, and then nothing is ever done for them.
        """
        if self._unheard is None:
            return
        self._detector.skip_to(self._committed)
        for chunk in (*self._unheard, self._packer.waiting):
            for frame in self._detector.push(self._unpack(chunk)):
                self._policy.observe(frame)
        self._unheard = None

    def _take(self, samples: Int16) -> None:
        self._position += samples.size
        for chunk in self._packer.push(samples):
            self._append(chunk, self._packer.samples_per_chunk)
        if self._ledger.is_withholding:
            self._ledger.drop_withheld(keep=self._pre_roll)
            self._committed = self._position

    def _wake(self) -> None:
        """Send what comes, and what came last."""
        if self._ledger.is_withholding:
            self._committed = self._ledger.release() - self._begin
            self._policy.committed(self._committed)
