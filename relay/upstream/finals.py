"""Commits and their answers: the n-th final answers the n-th commit."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.scribe.messages import CommittedTranscript, CommittedTranscriptWithTimestamps
from relay.upstream.ledger import Cause, Commit, Ledger

TIMED_MESSAGE_TIMEOUT = 1.0
"""Seconds after the plain final until the timed one is given up.

Source: about 0.1 s on the live service.
"""

TIMED = "committed_transcript_with_timestamps"


@dataclass(frozen=True, slots=True)
class Final:
    """A final to forward, plain or timed: what Scribe sent, and what it answers."""

    fields: Mapping[str, Any]
    commit: Commit
    segment: int
    """Counts the forwarded segments of the session from 0."""

    @property
    def is_timed(self) -> bool:
        return bool(self.fields["message_type"] == TIMED)


@dataclass(frozen=True, slots=True)
class _Awaited:
    plain: Final | None
    """None where the plain final was not forwarded, so that the timed one isn't either."""
    text: str
    due: float


class Finals:
    """Pairs what Scribe commits with the ledger's markers and numbers the segments.

    Plain comes first and timed second whatever order Scribe sends them in. Empty finals are
    forwarded only where the client asked for the commit.
    """

    def __init__(self, ledger: Ledger, *, is_timed: bool) -> None:
        """`is_timed`: each final has a second message, since the client asked for one."""
        self._ledger = ledger
        self._is_timed = is_timed
        self._segments = 0
        self._awaited: deque[_Awaited] = deque()
        self._early: CommittedTranscriptWithTimestamps | None = None

    @property
    def is_settled(self) -> bool:
        """Whether every final that came has had its timed message."""
        return not self._awaited

    def receive_plain(self, message: CommittedTranscript, now: float) -> list[Final] | None:
        """Take in a final; the messages to forward, or None if no commit waits for one."""
        commit = self._ledger.answer()
        if commit is None:
            return None
        plain = None
        if message.text.strip() or commit.cause is Cause.CLIENT:
            plain = Final(message.fields, commit, self._segments)
            self._segments += 1
        finals = [] if plain is None else [plain]
        if not self._is_timed:
            return finals
        awaited = _Awaited(plain, message.text, now + TIMED_MESSAGE_TIMEOUT)
        if self._early is not None:
            early, self._early = self._early, None
            return finals + _timed(awaited, early.fields)
        self._awaited.append(awaited)
        return finals

    def receive_timed(self, message: CommittedTranscriptWithTimestamps) -> list[Final]:
        """Take in a timed final; the messages to forward."""
        if not self._is_timed:
            return []
        if not self._awaited:
            # Reversed order was seen on the live service: keep it for its plain final.
            self._early = message
            return []
        # By text where that decides, by order where Scribe wrote the two differently.
        texts = [awaited.text for awaited in self._awaited]
        index = texts.index(message.text) if message.text in texts else 0
        finals: list[Final] = []
        for _ in range(index):
            finals += _without_words(self._awaited.popleft())
        return finals + _timed(self._awaited.popleft(), message.fields)

    def expire(self, now: float) -> list[Final]:
        """Make up the timed messages that are overdue, with `words: null`."""
        finals: list[Final] = []
        while self._awaited and self._awaited[0].due <= now:
            finals += _without_words(self._awaited.popleft())
        return finals


def _timed(awaited: _Awaited, fields: Mapping[str, Any]) -> list[Final]:
    if awaited.plain is None:
        return []
    return [Final(fields, awaited.plain.commit, awaited.plain.segment)]


def _without_words(awaited: _Awaited) -> list[Final]:
    fields = {
        "message_type": TIMED,
        "text": awaited.text,
        "language_code": None,
        "words": None,
    }
    return _timed(awaited, fields)
