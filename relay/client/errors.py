"""What a client of the relay can run into."""

from dataclasses import dataclass

from relay.errors import RelayError
from relay.protocol.close_codes import CloseCode


@dataclass(eq=False)
class RelayUnreachable(RelayError):
    """Raised when no session could be opened because no relay answered as one."""

    url: str
    """Without the query, which may hold what the user said about the audio."""
    reason: str

    def __str__(self) -> str:
        return f"No relay can be reached at {self.url}: {self.reason}"


@dataclass(eq=False)
class SessionFailed(RelayError):
    """Raised when the relay refused a session, or it ended early and can't be had back."""

    error_type: str
    """The `message_type` of the error that was sent, or `connection_closed` if none was."""
    text: str
    close_code: int
    retryable: bool
    missing: tuple[float, float] | None = None
    """Seconds of the audio from and to which no final has come; None where nothing is missing."""

    def __str__(self) -> str:
        text = f"{self.text} ({self.error_type}, close code {self.close_code})"
        if self.missing is None:
            return text
        begin, end = self.missing
        return f"{text}; nothing has come of the audio from {begin:.1f} to {end:.1f} s"

    @property
    def is_upstreams(self) -> bool:
        """Whether the relay is well and its provider isn't, or refuses it."""
        return self.close_code in (CloseCode.UPSTREAM_REFUSED, CloseCode.UPSTREAM_UNAVAILABLE)


class StreamClosed(RelayError):
    """Raised when something is sent after the connection has ended.

    Iterating over the stream tells why it ended, so a sender may just return.
    """
