"""Audio files as chunks that a relay takes, and how fast they may go."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from relay.cli.exits import CommandFailed
from relay.protocol.messages import MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ

CHUNK = 0.1
"""Seconds of audio in one message, and in memory: a file is never loaded whole."""

SLACK = 0.5
"""Seconds that a sender which fell behind may catch up on; beyond that it stays behind."""


class _Forward(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A file that is read from front to back.

    soundfile seeks to where it is after every read. In an MP3 that loses the frames on which the
    next ones build: read in blocks of 100 ms, 4/5 of the sound was gone.

    *Source*: measured with soundfile 0.14.0 and libsndfile 1.2.2.
    """

    def seekable(self) -> bool:
        return False


class AudioFile:
    """An open audio file of any format that libsndfile reads."""

    def __init__(self, file: soundfile.SoundFile) -> None:
        """Take over an open file; use `open_audio`."""
        self._file = file
        self.name = Path(file.name).name
        self.rate = int(file.samplerate)
        """Hz."""
        self.channels = 2 if file.channels == 2 else 1
        """Of the chunks; a file with more than two is mixed down to one."""

    @property
    def duration(self) -> float:
        """Seconds; an estimate for formats that don't say, such as some MP3 files."""
        return float(self._file.frames / self.rate)

    def chunks(self) -> Iterator[bytes]:
        """Read on, in float32 little endian, channels interleaved; the last may be shorter.

        Raises:
            CommandFailed: If the rest of the file is damaged.
        """
        try:
            while len(block := self._file.read(round(CHUNK * self.rate), dtype="float32")):
                frames = block.mean(axis=1) if self._file.channels > 2 else block
                yield np.ascontiguousarray(frames, dtype="<f4").tobytes()
        except (OSError, soundfile.SoundFileError) as error:
            raise CommandFailed(f"{self._file.name} is damaged: {_reason(error)}") from error

    def seconds(self, chunk: bytes) -> float:
        """Tell how long a chunk lasts."""
        return len(chunk) / (4 * self.channels * self.rate)


@contextmanager
def open_audio(path: Path) -> Iterator[AudioFile]:
    """Open an audio file.

    Raises:
        CommandFailed: If it isn't there, isn't audio that libsndfile reads, or has a sample rate
            that the relay doesn't take.
    """
    with _open(path) as file:
        if not MIN_SAMPLE_RATE_HZ <= file.samplerate <= MAX_SAMPLE_RATE_HZ:
            raise CommandFailed(
                f"{path} has {file.samplerate} Hz; the relay takes {MIN_SAMPLE_RATE_HZ} to "
                f"{MAX_SAMPLE_RATE_HZ}. Convert it: ffmpeg -i '{path}' -ar 16000 converted.wav"
            )
        yield AudioFile(file)


def _open(path: Path) -> Any:
    # libsndfile tells a missing file, a folder and a file of another kind apart badly.
    if path.is_dir():
        raise CommandFailed(f"{path} is a folder. Name audio files, such as '{path}'/*.wav")
    try:
        path.open("rb").close()
    except OSError as error:
        raise CommandFailed(f"{path} can't be read: {error.strerror}.") from error
    try:
        return _Forward(str(path))
    except (soundfile.SoundFileError, TypeError) as error:
        raise CommandFailed(
            f"{path} is not audio that can be read here (wav, flac, ogg, mp3, …). "
            f"Convert it: ffmpeg -i '{path}' converted.wav"
        ) from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).rstrip(".") + "."


class Pace:
    """When audio may go, so that a file is sent at most `speed` times as fast as it lasts."""

    def __init__(self, speed: float, now: float) -> None:
        """Start at clock time `now`, in seconds; so are all times here."""
        self._speed = speed
        self._start = now

    def delay(self, position: float, now: float) -> float:
        """Tell how long to wait before sending what follows `position` seconds of audio."""
        schedule = position / self._speed
        self._start = max(self._start, now - schedule - SLACK)
        return max(0.0, self._start + schedule - now)
