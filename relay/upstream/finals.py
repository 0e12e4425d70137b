"""Commits and their answers: the n-th final answers the n-th commit."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.scribe.messages import CommittedTranscript, CommittedTranscriptWithTimestamps
from relay.upstream.history import History
from relay.upstream.ledger import Cause, Commit, Ledger

TIMED_MESSAGE_TIMEOUT = 1.0
"""Seconds after the plain final until the timed one is given up.

Source: about 0.1 s on the live service.
"""

FINAL = "committed_transcript"
TIMED = "committed_transcript_with_timestamps"

MAX_UNPAIRED = 16
"""Timed messages that came before their plain ones, and texts whose timed message was given up:
older ones are forgotten."""


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


@dataclass(frozen=True, slots=True)
class _Early:
    fields: Mapping[str, Any]
    due: float


class Finals:
    """Pairs what Scribe commits with the ledger's markers and numbers the segments.

    Plain comes first and timed second whatever order Scribe sends them in. Empty finals are
    forwarded only where the client asked for the commit.
    """

    def __init__(self, ledger: Ledger, history: History, *, is_timed: bool) -> None:
        """`is_timed`: each final has a second message, since the client asked for one."""
        self._ledger = ledger
        self._is_timed = is_timed
        self._history = history
        self._awaited: deque[_Awaited] = deque()
        self._early: deque[_Early] = deque(maxlen=MAX_UNPAIRED)
        self._unwanted: deque[str] = deque(maxlen=MAX_UNPAIRED)

    @property
    def is_settled(self) -> bool:
        """Whether every final that came has had its timed message."""
        return not self._awaited

    def receive_plain(self, message: CommittedTranscript, now: float) -> list[Final] | None:
        """Take in a final; the messages to forward, or None if no commit waits for one."""
        commit = self._ledger.answer()
        if commit is None:
            self._give_up(message.text)
            return None
        plain = None
        if message.text.strip() or commit.cause is Cause.CLIENT:
            plain = Final(message.fields, commit, self._history.next_segment())
        finals = [] if plain is None else [plain]
        if not self._is_timed:
            return finals
        awaited = _Awaited(plain, message.text, now + TIMED_MESSAGE_TIMEOUT)
        for early in self._early:
            if early.fields["text"] == message.text:
                self._early.remove(early)
                return finals + _timed(awaited, early.fields)
        self._awaited.append(awaited)
        return finals

    def receive_timed(self, message: CommittedTranscriptWithTimestamps, now: float) -> list[Final]:
        """Take in a timed final; the messages to forward."""
        if not self._is_timed:
            return []
        if message.text in self._unwanted:
            # It was given up, and the client has one without words.
            self._unwanted.remove(message.text)
            return []
        if not self._awaited:
            # Reversed order was seen on the live service: keep it for its plain final.
            self._early.append(_Early(message.fields, now + TIMED_MESSAGE_TIMEOUT))
            return []
        # By text where that decides, by order where Scribe wrote the two differently.
        texts = [awaited.text for awaited in self._awaited]
        index = texts.index(message.text) if message.text in texts else 0
        finals: list[Final] = []
        for _ in range(index):
            finals += self._make_up()
        return finals + _timed(self._awaited.popleft(), message.fields)

    def expire(self, now: float) -> list[Final]:
        """Make up the timed messages that are overdue, with `words: null`."""
        while self._early and self._early[0].due <= now:
            self._early.popleft()
        finals: list[Final] = []
        while self._awaited and self._awaited[0].due <= now:
            finals += self._make_up()
        return finals

    def _make_up(self) -> list[Final]:
        awaited = self._awaited.popleft()
        self._give_up(awaited.text)
        fields = {
            "message_type": TIMED,
            "text": awaited.text,
            "language_code": None,
            "words": None,
        }
        return _timed(awaited, fields)

    def _give_up(self, text: str) -> None:
        """Expect nothing of a text's timed message; should it come all the same, it is dropped."""
        if self._is_timed and text:
            self._unwanted.append(text)


def _timed(awaited: _Awaited, fields: Mapping[str, Any]) -> list[Final]:
    if awaited.plain is None:
        return []
    return [Final(fields, awaited.plain.commit, awaited.plain.segment)]
