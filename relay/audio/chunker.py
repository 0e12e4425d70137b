"""Cut samples into chunks of one length."""

import numpy as np

from relay.audio.pcm import Int16


class Chunker:
    """Cut a stream of samples into chunks of `samples_per_chunk`.

    How the stream was split before doesn't matter: the same samples give the same chunks.
    """

    def __init__(self, samples_per_chunk: int) -> None:
        """Raise ValueError if `samples_per_chunk` is below 1."""
        if samples_per_chunk < 1:
            raise ValueError(f"samples_per_chunk is {samples_per_chunk}, must be at least 1")
        self.samples_per_chunk = samples_per_chunk
        self._chunk: Int16 = np.empty(samples_per_chunk, np.int16)
        self._pending = 0

    def push(self, samples: Int16) -> list[Int16]:
        """Take samples (they are copied), return the chunks that they complete."""
        chunks = []
        while samples.size:
            taken = samples[: self.samples_per_chunk - self._pending]
            self._chunk[self._pending : self._pending + taken.size] = taken
            self._pending += taken.size
            samples = samples[taken.size :]
            if self._pending == self.samples_per_chunk:
                chunks.append(self._chunk)
                self._chunk = np.empty(self.samples_per_chunk, np.int16)
                self._pending = 0
        return chunks
