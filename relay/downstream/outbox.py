"""Messages that wait for a client to take them, bounded in bytes."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Waiting:
    text: str
    size_bytes: int
    is_partial: bool


class Outbox:
    """A queue in which a newer partial replaces an older one, and nothing else is ever dropped.

    Partials replace each other by their meaning, so a client that reads slowly skips some and
    never sees a stale one behind a newer one.
    """

    def __init__(self, bound_bytes: int) -> None:
        self._bound_bytes = bound_bytes
        self._waiting: deque[_Waiting] = deque()
        self._size_bytes = 0
        self._is_sending = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    @property
    def is_over(self) -> bool:
        """Whether the client reads too slowly for this bound.

        A single message may exceed it: that it is long is no fault of the reader's.
        """
        return self._size_bytes > self._bound_bytes and len(self._waiting) > 1

    def put(self, text: str, *, is_partial: bool = False) -> None:
        """Add a message at the end."""
        # One partial at most waits at the end, and is stale as soon as anything follows it: a
        # newer partial replaces it, a final ends its segment.
        waits = len(self._waiting) - self._is_sending
        if is_partial and waits and self._waiting[-1].is_partial:
            self._size_bytes -= self._waiting.pop().size_bytes
        waiting = _Waiting(text, len(text.encode()), is_partial)
        self._waiting.append(waiting)
        self._size_bytes += waiting.size_bytes

    def peek(self) -> str | None:
        """The message to send next; it stays until `pop`, so that a cancelled send loses none."""
        self._is_sending = bool(self._waiting)
        return self._waiting[0].text if self._waiting else None

    def pop(self) -> None:
        """Forget the message that `peek` showed: it was sent."""
        self._size_bytes -= self._waiting.popleft().size_bytes
        self._is_sending = False
