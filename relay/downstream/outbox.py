"""Messages that wait for a client to take them, bounded in bytes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Slot(Enum):
    """Messages of one kind, of which only the newest is worth anything."""

    PARTIAL = "partial"
    ACKNOWLEDGEMENT = "acknowledgement"


KEPT_BYTES = 128 * 1024
"""Of messages that were sent and may be missed all the same: what a broken line swallowed. It is
more than a minute of finals with word times; what is older, Redis has."""


@dataclass(slots=True)
class Letter:
    """A message on its way."""

    seq: int
    text: str | None
    """None once something newer has made it worthless."""
    size_bytes: int
    is_held: bool = False
    """It has to wait, and whatever stands behind it."""


class Outbox:
    """A queue in which newer partials and acknowledgements replace older ones.

    Nothing else is ever dropped. A client that reads slowly thus skips some of them, and never
    sees a stale partial behind a newer one or behind the final of its segment. All else is kept
    after it was sent too, up to a bound, for a client that comes back and lacks it.
    """

    def __init__(self, bound_bytes: int, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._bound_bytes = bound_bytes
        self._kept_bytes = kept_bytes
        self._waiting: deque[Letter] = deque()
        self._newest: dict[Slot, Letter] = {}
        self._size_bytes = 0
        self._again_bytes = 0
        self._sent: deque[Letter] = deque()
        self._sent_bytes = 0
        self._forgotten = -1
        self._is_paused = False

    def __len__(self) -> int:
        return sum(letter.text is not None for letter in self._waiting)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    @property
    def is_over(self) -> bool:
        """Whether the client reads too slowly for this bound.

        A single message may exceed it, and what is sent again does not count: that it is long is
        no fault of the reader's.
        """
        return self._size_bytes - self._again_bytes > self._bound_bytes and len(self) > 1

    @property
    def forgotten(self) -> int:
        """The greatest `seq` that could be missed and isn't kept any more; -1 for none."""
        return self._forgotten

    def put(
        self, text: str, slot: Slot | None = None, *, seq: int = 0, is_held: bool = False
    ) -> Letter:
        """Add a message at the end, in place of the one that waits in the same slot."""
        letter = Letter(seq, text, len(text.encode()), is_held)
        if slot is None:
            self._keep(letter)
        if self._is_paused:
            return letter
        if slot is not None:
            self.drop(slot)
            self._newest[slot] = letter
        self._append(letter)
        return letter

    def drop(self, slot: Slot) -> None:
        """Drop what waits in a slot, if anything."""
        letter = self._newest.pop(slot, None)
        if letter is not None:
            letter.text = None
            self._size_bytes -= letter.size_bytes

    def peek(self) -> str | None:
        """The message to send next; it stays until `pop`, so that a cancelled send loses none."""
        while self._waiting and self._waiting[0].text is None:
            self._waiting.popleft()
        if not self._waiting or self._waiting[0].is_held:
            return None
        first = self._waiting[0]
        # It is on its way now: nothing replaces it any more.
        for slot, newest in tuple(self._newest.items()):
            if newest is first:
                del self._newest[slot]
        return first.text

    def pop(self) -> None:
        """Forget the message that `peek` showed: it was sent."""
        size_bytes = self._waiting.popleft().size_bytes
        self._size_bytes -= size_bytes
        self._again_bytes = max(0, self._again_bytes - size_bytes)

    def pause(self) -> None:
        """Nobody takes anything for now: keep what may not be missed, and nothing else."""
        self._is_paused = True
        self._waiting.clear()
        self._newest.clear()
        self._size_bytes = self._again_bytes = 0

    def restart(self, first: str, *, seq: int, after: int, missed: Iterable[str] = ()) -> None:
        """Send again, to a client that has everything up to the number `after`.

        Args:
            first: The message that stands before all it lacks.
            seq: Its number.
            after: The greatest number that the client has received.
            missed: What it lacks and isn't kept here.
        """
        self.pause()
        self._is_paused = False
        for text in (first, *missed):
            self._append(Letter(seq, text, len(text.encode())))
        for letter in self._sent:
            if letter.seq > after:
                self._append(letter)
        self._again_bytes = self._size_bytes

    def _append(self, letter: Letter) -> None:
        self._waiting.append(letter)
        self._size_bytes += letter.size_bytes

    def _keep(self, letter: Letter) -> None:
        self._sent.append(letter)
        self._sent_bytes += letter.size_bytes
        while self._sent_bytes > self._kept_bytes and len(self._sent) > 1:
            oldest = self._sent.popleft()
            self._sent_bytes -= oldest.size_bytes
            self._forgotten = oldest.seq
