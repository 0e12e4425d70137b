"""Where the frames begin and end in what a client sends on a WebSocket. No I/O.

Source: RFC 6455, section 5.2.
"""

from typing import Final, TypeAlias

WHOLE_TEXT: Final = 0x81
WHOLE_BINARY: Final = 0x82
"""First byte of a frame that is a whole text or binary message, without extensions."""

MASKED: Final = 0x80
"""From this on, the second byte says that a mask of four bytes precedes the payload."""

MASKED_MEDIUM: Final = 0xFE
"""The second byte of a frame with a mask whose length has two bytes of its own."""

MEDIUM_HEAD_BYTES: Final = 8
"""Of such a frame; the mask is the second half."""

MAX_HEAD_BYTES: Final = 14


Span: TypeAlias = tuple[int, int, int]
"""Where in the bytes that it came in a frame begins, its payload begins, and both end."""


def frame_at(data: bytes, start: int) -> Span | None:
    """The frame that begins there, be it whole or not; None if its length isn't there yet."""
    payload = start + 2
    if len(data) < payload:
        return None
    second = data[start + 1]
    length = second & 0x7F
    if length >= 126:
        head = payload
        payload += 2 if length == 126 else 8
        if len(data) < payload:
            return None
        length = int.from_bytes(data[head:payload])
    if second >= MASKED:
        payload += 4
    return start, payload, payload + length


def text_frame(text: str) -> bytes:
    """A whole text message as a server sends it."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (WHOLE_TEXT, size, payload)
    if size < 0x10000:
        return b"%c\x7e%b%b" % (WHOLE_TEXT, size.to_bytes(2), payload)
    return b"%c\x7f%b%b" % (WHOLE_TEXT, size.to_bytes(8), payload)


def is_one_message(data: bytes) -> bool:
    """Whether these bytes are one whole, masked binary message of 126 to 65,535 bytes.

    As nearly all are that a client with a microphone sends: told by one comparison of lengths.
    """
    return (
        len(data) >= 126 + MEDIUM_HEAD_BYTES
        and data[0] == WHOLE_BINARY
        and data[1] == MASKED_MEDIUM
        and int.from_bytes(data[2:4]) == len(data) - MEDIUM_HEAD_BYTES
    )


class FrameSplitter:
    """Cuts a stream of bytes into whole frames; what of one is missing is waited for."""

    def __init__(self) -> None:
        """Begin at the begin of a frame."""
        self.wanted = 0
        """Bytes that the frame has which has begun, as far as it is known; 0 if none has."""
        self._rest = bytearray()

    def push(self, data: bytes) -> tuple[bytes, list[Span]]:
        """Take bytes; the frames that are whole by now, and the bytes in which they lie."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self.wanted:
                return b"", []
            data = self.give_back()
        spans: list[Span] = []
        position, size = 0, len(data)
        while position < size:
            span = frame_at(data, position)
            if span is None or span[2] > size:
                self._rest += data[position:]
                self.wanted = (size + 1 if span is None else span[2]) - position
                break
            spans.append(span)
            position = span[2]
        return data, spans

    def give_back(self) -> bytes:
        """Wait no longer: the bytes of the frame that has begun."""
        rest = bytes(self._rest)
        self._rest.clear()
        self.wanted = 0
        return rest
