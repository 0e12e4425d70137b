"""Audio and commit markers back to the last answered commit: what a break must not lose."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from relay.errors import StateError


class Cause(StrEnum):
    """Who ended a segment."""

    CLIENT = "client"
    VAD = "vad"
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class Commit:
    """A marker: the segment that ends at `position`, in samples at the wire format's rate."""

    position: int
    cause: Cause


class Entry(msgspec.Struct, frozen=True):
    """One upstream chunk as it will be sent: audio, and the marker that stands at its end."""

    start: int
    """Position of the first sample."""
    samples: int
    payload: bytes
    """The samples in the wire format."""
    commit: Commit | None = None


class Ledger:
    """The ordered entries of a session that are not covered by an answered commit.

    A cursor divides them into what the current provider socket was sent and what it wasn't.
    Nothing is ever dropped here but what was withheld, as silence: when the ledger is full its
    writer has to wait.
    """

    def __init__(self, *, bound: int, max_commits: int = 64, start: int = 0) -> None:
        """Hold about `bound` samples and `max_commits` unanswered commits, from `start` on."""
        self._bound = bound
        self._max_commits = max_commits
        self._entries: deque[Entry] = deque()
        self._sent = 0
        self._samples = 0
        self._commits = 0
        self.made_sendable = 0
        """Grows with whatever is taken in or released: where it is the same, there is nothing new
        to send."""
        self.end = start
        """Position after the last sample taken in."""
        self.reached = start
        """Position up to which audio was sent on any socket; before it, all is a replay."""
        self.last_commit = start
        """Position of the newest marker, answered or not."""
        self.is_withholding = False
        """Whether what is taken in now isn't to be sent."""
        self._covered = start
        self._withheld = 0
        self._withheld_samples = 0

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait; one more message may still be taken without loss."""
        return self._samples >= self._bound or self._commits >= self._max_commits

    @property
    def samples(self) -> int:
        """Samples held."""
        return self._samples

    @property
    def covered(self) -> int:
        """Position before which everything has its final, or was silence that needs none."""
        return self._covered

    @property
    def first_commit(self) -> int | None:
        """Position of the oldest marker without an answer, sent or not."""
        markers = (entry.commit for entry in self._entries)
        return next((marker.position for marker in markers if marker is not None), None)

    @property
    def has_unsent(self) -> bool:
        """Whether `peek` shows an entry."""
        return self._sent < len(self._entries) - self._withheld

    @property
    def has_unsent_commit(self) -> bool:
        """Whether a marker waits to be sent on this socket."""
        return any(
            self._entries[i].commit is not None for i in range(self._sent, len(self._entries))
        )

    @property
    def sent(self) -> int:
        """Position up to which this socket was sent audio."""
        return self._entries[self._sent].start if self._sent < len(self._entries) else self.end

    @property
    def has_sent(self) -> bool:
        """Whether this socket was sent anything that has no answer."""
        return self._sent > 0

    @property
    def unanswered(self) -> int:
        """Commits without an answer, sent or not."""
        return self._commits

    def append(self, payload: bytes, samples: int, commit: Cause | None = None) -> None:
        """Take in the next chunk; `commit` ends the segment after its last sample."""
        start = self.end
        self.end += samples
        marker = None
        if commit is not None:
            marker = Commit(self.end, commit)
            self.last_commit = self.end
            self._commits += 1
        self._entries.append(Entry(start, samples, payload, marker))
        self._samples += samples
        self.made_sendable += 1
        if self.is_withholding:
            self._withheld += 1
            self._withheld_samples += samples

    def withhold(self) -> None:
        """Send nothing of what comes from now on, until `release`; markers have no place in it."""
        self.is_withholding = True

    def drop_withheld(self, *, keep: int = 0) -> None:
        """Forget what is withheld but for the last `keep` samples or a little more."""
        while self._withheld:
            index = len(self._entries) - self._withheld
            samples = self._entries[index].samples
            if self._withheld_samples - samples < keep:
                break
            del self._entries[index]
            self._withheld -= 1
            self._withheld_samples -= samples
            self._samples -= samples
        if self._withheld == len(self._entries):
            self._covered = self._entries[0].start if self._entries else self.end

    def release(self) -> int:
        """Send what is withheld, and all that comes; the position where it begins."""
        index = len(self._entries) - self._withheld
        self.is_withholding = False
        self.made_sendable += self._withheld
        self._withheld = self._withheld_samples = 0
        return self._entries[index].start if index < len(self._entries) else self.end

    def peek(self) -> Entry | None:
        """The next entry to send, if any."""
        sent, end = self._sent, len(self._entries) - self._withheld
        return self._entries[sent] if sent < end else None

    def advance(self) -> None:
        """Move the cursor past the entry that `peek` shows: it was sent."""
        if not self.has_unsent:
            raise StateError("advance() with nothing left to send")
        entry = self._entries[self._sent]
        self._sent += 1
        end = entry.start + entry.samples
        if end > self.reached:
            self.reached = end

    def answer(self) -> Commit | None:
        """Take the answer to the oldest commit that was sent; free what it covers.

        Returns:
            The commit, or None if no commit that was sent waits for an answer.
        """
        marked = next(
            (i for i in range(self._sent) if self._entries[i].commit is not None),
            None,
        )
        if marked is None:
            return None
        commit = self._free(marked + 1)
        assert commit is not None
        return commit

    def leave_out(self) -> tuple[int, int]:
        """Give up the oldest segment with its marker; without one, what was sent. Then rewind.

        Returns:
            The stretch [from, to) that nothing will cover.
        """
        begin = self._covered
        marked = (i + 1 for i, entry in enumerate(self._entries) if entry.commit is not None)
        self._free(next(marked, self._sent))
        self.rewind()
        return begin, self._covered

    def _free(self, entries: int) -> Commit | None:
        commit = None
        for _ in range(entries):
            entry = self._entries.popleft()
            self._samples -= entry.samples
            commit = entry.commit
            self._commits -= commit is not None
        self._sent -= entries
        # Not the end of what is freed: silence that was dropped may lie behind it.
        self._covered = self._entries[0].start if self._entries else self.end
        return commit

    def rewind(self) -> None:
        """Put the cursor before the oldest entry: a new socket has been sent nothing."""
        self._sent = 0
