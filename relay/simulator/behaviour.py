"""The times and limits of the service, in one place, so that a test can shorten them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How Scribe behaves when nothing goes wrong.

    *Source* of defaults: captures and measurements published by third parties (summer and autumn
    2026), unless an attribute says that the figure is unpublished and thus our choice.
    """

    idle_timeout: float = 15.0
    """Seconds without a client message until close 1000, without a reason or a frame."""
    min_commit: float = 0.3
    """Seconds of uncommitted audio that a commit needs."""
    auto_commit: float = 36.0
    """Seconds of uncommitted audio that commit by themselves, in every strategy."""
    first_partial: float = 2.0
    """Seconds of a socket's audio before the first partial."""
    partial_interval: float = 1.0
    """Seconds of audio between partials."""
    repeat_partials: bool = True
    """Send a partial although it equals the last one; `keepalive_interval_ms` does so anyway."""
    echo_partials: bool = True
    """After a final that has text, send the same text as a partial."""
    echo_delay: float = 0.02
    timed_delay: float = 0.1
    """From the plain final to the one with timestamps."""
    final_delay: float = 0.0
    """Added to what the engine needs for a final; the service takes 0.25 to 0.45 s in all."""
    input_error_closes: bool = False
    """Whether a malformed message ends the session: documented so, seen otherwise."""
    max_chunk_bytes: int = 1 << 20
    """Decoded bytes of one chunk before `chunk_size_exceeded`; unpublished."""
    max_lead: float | None = None
    """Seconds that audio may run ahead of real time before `queue_overflow`; unpublished.

    Off by default, because an official SDK sends files at 25 times real time.
    """
    session_limit: float | None = None
    """Seconds from open to `session_time_limit_exceeded`; depends on the plan, unpublished."""
    max_sessions: int | None = None
    """Sessions at once before `rate_limited`; depends on the plan."""
    token_lifetime: float = 900.0
    """Seconds that a single-use token can wait for its session."""
