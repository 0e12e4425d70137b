"""Figures for charts, made of what workers have counted. Pure.

A *tally* is what one worker counted within a span, under a few names; tallies of several workers
add up. A `Point` is what is shown of all of them. Latencies are kept as the counts of their
histogram's buckets, since percentiles can't be added.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from relay.metrics.families import FINAL_BUCKETS, LATENCY_BUCKETS, STATES
from relay.metrics.values import Values

SPAN: Final = 5
"""Seconds."""

SPANS: Final = 360
"""Spans that are shown: half an hour. For more there is Prometheus."""

Tally: TypeAlias = Mapping[str, float]

_GAUGES: Final = {
    "relay_workers": "workers",
    "relay_sessions_limit": "sessions_limit",
}

_COUNTERS: Final = {
    "relay_upstream_errors_total": "upstream_errors",
    "relay_upstream_reconnects_total": "reconnects",
    "relay_limits_hit_total": "limits_hit",
    "relay_auth_failures_total": "auth_failures",
    "relay_audio_gap_seconds_total": "gap_seconds",
    "relay_audio_warnings_total": "audio_warnings",
}
"""Added up over their labels."""

_BUCKETS: Final[Mapping[str, tuple[str, Sequence[float]]]] = {
    "relay_added_latency_seconds": ("added", LATENCY_BUCKETS),
    "relay_speech_to_final_seconds": ("final", FINAL_BUCKETS),
}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What all workers did within a span."""

    at: int
    """Seconds since 1970 at which it ended."""
    workers: int
    sessions_limit: int
    sessions: Mapping[str, int]
    """By state."""
    received: float
    """Seconds of audio in a second, from clients."""
    sent: float
    """To the provider."""
    added_p50_ms: float | None
    """What the relay adds to a chunk; None where none was measured."""
    added_p99_ms: float | None
    final_p50_ms: float | None
    """From a segment's end to its final."""
    final_p95_ms: float | None
    upstream_errors: int
    reconnects: int
    limits_hit: int
    auth_failures: int
    audio_warnings: int
    gap_seconds: float
    """Audio that no final will cover."""


def tally(before: Values, now: Values) -> dict[str, float]:
    """What a worker counted between two looks at its values, and how it stands now."""
    found: dict[str, float] = {}
    for name, value in _changes(before, now):
        found[name] = found.get(name, 0.0) + value
    return {name: value for name, value in found.items() if value}


def _changes(before: Values, now: Values) -> Iterator[tuple[str, float]]:
    for key, value in now.items():
        labels = dict(key.labels)
        change = value - before.get(key, 0.0)
        if key.family == "relay_sessions":
            yield f"sessions:{labels['state']}", value
        elif key.family == "relay_audio_seconds_total":
            yield labels["direction"], change
        elif (name := _GAUGES.get(key.family)) is not None:
            yield name, value
        elif (name := _COUNTERS.get(key.family)) is not None:
            yield name, change
        elif key.family in _BUCKETS and key.sample.endswith("_bucket"):
            # As Prometheus has them: each counts what the ones below it count.
            yield f"{_BUCKETS[key.family][0]}:{labels['le']}", change


def point(span: int, tallied: Tally) -> Point:
    """What is shown of the tallies of all workers, which were added up."""

    def whole(name: str) -> int:
        return round(tallied.get(name, 0.0))

    return Point(
        at=(span + 1) * SPAN,
        workers=whole("workers"),
        sessions_limit=whole("sessions_limit"),
        sessions={state: whole(f"sessions:{state}") for state in STATES},
        received=round(tallied.get("received", 0.0) / SPAN, 2),
        sent=round(tallied.get("sent", 0.0) / SPAN, 2),
        added_p50_ms=_quantile(tallied, "relay_added_latency_seconds", 0.5),
        added_p99_ms=_quantile(tallied, "relay_added_latency_seconds", 0.99),
        final_p50_ms=_quantile(tallied, "relay_speech_to_final_seconds", 0.5),
        final_p95_ms=_quantile(tallied, "relay_speech_to_final_seconds", 0.95),
        upstream_errors=whole("upstream_errors"),
        reconnects=whole("reconnects"),
        limits_hit=whole("limits_hit"),
        auth_failures=whole("auth_failures"),
        audio_warnings=whole("audio_warnings"),
        gap_seconds=round(tallied.get("gap_seconds", 0.0), 3),
    )


def _quantile(tallied: Tally, family: str, share: float) -> float | None:
    """Estimate a percentile in milliseconds, as Prometheus's `histogram_quantile` does."""
    prefix, bounds = _BUCKETS[family]
    total = tallied.get(f"{prefix}:+Inf", 0.0)
    if total <= 0:
        return None
    wanted, below, low = share * total, 0.0, 0.0
    for bound in bounds:
        count = tallied.get(f"{prefix}:{float(bound)}", 0.0)
        if count >= wanted:
            part = (wanted - below) / (count - below)
            return round((low + (bound - low) * part) * 1000, 2)
        below, low = count, bound
    return round(bounds[-1] * 1000, 2)
