"""FLAC files: written as the audio comes, read whatever became of who wrote them."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
import soundfile

from relay.audio.pcm import Int16

BLOCK: Final = 65_536
"""Samples read at once."""

STREAMINFO_BYTES: Final = 26
"""Of a file: its mark, a block's head, and STREAMINFO up to its count of samples. *Source*: RFC
9639, section 8.2."""

_COUNT_BITS: Final = 36


class Info(NamedTuple):
    """What a file's head says of it."""

    rate: int
    """In Hz."""
    samples: int
    """0 where the file was never closed, so that nobody knows."""


def read_info(path: Path) -> Info | None:
    """Read what a file says of itself; None where there is no such file, or it is none of FLAC.

    Raises:
        OSError: If it can't be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(STREAMINFO_BYTES)
    except FileNotFoundError:
        return None
    if len(head) < STREAMINFO_BYTES or not head.startswith(b"fLaC"):
        return None
    numbers = int.from_bytes(head[18:26])
    return Info(numbers >> 44, numbers & ((1 << _COUNT_BITS) - 1))


class Flac:
    """Writes mono audio of 16 bits into a new file, for this user's eyes only.

    What was written is in the file but for the last block (4096 samples) or two, whatever becomes
    of the process.
    """

    def __init__(self, path: Path, rate: int) -> None:
        """Make the file.

        Raises:
            OSError: If it is there already, or can't be made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._descriptor = descriptor
        try:
            self._file = soundfile.SoundFile(
                descriptor, "w", rate, 1, "PCM_16", format="FLAC", closefd=False
            )
        except soundfile.LibsndfileError as error:
            os.close(descriptor)
            raise OSError(f"libsndfile: {error.error_string}") from error

    @property
    def is_deleted(self) -> bool:
        """Whether somebody has deleted the file meanwhile."""
        return os.fstat(self._descriptor).st_nlink == 0

    def write(self, samples: Int16) -> None:
        """Go on with the file.

        Raises:
            OSError: If it can't be written; it has what came before, or most of it.
        """
        try:
            self._file.write(samples)
        # The last is how soundfile says that not all was written.
        except (soundfile.LibsndfileError, AssertionError) as error:
            raise OSError(f"libsndfile: {type(error).__name__}") from error

    def close(self) -> None:
        """End the file, so that its head says how long it is.

        Raises:
            OSError: If that can't be written; what came before can still be read.
        """
        try:
            self._file.close()
        except soundfile.LibsndfileError as error:
            raise OSError(f"libsndfile: {error.error_string}") from error
        finally:
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_blocks(path: Path) -> Generator[Int16, None, None]:
    """Read a file as far as it goes, also one whose writer was killed.

    Yields:
        Blocks of samples, none of them empty; nothing of a file that hasn't even a head.
    """
    try:
        file = _Onward(path)
    except soundfile.LibsndfileError:
        return  # not even its head was written
    with file:
        begin, is_whole = 0, True
        while is_whole:
            block: Int16 = np.empty(BLOCK, np.int16)
            try:
                file.buffer_read_into(block, "int16")
            except soundfile.LibsndfileError:
                is_whole = False  # it breaks off within this block, which has what is before that
            end = file.tell()
            if end == begin:
                return
            yield block[: end - begin]
            begin = end


class _Onward(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Reads on and on.

    Where it could seek, it would do so after each block, which fails at the end of a file that has
    none.
    """

    def seekable(self) -> bool:
        return False


def length_of(path: Path) -> int:
    """Count the samples: as its head says, or those that can be read of a file never closed."""
    info = read_info(path)
    if info is None:
        return 0
    return info.samples or sum(block.size for block in read_blocks(path))


def is_intact(path: Path, samples: int) -> bool:
    """Whether so many samples can be read, as its head may say of a file whose tail was lost."""
    return sum(block.size for block in read_blocks(path)) == samples


def silence(samples: int) -> Iterator[Int16]:
    """Give so many samples of silence, in blocks."""
    block = np.zeros(BLOCK, np.int16)
    for begin in range(0, samples, BLOCK):
        yield block[: samples - begin]
