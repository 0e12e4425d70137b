"""What outlives a provider socket: the count of segments, the last words, what was sent."""

from dataclasses import dataclass

MAX_PREVIOUS_TEXT = 50
"""Characters of context for a new socket. Source: the vendor advises to stay below 50."""


@dataclass
class History:
    """One for each session, written by its sockets one after another."""

    segments: int = 0
    """Forwarded so far; the next one gets this number."""
    last_text: str = ""
    """Of the last final in which something was said."""
    introduction: str | None = None
    """What the client says was said before its first audio, as it says it."""
    samples_sent: int = 0
    """To the provider, replays and inserted silence included."""
    samples_inserted: int = 0
    samples_replayed: int = 0

    def next_segment(self) -> int:
        """Number the next segment."""
        self.segments += 1
        return self.segments - 1

    @property
    def previous_text(self) -> str | None:
        """The tail of the last words, cut at a word; None if there are none that fit.

        As long as there are none at all, it is what the client gave as such.
        """
        text = self.last_text.strip()
        if not text:
            return self.introduction
        if len(text) >= MAX_PREVIOUS_TEXT:
            # One character more, so that a word that begins right there is kept whole.
            _, _, text = text[-MAX_PREVIOUS_TEXT:].partition(" ")
        return text.strip() or None
