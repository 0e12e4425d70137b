"""Recordings as files to take along."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from relay.recording.flac import read_blocks, silence
from relay.recording.shelf import Audio
from relay.recording.wav import wav_bytes, wav_head

PIECE: Final = 256 * 1024
"""Bytes of a file read at once."""


@dataclass(frozen=True)
class AudioFormat:
    """A kind of file."""

    extension: str
    media_type: str
    size: Callable[[Audio], int]
    """Bytes of a recording in it."""
    pieces: Callable[[Audio], Iterator[bytes]]
    """Those bytes, one after the other; waits for the disk."""


def _flac_bytes(audio: Audio) -> Iterator[bytes]:
    with audio.path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _wav_bytes(audio: Audio) -> Iterator[bytes]:
    yield wav_head(audio.rate, audio.samples)
    left = audio.samples
    for block in read_blocks(audio.path):
        yield block[:left].astype("<i2", copy=False).tobytes()
        left -= block[:left].size
    for block in silence(left):  # it was damaged since: its length was promised already
        yield block.astype("<i2", copy=False).tobytes()


AUDIO_FORMATS: Final = {
    "flac": AudioFormat("flac", "audio/flac", lambda audio: audio.path.stat().st_size, _flac_bytes),
    "wav": AudioFormat("wav", "audio/wav", lambda audio: wav_bytes(audio.samples), _wav_bytes),
}
"""By name."""
