"""Where a pause after speech ends a segment (`commit_strategy=vad`)."""

from relay.audio.activity import FRAMES_PER_SECOND, ActivityDetector
from relay.audio.end_of_speech import EndOfSpeech, VadRule
from relay.audio.pcm import Int16
from relay.scribe.parameters import Parameters


class Endpointer:
    """Find the pauses that commit, by Scribe's four parameters."""

    def __init__(self, parameters: Parameters) -> None:
        self._detector = ActivityDetector(
            parameters.audio_format.rate, threshold=parameters.vad_threshold
        )
        self._end_of_speech = EndOfSpeech(
            VadRule(
                silence=parameters.vad_silence_threshold_secs,
                min_speech=parameters.min_speech_duration_ms / 1000,
                min_silence=parameters.min_silence_duration_ms / 1000,
            )
        )

    def reset(self) -> None:
        """Forget the speech so far, because its segment has ended."""
        self._end_of_speech.reset()

    def push(self, samples: Int16) -> list[int]:
        """Take audio, return the positions in all of it where a pause was long enough.

        A position may lie up to 60 ms before `samples`, because a frame may be judged that late.
        """
        pauses = []
        for frame in self._detector.push(samples):
            if self._end_of_speech.observe(1 / FRAMES_PER_SECOND, is_speech=frame.is_speech):
                pauses.append(frame.end)
                self.reset()
        return pauses
