"""What is wrong with a session's sound, by what people can mend. Pure.

Looks at the samples that the provider gets, since that is what has to be good. It looks only now
and then: what is wrong with a microphone is wrong for seconds.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from relay.audio.arrival import HEADSTART, ArrivalRate, device_rate
from relay.audio.pcm import PCM16_SCALE, Int16

LOOK_EVERY: Final = 0.5
"""Seconds of audio between two looks."""

LOOK_AT: Final = 0.05
"""Seconds of audio that a look takes in at most, of one message. Enough to find what lasts, and so
little that all of this takes less than a twentieth of what resampling takes."""

SILENT_RANGE: Final = 64
"""Steps of PCM16 between the lowest and the highest sample of what counts as silence.

So much do 0.05 s of noise of −70 dBFS span (6.3 standard deviations of 10 steps), and a microphone
that is open hears more than that in a quiet room: about −60 dBFS. The pages draw the line at the
same loudness. A range takes no notice of an offset."""

SILENCE_AT_START: Final = 10.0
"""Seconds of silence from the begin after which it is said. The pages say it after 5 s themselves,
and are then the first."""

SILENCE_LATER: Final = 30.0
"""Seconds of silence after sound. The noise suppression of browsers makes real pauses silent, and
people do think for a while; the pages wait for 15 s."""

JUDGED_OVER: Final = 5.0
"""Seconds over which clipping and offset are taken: a sentence or two, ten looks."""

FULL_SCALE: Final = PCM16_SCALE - 1

CLIPPED_SHARE: Final = 0.01
"""Share of samples at full scale from which speech is clipped.

Speech has 0.3–0.6 % of them when it is 3 dB too loud, which hardly anybody hears, and 2–5 % at
6 dB; measured in `test_health.py`."""

UNCLIPPED_SHARE: Final = 0.001

OFFSET: Final = 0.03
"""Mean of the samples, relative to full scale, from which a sound is off centre.

It is as much as the loudness of quiet speech (−30 dBFS), and takes its room: the mean of speech is
next to nothing over some seconds, and sound cards take offsets out."""

CENTRED: Final = 0.02

CALM_WINDOWS: Final = 3
"""So many times `JUDGED_OVER` seconds have to be good, one after another, before the same is told
again: one occurrence of clipping is a speech, not each of its loud sentences."""


class Ailment(StrEnum):
    """What can be wrong; the codes are those of the protocol's warnings."""

    SILENT = "silent_microphone"
    CLIPPING = "clipping"
    OFFSET = "dc_offset"
    RATE = "rate_mismatch"


class Finding(NamedTuple):
    """Something that has just been found to be wrong."""

    ailment: Ailment
    text: str
    """For people; no secrets, and nothing of what was said."""


