"""What simulator and recognising process say to each other: msgpack, each after its length."""

from typing import Final, Generic, TypeAlias, TypeVar

import msgspec

from relay.scribe.messages import Word

T = TypeVar("T")

_LENGTH_BYTES: Final = 4


class Open(msgspec.Struct, frozen=True, tag=True):
    """Make room for a stream."""

    stream: int
    audio_format: str


class Hear(msgspec.Struct, frozen=True, tag=True):
    """Take audio; answered with `Heard` when it is understood."""

    stream: int
    payload: bytes


class AskPartial(msgspec.Struct, frozen=True, tag=True):
    """Answered with `PartialText`."""

    stream: int


class AskFinal(msgspec.Struct, frozen=True, tag=True):
    """End the segment; answered with `FinalText`."""

    stream: int


class Forget(msgspec.Struct, frozen=True, tag=True):
    """Give a stream's room back; no answer."""

    stream: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The process can take streams."""


class Heard(msgspec.Struct, frozen=True, tag=True):
    """So many bytes more are understood."""

    stream: int
    size_bytes: int


class PartialText(msgspec.Struct, frozen=True, tag=True):
    """The open segment so far."""

    stream: int
    text: str


class FinalText(msgspec.Struct, frozen=True, tag=True):
    """The segment that ended, with the times of its words."""

    stream: int
    text: str
    words: tuple[Word, ...]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A stream can't go on; nothing more comes of it."""

    stream: int
    text: str


Command: TypeAlias = Open | Hear | AskPartial | AskFinal | Forget
Answer: TypeAlias = Ready | Heard | PartialText | FinalText | Failed


def pack(message: Command | Answer) -> bytes:
    """Write one message with its length."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class Unpacker(Generic[T]):
    """Cut a stream of bytes into messages of one union."""

    def __init__(self, union: type[T]) -> None:
        self._decoder = msgspec.msgpack.Decoder(union)
        self._buffer = bytearray()

    def push(self, data: bytes) -> list[T]:
        """Take bytes, cut anywhere; return the messages that they complete."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
            if len(self._buffer) < end:
                break
            messages.append(self._decoder.decode(bytes(self._buffer[_LENGTH_BYTES:end])))
            del self._buffer[:end]
        return messages
