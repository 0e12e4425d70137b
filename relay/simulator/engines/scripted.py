"""An engine whose answers are known beforehand."""

from collections.abc import Awaitable, Generator, Sequence
from typing import Final, Generic, TypeVar

from relay.scribe.messages import Word
from relay.scribe.parameters import AudioFormat, Parameters
from relay.simulator.engines import Engine, Stream, Transcript

T = TypeVar("T")

WORD_DURATION: Final = 0.4
"""Seconds that a word of a given text takes to be heard, as partials show."""

ULAW_ZERO: Final = b"\xff"
"""µ-law's code of silence. *Source*: ITU-T G.711."""


class _Known(Awaitable[T], Generic[T]):
    """An answer that needs no waiting; unlike a coroutine it may be left unasked."""

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Generator[None, None, T]:
        yield from ()
        return self._value


class ScriptedEngine(Engine):
    """Say which samples were heard, or what was told, and nothing for silence.

    Without `texts` a final reads `heard {n} samples from {a} to {b}`, in samples of its socket, and
    a partial the same of the segment so far. With them, each socket's first segment that isn't
    silent gets the first text, and so on; then it goes on as without. A segment is silent if every
    sample is zero.
    """

    name = "scripted"

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = tuple(texts)

    async def open(self, parameters: Parameters) -> Stream:
        return _ScriptedStream(parameters, self._texts)


class _ScriptedStream(Stream):
    def __init__(self, parameters: Parameters, texts: tuple[str, ...]) -> None:
        audio_format = parameters.audio_format
        self._rate = audio_format.rate
        self._width = audio_format.bytes_per_sample
        self._zero = ULAW_ZERO if audio_format is AudioFormat.ULAW_8000 else b"\0"
        self._language_code = parameters.language_code or "en"
        self._texts = list(texts)
        self._position = 0
        self._start = 0
        self._has_sound = False

    async def feed(self, payload: bytes) -> None:
        self._position += len(payload) // self._width
        if not self._has_sound:
            self._has_sound = payload != self._zero * len(payload)

    def partial(self) -> Awaitable[str]:
        if not self._has_sound:
            return _Known("")
        if not self._texts:
            return _Known(self._report())
        heard = (self._position - self._start) / self._rate
        words = self._texts[0].split()
        return _Known(" ".join(words[: int(heard / WORD_DURATION)]))

    def commit(self) -> Awaitable[Transcript]:
        text = ""
        if self._has_sound:
            text = self._texts.pop(0) if self._texts else self._report()
        transcript = Transcript(text, self._timed(text.split()), self._language_code)
        self._start = self._position
        self._has_sound = False
        return _Known(transcript)

    def close(self) -> None:
        pass

    def _report(self) -> str:
        heard = self._position - self._start
        return f"heard {heard} samples from {self._start} to {self._position}"

    def _timed(self, words: list[str]) -> tuple[Word, ...]:
        """Divide the segment's time evenly among its words."""
        start = self._start / self._rate
        step = (self._position - self._start) / self._rate / max(1, len(words))
        return tuple(
            Word(text, round(start + step * i, 3), round(start + step * (i + 1), 3), logprob=-0.1)
            for i, text in enumerate(words)
        )
