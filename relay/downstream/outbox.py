"""Messages that wait for a client to take them, bounded in bytes."""

from collections import deque
from dataclasses import dataclass
from enum import Enum


class Slot(Enum):
    """Messages of one kind, of which only the newest is worth anything."""

    PARTIAL = "partial"
    ACKNOWLEDGEMENT = "acknowledgement"


@dataclass(slots=True)
class _Waiting:
    text: str | None
    """None once something newer has made it worthless."""
    size_bytes: int


class Outbox:
    """A queue in which newer partials and acknowledgements replace older ones.

    Nothing else is ever dropped. A client that reads slowly thus skips some of them, and never
    sees a stale partial behind a newer one or behind the final of its segment.
    """

    def __init__(self, bound_bytes: int) -> None:
        self._bound_bytes = bound_bytes
        self._waiting: deque[_Waiting] = deque()
        self._newest: dict[Slot, _Waiting] = {}
        self._size_bytes = 0

    def __len__(self) -> int:
        return sum(waiting.text is not None for waiting in self._waiting)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    @property
    def is_over(self) -> bool:
        """Whether the client reads too slowly for this bound.

        A single message may exceed it: that it is long is no fault of the reader's.
        """
        return self._size_bytes > self._bound_bytes and len(self) > 1

    def put(self, text: str, slot: Slot | None = None) -> None:
        """Add a message at the end, in place of the one that waits in the same slot."""
        waiting = _Waiting(text, len(text.encode()))
        if slot is not None:
            self.drop(slot)
            self._newest[slot] = waiting
        self._waiting.append(waiting)
        self._size_bytes += waiting.size_bytes

    def drop(self, slot: Slot) -> None:
        """Drop what waits in a slot, if anything."""
        waiting = self._newest.pop(slot, None)
        if waiting is not None:
            waiting.text = None
            self._size_bytes -= waiting.size_bytes

    def peek(self) -> str | None:
        """The message to send next; it stays until `pop`, so that a cancelled send loses none."""
        while self._waiting and self._waiting[0].text is None:
            self._waiting.popleft()
        if not self._waiting:
            return None
        first = self._waiting[0]
        # It is on its way now: nothing replaces it any more.
        for slot, newest in tuple(self._newest.items()):
            if newest is first:
                del self._newest[slot]
        return first.text

    def pop(self) -> None:
        """Forget the message that `peek` showed: it was sent."""
        self._size_bytes -= self._waiting.popleft().size_bytes
