"""When somebody who spoke has been silent long enough, by Scribe's three parameters."""

from dataclasses import dataclass
from typing import Final

_SLACK: Final = 1e-6
"""Seconds of rounding that sums of frame durations may carry."""


@dataclass(frozen=True, slots=True)
class VadRule:
    """Scribe's parameters of voice activity, in seconds; the defaults are Scribe's."""

    silence: float = 1.5
    """Silence after speech that ends the segment (`vad_silence_threshold_secs`)."""
    min_speech: float = 0.1
    """Shorter speech is ignored (`min_speech_duration_ms`)."""
    min_silence: float = 0.1
    """Shorter gaps do not count as silence (`min_silence_duration_ms`)."""


class EndOfSpeech:
    """Find the moment when somebody who spoke has been silent long enough."""

    def __init__(self, rule: VadRule) -> None:
        self._rule = rule
        self._enough_silence = max(rule.silence, rule.min_silence)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard; speech that goes on has to prove itself again."""
        self._is_speaking = False
        self._run = 0.0
        self._gap = 0.0
        self._silence = 0.0

    def observe(self, duration: float, *, is_speech: bool) -> bool:
        """Take in the next `duration` seconds; whether the segment ends after them.

        It keeps ending there until `reset` is called.
        """
        self._silence += duration
        if not is_speech:
            self._gap += duration
        else:
            if self._gap >= self._rule.min_silence - _SLACK:
                self._run = 0.0
            self._gap = 0.0
            self._run += duration
            if self._run >= self._rule.min_speech - _SLACK:
                self._is_speaking = True
                self._silence = 0.0
        return self._is_speaking and self._silence >= self._enough_silence - _SLACK
