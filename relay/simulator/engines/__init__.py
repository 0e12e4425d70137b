"""Who transcribes: the interface that the simulator knows, and what comes out.

scripted      says which samples it heard, or what it was told to say
sphinx        recognises English speech with pocketsphinx, in worker processes
worker, wire  the other end of those processes, and what is said to them
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass

from relay.scribe.messages import Character, Word
from relay.scribe.parameters import Parameters


class EngineFailed(RuntimeError):
    """Raised when a stream can't go on; the session ends with `transcriber_error`."""


class EngineFull(RuntimeError):
    """Raised when there is no room for one more stream; `resource_exhausted` for the client."""


@dataclass(frozen=True)
class Transcript:
    """What was said in one segment."""

    text: str
    words: tuple[Word, ...] = ()
    """Only those of type `word`; times in seconds from the first audio of the stream."""
    language_code: str | None = "en"

    def items(self) -> Iterator[Word]:
        """Yield the words with characters, and the spaces between them, as Scribe sends them."""
        previous: Word | None = None
        for word in self.words:
            if previous is not None:
                yield _with_characters(Word(" ", previous.end, word.start, "spacing", logprob=0.0))
            yield _with_characters(word)
            previous = word


def _with_characters(word: Word) -> Word:
    """Divide a word's time evenly among its characters."""
    start, end = word.start or 0.0, word.end or 0.0
    step = (end - start) / max(1, len(word.text))
    characters = tuple(
        Character(text, round(start + step * i, 3), round(start + step * (i + 1), 3))
        for i, text in enumerate(word.text)
    )
    return Word(word.text, word.start, word.end, word.type, None, word.logprob, characters)


class Stream(ABC):
    """One socket's audio. What is asked for takes its place in the audio when it is asked for."""

    @abstractmethod
    async def feed(self, payload: bytes) -> None:
        """Take audio, in the session's format; wait while the engine is too far behind.

        Raises:
            EngineFailed: If the engine broke.
        """

    @abstractmethod
    def partial(self) -> Awaitable[str]:
        """Ask what is understood of the open segment so far."""

    @abstractmethod
    def commit(self) -> Awaitable[Transcript]:
        """End the segment here, and ask what was said in it."""

    @abstractmethod
    def close(self) -> None:
        """Give the engine's room back; what was asked for may stay unanswered."""


class Engine(ABC):
    """Where streams come from. Start it before, close it after use."""

    name: str

    async def start(self) -> None:
        """Get ready.

        Raises:
            ConfigError: If something that it needs is missing.
        """
        return

    async def aclose(self) -> None:
        """Stop; may be called twice."""
        return

    @abstractmethod
    async def open(self, parameters: Parameters) -> Stream:
        """Make room for one socket.

        Raises:
            EngineFull: If there is none.
            EngineFailed: If the engine broke.
        """
