"""How fast audio arrives, against the rate that its client declares. Pure."""

from collections import deque
from typing import Final, NamedTuple

WINDOW: Final = 2.0
"""Seconds over which one ratio is taken. Jitter of 100 ms, much for a line, is 5 % of it."""

WINDOWS: Final = 15
"""Windows that have to agree before anything is said: half a minute. No line that is only slow
for a while, and no client that pauses, is as even for as long as a sound card is."""

EVENNESS: Final = 0.1
"""How far a window may be from the mean of those before it, relative to that."""

TOLERANCE: Final = 0.04
"""Ratios this close to 1 are right. Half of what lies between 44.1 and 48 kHz, the nearest pair of
rates that are mixed up; sound cards are exact within 0.0002."""

RIGHT_AGAIN: Final = 0.02
"""Ratios this close to 1 end what was told, so that it is told again when it comes back."""

PAUSE: Final = 1.0
"""Seconds without a message, beyond four times its length, after which counting begins anew."""

FASTEST_DEVICE: Final = 3.2
"""Ratios above it are no microphone's: 48 kHz taken for 16 is 3.0. Recordings are sent at 4."""

HEADSTART: Final = 5.0
"""Seconds of audio that a client may have when it connects, and send a little faster than live."""

SURPLUS: Final = 1.0
"""Seconds of audio beyond all that a live client could have kept, before too fast is said."""

DEVICE_RATES: Final = (8000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000)
"""In Hz, of sound cards and of what converts for them."""

SAME_RATE: Final = 0.015
"""Measured rates this close to one of `DEVICE_RATES`, relative to it, are taken for that."""


class _Window(NamedTuple):
    seconds: float
    """Of audio."""
    elapsed: float
    lead_before: float


class ArrivalRate:
    """Compares the audio that comes with the time that it takes to come.

    A sound card is the only thing that sends at one even speed for long. So a wrong declaration
    shows as a ratio of audio to time that stays the same for half a minute and isn't 1, and
    everything else is uneven: pauses, a line that stalls and catches up, clients that send speech
    only. What comes *faster* has to be more than was kept back before, too, or a line that catches
    up slowly would look like it.
    """

    def __init__(
        self, declared: int, *, kept: float = HEADSTART, takes_recordings: bool = False
    ) -> None:
        """Begin with nothing heard.

        Args:
            declared: Rate that the client says it sends at, in Hz.
            kept: Seconds of audio that it may hold already, and send faster than live.
            takes_recordings: Whether audio may rightly come faster than live. Too fast is then
                said only where it fits a sound card's rate.
        """
        self._declared = declared
        self._takes_recordings = takes_recordings
        self._windows: deque[_Window] = deque(maxlen=WINDOWS)
        self._heard_at: float | None = None
        self._begins_anew = False
        self._window_from = 0.0
        self._window_seconds = 0.0
        self._lead = 0.0
        """Seconds of audio beyond the time that has passed; below 0 after pauses."""
        self._lead_allowed = kept
        """The greatest lead that a live client can come back to."""
        self._is_off = False

    @property
    def is_off(self) -> bool:
        """Whether audio came at another speed than declared when that was last certain."""
        return self._is_off

    def declare(self, rate: int) -> None:
        """Expect `rate` Hz from here on."""
        self._declared = rate
        self._is_off = False
        self.interrupt()

    def interrupt(self) -> None:
        """Judge nothing by what came so far: the next message comes when we let it."""
        self._begins_anew = True

    def hear(self, seconds: float, now: float) -> float | None:
        """Count a message.

        Args:
            seconds: How long its audio lasts at the declared rate.
            now: When it came, in seconds of a clock that never runs backwards.

        Returns:
            How many times as fast as declared audio comes, when it has just become certain that
            this isn't once; else None.
        """
        before, self._heard_at = self._heard_at, now
        if before is None:
            self._begin_window(now)  # what comes first was said before
            return None
        gap = now - before
        self._lead += seconds - gap
        if self._begins_anew or gap > PAUSE + 4 * seconds:
            self._begins_anew = False
            self._windows.clear()
            self._begin_window(now)
            return None
        self._window_seconds += seconds
        if now - self._window_from < WINDOW:
            return None
        self._end_window(now)
        return self._judge() if len(self._windows) == WINDOWS else None

    def _begin_window(self, now: float) -> None:
        self._window_from = now
        self._window_seconds = 0.0

    def _end_window(self, now: float) -> None:
        elapsed = now - self._window_from
        lead_before = self._lead - self._window_seconds + elapsed
        ended = _Window(self._window_seconds, elapsed, lead_before)
        self._begin_window(now)
        if self._windows and not self._is_even(ended):
            self._allow(lead_before)
            self._windows.clear()
        elif len(self._windows) == WINDOWS:
            self._allow(self._windows[0].lead_before)
        self._windows.append(ended)

    def _allow(self, lead: float) -> None:
        self._lead_allowed = max(self._lead_allowed, lead)

    def _is_even(self, window: _Window) -> bool:
        mean = self._ratio()
        return abs(window.seconds / window.elapsed - mean) <= EVENNESS * mean

    def _ratio(self) -> float:
        seconds = sum(window.seconds for window in self._windows)
        return seconds / sum(window.elapsed for window in self._windows)

    def _judge(self) -> float | None:
        ratio = self._ratio()
        off = abs(ratio - 1)
        if off <= RIGHT_AGAIN:
            self._is_off = False
        if self._is_off or off <= TOLERANCE or (ratio > 1 and not self._is_too_fast(ratio)):
            return None
        self._is_off = True
        return ratio

    def _is_too_fast(self, ratio: float) -> bool:
        if self._lead < self._lead_allowed + SURPLUS:
            return False
        if not self._takes_recordings:
            return True
        return ratio <= FASTEST_DEVICE and device_rate(ratio * self._declared) is not None


def device_rate(measured: float) -> int | None:
    """The rate of a sound card that a measured one, in Hz, is likely to be; None for no such."""
    nearest = min(DEVICE_RATES, key=lambda rate: abs(rate - measured))
    return nearest if abs(nearest - measured) <= SAME_RATE * nearest else None
