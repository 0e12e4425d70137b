"""Which messages are worked on together, since nothing would be sent before that anyway. Pure."""

from typing import Final

_SLACK: Final = 1e-6
"""Seconds of rounding that sums of durations may carry."""


class Gathering:
    """Messages that wait until, with them, the next chunk may be complete.

    A filter that works in blocks holds back now more and now less of what it was given. That all
    of it comes out is expected, so that no chunk is late; where less does, as is usual, the next
    message is worked on at once.
    """

    def __init__(self, chunk: float) -> None:
        """Gather for chunks of so many seconds."""
        self._chunk = chunk
        self._messages: list[bytes] = []
        self.seconds = 0.0
        """How long all lasts that waits."""
        self._due = chunk - _SLACK

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._messages)

    def add(self, message: bytes, seconds: float) -> list[bytes]:
        """Let a message wait that lasts so long, or `take` all that waits if it is time."""
        self.seconds += seconds
        if self.seconds < self._due:
            self._messages.append(message)
            return []
        self.seconds = 0.0
        if not self._messages:
            return [message]
        self._messages.append(message)
        return self.take()

    def take(self) -> list[bytes]:
        """What waits, in order; then say what became of it by `worked_on`."""
        messages, self._messages = self._messages, []
        self.seconds = 0.0
        return messages

    def worked_on(self, *, held: float, pending: float) -> None:
        """Expect the next chunk.

        Args:
            held: Seconds of audio that went into the filter and didn't come out.
            pending: Seconds that came out and are less than a chunk.
        """
        self._due = self._chunk - pending - held - _SLACK
