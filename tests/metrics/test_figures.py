"""What is shown in charts, of what several workers have counted."""

from collections import Counter

import pytest

from relay.metrics import Metrics
from relay.metrics.figures import SPAN, point, tally


class Used:
    received_ms = sent_ms = replayed_ms = silence_ms = 0


def added_up(*tallies: dict[str, float]) -> dict[str, float]:
    """As Redis does it."""
    total: Counter[str] = Counter()
    for each in tallies:
        total.update(each)
    return dict(total)


def test_what_several_workers_did_within_a_span_is_added_up() -> None:
    workers = Metrics(), Metrics()
    before = [worker.values() for worker in workers]
    for number, worker in enumerate(workers, 1):
        used = Used()
        worker.session_began("a", "new", used)
        worker.set_states(Counter({"open": number, "parked": 1}))
        worker.set("sessions_limit", 400)
        used.received_ms, used.sent_ms = 10_000 * number, 5_000
        worker.session_used("a", used)
        worker.upstream_failed("lost")
        worker.upstream_failed("rate_limited")
        worker.upstream_reopens("lost")
        worker.gap("lost", 1.25)
        worker.audio_warned("clipping")
        worker.limit_hit("rate_limited", "http")
        worker.credential_refused("key")
    tallies = [tally(old, worker.values()) for old, worker in zip(before, workers, strict=True)]
    shown = point(100, added_up(*tallies))
    assert shown.at == 101 * SPAN
    assert (shown.workers, shown.sessions_limit) == (2, 800)
    assert shown.sessions == {"queued": 0, "opening": 0, "open": 3, "parked": 2, "ending": 0}
    assert (shown.received, shown.sent) == (30 / SPAN, 10 / SPAN)
    assert (shown.upstream_errors, shown.reconnects, shown.gap_seconds) == (4, 2, 2.5)
    assert (shown.audio_warnings, shown.limits_hit, shown.auth_failures) == (2, 2, 2)


def test_only_what_was_counted_since_is_told() -> None:
    metrics = Metrics()
    metrics.upstream_failed("lost")
    metrics.added_latency(0.004)
    before = metrics.values()
    assert tally(before, metrics.values()) == {"workers": 1}
    metrics.upstream_failed("lost")
    assert tally(before, metrics.values()) == {"workers": 1, "upstream_errors": 1}


def test_percentiles_are_of_all_workers_together() -> None:
    fast, slow = Metrics(), Metrics()
    before = fast.values(), slow.values()
    for _ in range(98):
        fast.added_latency(0.0025)
    for _ in range(2):
        slow.added_latency(0.3)
    shown = point(0, added_up(tally(before[0], fast.values()), tally(before[1], slow.values())))
    assert shown.added_p50_ms == pytest.approx(2 + 50 / 98, abs=0.01)
    assert shown.added_p99_ms == pytest.approx(375, abs=1)
    assert shown.final_p50_ms is None


def test_what_is_beyond_the_last_bucket_counts_as_its_bound() -> None:
    metrics = Metrics()
    before = metrics.values()
    metrics.speech_to_final(500.0)
    shown = point(0, tally(before, metrics.values()))
    assert (shown.final_p50_ms, shown.final_p95_ms) == (60_000, 60_000)