class AudioHealth:
    """Finds what is wrong with the sound of a session, and says each thing once each time.

    For each message of audio call `hear`. Counting costs next to nothing; a look takes three
    reductions of some samples.
    """

    def __init__(
        self,
        declared: int,
        *,
        rate: int,
        kept: float = HEADSTART,
        takes_recordings: bool = False,
    ) -> None:
        """Begin with nothing heard.

        Args:
            declared: The client's rate, in Hz.
            rate: Of the samples that `hear` is given, in Hz.
            kept: Seconds of audio that the client may send faster than live at first.
            takes_recordings: Whether it may always do that.
        """
        self._declared = declared
        self._rate = rate
        self._look_every = round(LOOK_EVERY * rate)
        self._look_at = round(LOOK_AT * rate)
        self._arrival = ArrivalRate(declared, kept=kept, takes_recordings=takes_recordings)
        self._silence = _Silence()
        self._clipping = _Episode(CLIPPED_SHARE, UNCLIPPED_SHARE)
        self._offset = _Episode(OFFSET, CENTRED)
        self._unseen = 0
        self._window = 0
        self._looked = 0
        self._clipped = 0
        self._sum = 0

    @property
    def ailments(self) -> tuple[Ailment, ...]:
        """What is wrong now."""
        states = {
            Ailment.SILENT: self._silence.is_told,
            Ailment.CLIPPING: self._clipping.is_on,
            Ailment.OFFSET: self._offset.is_on,
            Ailment.RATE: self._arrival.is_off,
        }
        return tuple(ailment for ailment, is_there in states.items() if is_there)

    def declare(self, declared: int) -> None:
        """Expect another rate, and perhaps another device, from here on."""
        if declared == self._declared:
            return
        self._declared = declared
        self._arrival.declare(declared)
        self._silence = _Silence()

    def interrupt(self) -> None:
        """Take no notice of how late the next message comes, since it is us who made it wait."""
        self._arrival.interrupt()

    def pause(self) -> None:
        """Forget the silence so far, since no sound is meant to come."""
        self._silence.forget()
        self._arrival.interrupt()

    def hear(self, samples: Int16, seconds: float, now: float) -> Sequence[Finding]:
        """Take in a message.

        Args:
            samples: What came out of the chain for it; often none, or some of the last one's.
            seconds: How long its audio lasts at the client's rate.
            now: When it came, in seconds of a clock that never runs backwards.
        """
        ratio = self._arrival.hear(seconds, now)
        self._unseen += (size := samples.size)
        if ratio is None and (self._unseen < self._look_every or not size):
            return ()
        findings = self._look(samples[: self._look_at]) if size else []
        if ratio is not None:
            findings.append(self._too_fast_or_slow(ratio))
        return findings

    def _too_fast_or_slow(self, ratio: float) -> Finding:
        likely = device_rate(ratio * self._declared)
        fits = "" if likely is None else f", as {likely} Hz would"
        other = "the line is too slow for it" if ratio < 1 else "it is a recording"
        return Finding(
            Ailment.RATE,
            f"Audio declared as {self._declared} Hz comes {ratio:.2f} times as fast as that{fits}: "
            f"sample_rate is wrong, or {other}.",
        )

    def _look(self, seen: Int16) -> list[Finding]:
        findings = []
        unseen, self._unseen = self._unseen, 0
        low, high = int(np.minimum.reduce(seen)), int(np.maximum.reduce(seen))
        if self._silence.hear(unseen / self._rate, high - low):
            findings.append(
                Finding(
                    Ailment.SILENT,
                    f"Nothing but silence has come for {self._silence.seconds:.0f} s: the "
                    "microphone is muted, or it isn't the one that somebody speaks into.",
                )
            )
        if high == FULL_SCALE or low < -FULL_SCALE:
            self._clipped += int(np.count_nonzero((seen == FULL_SCALE) | (seen < -FULL_SCALE)))
        self._looked += seen.size
        self._sum += int(np.add.reduce(seen, dtype=np.int64))
        self._window += unseen
        if self._window >= JUDGED_OVER * self._rate:
            findings += self._judge()
        return findings

    def _judge(self) -> Iterator[Finding]:
        clipped, mean = self._clipped / self._looked, self._sum / self._looked / PCM16_SCALE
        self._window = self._looked = self._clipped = self._sum = 0
        if self._clipping.begins(clipped):
            yield Finding(
                Ailment.CLIPPING,
                f"{clipped:.1%} of the sound is cut off at full scale: turn the microphone down.",
            )
        # What is cut off, is so on one side more than on the other.
        elif clipped < UNCLIPPED_SHARE and self._offset.begins(abs(mean)):
            yield Finding(
                Ailment.OFFSET,
                f"The sound is off centre by {abs(mean):.0%} of full scale: something is wrong "
                "with the sound card, or with how its samples are converted.",
            )


class _Silence:
    """Whether it has been silent for too long."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Of silence so far."""
        self.is_told = False
        self._has_heard = False

    def forget(self) -> None:
        self.seconds = 0.0

    def hear(self, seconds: float, span: int) -> bool:
        """Whether this makes it too long; `span` is from the lowest to the highest sample."""
        # Silence that was told ends only by what is plainly sound.
        if span > (2 * SILENT_RANGE if self.is_told else SILENT_RANGE):
            self.seconds, self.is_told, self._has_heard = 0.0, False, True
            return False
        self.seconds += seconds
        patience = SILENCE_LATER if self._has_heard else SILENCE_AT_START
        if self.is_told or self.seconds < patience:
            return False
        self.is_told = True
        return True


class _Episode:
    """Whether a measure is too great, with one begin for a run of times that it is."""

    def __init__(self, limit: float, calm: float) -> None:
        self.is_on = False
        self._limit = limit
        self._calm = calm
        self._calm_windows = 0

    def begins(self, value: float) -> bool:
        """Whether it has become too great with this value, of the next window."""
        self._calm_windows = self._calm_windows + 1 if value <= self._calm else 0
        if self._calm_windows == CALM_WINDOWS:
            self.is_on = False
        if self.is_on or value < self._limit:
            return False
        self.is_on = True
        return True
