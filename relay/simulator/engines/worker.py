"""The process that recognises speech, since pocketsphinx holds the interpreter's lock.

It reads commands from its standard input and writes answers to its standard output, as `wire`
says; it ends when its input does, and thus with whoever started it.
"""

import math
import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import soxr

from relay.audio.pcm import Int16, WireFormat
from relay.scribe.messages import Word
from relay.simulator.engines import wire

DECODER_RATE: Final = 16_000
"""Hz of the acoustic model. *Source*: pocketsphinx 5.1's en-us model."""

FRAME_DURATION: Final = 0.01
"""Seconds per frame of a segmentation. *Source*: pocketsphinx, `frate`."""

LOWEST_PROBABILITY: Final = 1e-10
"""Keeps the logarithm of a probability of 0 finite."""

READ_BYTES: Final = 1 << 16

_FILLER: Final = re.compile(r"<.*>|\[.*\]|\+\+.*\+\+")
_VARIANT: Final = re.compile(r"\(\d+\)$")
"""Marks the second and later pronunciations of a word."""


class Listener:
    """Recognise one stream's segments."""

    def __init__(self, decoder: Any, wire_format: WireFormat) -> None:
        """Take a decoder that no other stream uses.

        Args:
            decoder: A `pocketsphinx.Decoder` in its first state, or after `forget`.
            wire_format: Of the payloads.
        """
        self._decoder = decoder
        self._format = wire_format
        self._resampler = self._new_resampler()
        self._position = 0
        self._start = 0
        self._is_listening = False

    def hear(self, payload: bytes) -> None:
        """Take the next audio; understands it before it returns."""
        samples = self._format.unpack(payload)
        self._position += len(samples)
        self._process(samples, last=False)

    def partial(self) -> str:
        """Return what is understood of the open segment."""
        hypothesis = self._decoder.hyp() if self._is_listening else None
        return hypothesis.hypstr if hypothesis else ""

    def commit(self) -> tuple[str, tuple[Word, ...]]:
        """End the segment, return its text and words, timed from the stream's first sample."""
        self._process(np.empty(0, np.int16), last=True)
        self._resampler = self._new_resampler()
        words = tuple(self._finish()) if self._is_listening else ()
        self._is_listening = False
        self._start = self._position
        return " ".join(word.text for word in words), words

    def forget(self) -> None:
        """Leave the decoder ready for another stream."""
        if self._is_listening:
            self._decoder.end_utt()
            self._is_listening = False

    def _new_resampler(self) -> soxr.ResampleStream | None:
        if self._format.rate == DECODER_RATE:
            return None
        return soxr.ResampleStream(self._format.rate, DECODER_RATE, 1, dtype="int16")

    def _process(self, samples: Int16, *, last: bool) -> None:
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        if not len(samples):
            return
        if not self._is_listening:
            self._decoder.start_utt()
            self._is_listening = True
        self._decoder.process_raw(samples.tobytes())

    def _finish(self) -> Iterator[Word]:
        self._decoder.end_utt()
        offset = self._start / self._format.rate
        for segment in self._decoder.seg() or ():
            if _FILLER.fullmatch(segment.word):
                continue
            yield Word(
                _VARIANT.sub("", segment.word),
                round(offset + segment.start_frame * FRAME_DURATION, 2),
                round(offset + (segment.end_frame + 1) * FRAME_DURATION, 2),
                logprob=min(0.0, round(math.log(max(segment.prob, LOWEST_PROBABILITY)), 4)),
            )


class Decoders:
    """Decoders for as many streams as there are, used again because loading one takes a while."""

    def __init__(self) -> None:
        self._free: list[Any] = []

    def acquire(self) -> Any:
        """Return a decoder that knows nothing of earlier speakers."""
        if not self._free:
            return _load_decoder()
        decoder = self._free.pop()
        # Forgets the voice's spectrum and the noise's, both of which change what is understood.
        decoder.reinit_feat()
        return decoder

    def release(self, decoder: Any) -> None:
        self._free.append(decoder)


def _load_decoder() -> Any:
    # Imported late, because only this process may load it, and because it is an extra.
    from pocketsphinx import Decoder

    return Decoder(loglevel="FATAL")


class Recogniser:
    """Carry out commands."""

    def __init__(self) -> None:
        self._decoders = Decoders()
        self._decoders.release(self._decoders.acquire())
        self._listeners: dict[int, tuple[Listener, Any]] = {}

    def answer(self, command: wire.Command) -> wire.Answer | None:
        """Carry out one command; a stream that fails ends, the others go on."""
        try:
            return self._carry_out(command)
        except (RuntimeError, ValueError) as error:
            self._forget(command.stream)
            return wire.Failed(command.stream, str(error))

    def _carry_out(self, command: wire.Command) -> wire.Answer | None:
        stream = command.stream
        if isinstance(command, wire.Open):
            decoder = self._decoders.acquire()
            self._listeners[stream] = Listener(decoder, WireFormat(command.audio_format)), decoder
            return None
        if isinstance(command, wire.Forget) or stream not in self._listeners:
            self._forget(stream)
            return None
        listener, _ = self._listeners[stream]
        match command:
            case wire.Hear(payload=payload):
                listener.hear(payload)
                return wire.Heard(stream, len(payload))
            case wire.AskPartial():
                return wire.PartialText(stream, listener.partial())
            case wire.AskFinal():
                return wire.FinalText(stream, *listener.commit())

    def _forget(self, stream: int) -> None:
        if entry := self._listeners.pop(stream, None):
            listener, decoder = entry
            listener.forget()
            self._decoders.release(decoder)


def main() -> None:
    """Serve commands until the input ends."""
    # Ctrl-C reaches the whole foreground group; whoever started this process ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a library prints must not get between the answers.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    recogniser = Recogniser()
    _write(answers, wire.Ready())
    commands: wire.Unpacker[wire.Command] = wire.Unpacker(wire.Command)  # type: ignore[arg-type]  # a union is no type to mypy
    while data := os.read(sys.stdin.fileno(), READ_BYTES):
        for command in commands.push(data):
            if answer := recogniser.answer(command):
                _write(answers, answer)


def _write(file: int, answer: wire.Answer) -> None:
    data = memoryview(wire.pack(answer))
    while data:
        data = data[os.write(file, data) :]
