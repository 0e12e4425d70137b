"""Messages that follow a final because the client asked for them: entities, redaction, edits."""

from collections import Counter, deque
from collections.abc import Collection

EXTRA_TIMEOUT = 3.0
"""Seconds after a final until its extras are given up.

Source: none is published, they are said to come asynchronously; an instruction to edit a text takes
a language model about a second.
"""


class Extras:
    """Knows which extras are still to come, so that the end of a session can wait for them."""

    def __init__(self, message_types: Collection[str]) -> None:
        """`message_types`: what the session's parameters promise after each final."""
        self._message_types = frozenset(message_types)
        self._awaited: Counter[str] = Counter()
        self._due: deque[float] = deque()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is awaited."""
        return not self._awaited.total()

    def expect(self, text: str, now: float) -> None:
        """Take notice of a final; nothing follows an empty one."""
        if text and self._message_types:
            self._awaited.update(self._message_types)
            self._due.append(now + EXTRA_TIMEOUT)

    def receive(self, message_type: str) -> None:
        """Take notice of a message that came."""
        if self._awaited[message_type]:
            self._awaited[message_type] -= 1

    def expire(self, now: float) -> None:
        """Give up what is overdue: nothing is awaited any more of finals older than that."""
        while self._due and self._due[0] <= now:
            self._due.popleft()
        for message_type in self._awaited:
            self._awaited[message_type] = min(self._awaited[message_type], len(self._due))
