"""One session's audio, from the client's messages to samples at Scribe's rate."""

from typing import Final, Self

import numpy as np

from relay.audio.pcm import Encoding, Float32, Int16, WireFormat, decode_frames, to_pcm16
from relay.audio.resample import Quality, StreamResampler
from relay.audio.seam import Seam
from relay.audio.timeline import Timeline

_NOTHING: Final = np.empty(0, np.float32)


class AudioChain:
    """Validate, downmix, resample and saturate messages, and keep the session's clock.

    How the audio is cut into messages doesn't change the output by one bit. Each piece between
    two changes of rate comes out with exactly frames * rate_out / rate_in samples, rounded to
    nearest, so positions never drift from frames.
    """

    def __init__(
        self,
        rate_in: int,
        *,
        encoding: Encoding,
        channels: int,
        wire_format: WireFormat = WireFormat.PCM_16000,
        quality: Quality = Quality.HIGH,
    ) -> None:
        """Prepare for messages of `channels` (1 or 2) in `encoding` at `rate_in` Hz.

        Raises:
            ValueError: If `rate_in` is outside 8000–192000.
        """
        self._encoding = encoding
        self._channels = channels
        self._frame_bytes = encoding.bytes_per_sample * channels
        self._quality = quality
        self._rate_out = wire_format.rate
        self._resampler = StreamResampler(rate_in, self._rate_out, quality)
        self.frames_received = 0
        """The client's frames since the session's first, silence for refused ones included."""
        self.position = 0
        """Samples put out so far; what is inside the filter isn't among them."""
        self.held = 0.0
        """Seconds of audio inside the filter."""
        self._pre_roll = 0
        self._timeline = Timeline(self._rate_out)
        self._timeline.begin(rate_in, frame=0, position=0)

    @classmethod
    def resume(
        cls,
        seam: Seam,
        *,
        encoding: Encoding,
        channels: int,
        wire_format: WireFormat = WireFormat.PCM_16000,
        quality: Quality = Quality.HIGH,
    ) -> Self:
        """Go on where another chain was cut off; the next message begins at `seam.next_sample`.

        What comes out begins at `seam.position`, as if the other chain had gone on.

        Args:
            seam: Of a timeline at `wire_format`'s rate.
            encoding: Of the messages from here on.
            channels: Likewise.
            wire_format: As of the other chain.
            quality: As of the other chain, or the sound changes at the seam.
        """
        rate_in = seam.pieces[-1].rate_in
        chain = cls(
            rate_in, encoding=encoding, channels=channels, wire_format=wire_format, quality=quality
        )
        chain._timeline = Timeline.restore(wire_format.rate, seam.pieces)
        chain.frames_received = seam.next_sample
        chain.position = seam.position
        chain._pre_roll = seam.pre_roll
        return chain

    @property
    def timeline(self) -> Timeline:
        """The map between the client's frames, positions and seconds; it grows with the session."""
        return self._timeline

    def seconds_of(self, message: bytes) -> float:
        """How long a message's audio lasts at the present rate."""
        return len(message) / self._frame_bytes / self._resampler.rate_in

    def is_partial(self, message: bytes) -> bool:
        """Whether `push` would refuse it because it isn't whole frames."""
        return len(message) % self._frame_bytes != 0

    def push(self, message: bytes | memoryview) -> Int16:
        """Turn one client message into samples at the wire format's rate.

        Returns:
            A new array, often shorter or longer than the message and sometimes empty, since the
            resampler works in blocks.

        Raises:
            NonFinite: If NaN or ±Inf is in it. Nothing has changed yet: report it to the client,
                then call `push_silence` with the exception's `frames` to keep the clock.
            PartialFrame: If it isn't whole frames. The clock is lost, the session can't go on.
            RuntimeError: If called after `flush`.
        """
        return self._process(decode_frames(message, self._encoding, self._channels))

    def push_silence(self, frames: int) -> Int16:
        """Put silence in the place of `frames` frames that were refused.

        Raises:
            RuntimeError: If called after `flush`.
        """
        return self._process(np.zeros(frames, np.float32))

    def change_rate(self, rate_in: int) -> Int16:
        """Expect the next message at `rate_in` Hz, because the client's device was changed.

        Returns:
            The tail of the old device's audio. Empty, with nothing changed, if the rate is the
            same.

        Raises:
            ValueError: If `rate_in` is outside 8000–192000; nothing has changed then.
            RuntimeError: If called after `flush`.
        """
        if rate_in == self._resampler.rate_in:
            return np.empty(0, np.int16)
        resampler = StreamResampler(rate_in, self._rate_out, self._quality)
        tail = self._end_piece()
        self._resampler = resampler
        self._timeline.begin(rate_in, frame=self.frames_received, position=self.position)
        return tail

    def skip_to(self, frame: int) -> Int16:
        """Leave out all frames up to `frame`, since the client doesn't have them any more.

        Returns:
            The tail of the audio before them.

        Raises:
            ValueError: If `frame` isn't behind `frames_received`.
            RuntimeError: If called after `flush`.
        """
        if frame <= self.frames_received:
            raise ValueError(f"frame {frame} was received already")
        rate_in = self._resampler.rate_in
        tail = self._end_piece()
        self._resampler = StreamResampler(rate_in, self._rate_out, self._quality)
        self.frames_received = frame
        self._timeline.begin(rate_in, frame=frame, position=self.position)
        return tail

    def flush(self) -> Int16:
        """End the session's audio: return what the resampler still held.

        Afterwards `timeline.frame_at(position)` is `frames_received`: all audio is covered.

        Raises:
            RuntimeError: If called twice.
        """
        tail = self._end_piece()
        self._timeline.begin(
            self._resampler.rate_in, frame=self.frames_received, position=self.position
        )
        return tail

    def _process(self, frames: Float32, *, last: bool = False) -> Int16:
        resampler = self._resampler
        resampled = resampler.push(frames, last=last)
        self.frames_received += frames.size
        self.held += frames.size / resampler.rate_in - resampled.size / self._rate_out
        if self._pre_roll:
            resampled = self._after_pre_roll(resampled)
        self.position += resampled.size
        return to_pcm16(resampled)

    def _end_piece(self) -> Int16:
        tail = self._process(_NOTHING, last=True)
        self.held = 0.0
        # A client whose rate changes within the pre-roll sends other audio than it did before.
        self._pre_roll = 0
        return tail

    def _after_pre_roll(self, resampled: Float32) -> Float32:
        """Drop what was sent before the seam already."""
        dropped = min(self._pre_roll, resampled.size)
        self._pre_roll -= dropped
        return resampled[dropped:]
