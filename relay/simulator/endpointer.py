"""Where a pause after speech ends a segment (`commit_strategy=vad`)."""

from relay.audio.activity import ActivityDetector, ActivityFrame
from relay.audio.pcm import Int16
from relay.scribe.parameters import Parameters


class Endpointer:
    """Find the pauses that commit, by Scribe's four parameters."""

    def __init__(self, parameters: Parameters) -> None:
        rate = parameters.audio_format.rate
        self._detector = ActivityDetector(rate, threshold=parameters.vad_threshold)
        self._min_speech = parameters.min_speech_duration_ms * rate / 1000
        self._min_silence = parameters.min_silence_duration_ms * rate / 1000
        self._pause = max(self._min_silence, parameters.vad_silence_threshold_secs * rate)
        self._position = 0
        self.reset()

    def reset(self) -> None:
        """Forget the speech so far, because its segment has ended."""
        self._speech = 0
        self._silence = 0
        self._has_spoken = False

    def push(self, samples: Int16) -> list[int]:
        """Take audio, return the positions in all of it where a pause was long enough.

        A position may lie up to 20 ms before `samples`, because a frame may be judged that late.
        """
        return [frame.end for frame in self._detector.push(samples) if self._ends_segment(frame)]

    def _ends_segment(self, frame: ActivityFrame) -> bool:
        duration = frame.end - self._position
        self._position = frame.end
        if frame.is_speech:
            self._silence = 0
            self._speech += duration
            self._has_spoken |= self._speech >= self._min_speech
            return False
        self._silence += duration
        if self._silence >= self._min_silence:
            self._speech = 0
        if not self._has_spoken or self._silence < self._pause:
            return False
        self.reset()
        return True
