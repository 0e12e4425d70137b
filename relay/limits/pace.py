"""How fast a session may take audio. Pure."""

CATCH_UP_SPEED = 4.0
"""Times real time; what the provider takes."""


class Pace:
    """A token bucket of seconds of audio, which fills at `speed` times real time.

    Nothing is refused: who is too fast is read from later. Whoever sends in real time never waits,
    even with what a slow line has held back for some seconds.
    """

    def __init__(self, speed: float = 1.25, burst: float = 10.0) -> None:
        """Begin with a full bucket.

        Args:
            speed: Seconds of audio per second that may be taken in the long run.
            burst: Seconds of audio that may come at once after a pause.

        Raises:
            ValueError: If nothing could ever be taken.
        """
        if speed <= 0 or burst < 0:
            raise ValueError("the speed has to be above zero, and the burst not below")
        self._speed = speed
        self._burst = burst
        self._level = burst
        self._filled_at: float | None = None
        self._credit = 0.0

    @property
    def speed(self) -> float:
        """Seconds of audio per second in the long run."""
        return self._speed

    def catch_up(self, seconds: float) -> None:
        """Let so much audio come beyond the burst, once, at 4 × real time."""
        self._credit = seconds

    def take(self, seconds: float, now: float) -> float:
        """Count audio that came; seconds to wait before more is read.

        What came is taken as a whole, so the bucket may be overdrawn by one message.

        Args:
            seconds: Length of the audio.
            now: Seconds of a clock that never runs backwards.
        """
        if self._filled_at is not None:
            filled = self._level + (now - self._filled_at) * self._speed
            self._level = min(self._burst, filled)
        self._filled_at = now
        if not self._credit and self._level >= seconds:
            self._level -= seconds
            return 0.0
        credited = min(self._credit, seconds)
        self._credit -= credited
        self._level -= seconds - credited
        return max(credited / CATCH_UP_SPEED, -self._level / self._speed, 0.0)
